package main

import "github.com/spf13/cobra"

// commands lists every command of the program.
func commands(a *app) []*cobra.Command {
	return []*cobra.Command{
		newCheckCommand(a),
		newStubCommand(a),
		newVersionCommand(a),
	}
}

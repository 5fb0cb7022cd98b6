package main

import "github.com/spf13/cobra"

// commands lists every command of the program.
func commands(a *app) []*cobra.Command {
	return []*cobra.Command{
		newRunCommand(a),
		newCheckCommand(a),
		newDeliverCommand(a),
		newPlanCommand(a),
		newHoldCommand(a),
		newResumeCommand(a),
		newDLQCommand(a),
		newExplainCommand(a),
		newAuditCommand(a),
		newProduceCommand(a),
		newDemoCommand(a),
		newStubCommand(a),
		newVersionCommand(a),
		newHealthCommand(a),
	}
}

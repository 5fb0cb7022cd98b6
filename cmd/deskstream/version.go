package main

import (
	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/internal/version"
)

func newVersionCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Prints the program's version",
		Example: `  deskstream version
  deskstream version --json`,
		Args: cobra.NoArgs,
	}
	as := a.formatFlags(cmd, "version")
	cmd.RunE = func(*cobra.Command, []string) error {
		return as.print(version.This(), func() string { return version.Line() + "\n" })
	}
	return cmd
}

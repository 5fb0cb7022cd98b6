package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/internal/version"
)

func newVersionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Prints the program's version",
		Example: "  deskstream version",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.stdout, version.Line())
			return err
		},
	}
}

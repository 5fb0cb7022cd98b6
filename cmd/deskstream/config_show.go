package main

import (
	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/internal/tracing"
)

func newConfigCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "config",
		Short:   "Shows the configuration that is in effect",
		Long:    `config shows what commands read from the configuration file.`,
		Example: "  deskstream config show -c deskstream.yaml",
	}
	cmd.AddCommand(newConfigShowCommand(a))
	return cmd
}

func newConfigShowCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show [-c FILE]",
		Short: "Shows the file with its defaults and replaced variables",
		Long: `show prints the configuration as commands see it: with defaults, and with variables and
files replaced. Secrets are masked; settings that are empty and have no default are left
out. A comment says whether traces are on, by the variables OTEL_*. It opens no connection.`,
		Example: `  deskstream config show -c deskstream.yaml
  deskstream config show -o json | jq .data.source`,
		Args: cobra.NoArgs,
	}
	path, as := configFlag(cmd), a.formatFlags(cmd, "config")
	cmd.RunE = func(*cobra.Command, []string) error {
		cfg, err := a.loadConfig(*path)
		if err != nil {
			return err
		}
		return as.print(cfg.JSON(), func() string { return string(cfg.YAML()) + "# traces: " + tracing.FromEnvironment().String() + "\n" })
	}
	return cmd
}

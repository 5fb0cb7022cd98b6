package main

import (
	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/internal/explain"
)

func newExplainCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explain -c FILE MESSAGE_ID",
		Short: "Shows the story of one event from the topics",
		Long: `explain reads the source topics, the responses topic, the dead-letter topic and the
letters' states for the event with the messageId, and prints where it was read and, per
destination, its calls, responses, dead letters and redrives in order. The same id twice in the
source is two events. It asks no running process.`,
		Example: `  deskstream explain -c deskstream.yaml 0f3a9c52-7d1e-4c1b-9a55-2f6f0f7f9d11
  deskstream explain -c deskstream.yaml m-1 --json`,
		Args: cobra.ExactArgs(1),
	}
	path := configFlag(cmd)
	as := a.formatFlags(cmd, "explain")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := a.loadConfig(*path)
		if err != nil {
			return err
		}
		s, err := explain.Event(cmd.Context(), a.journalOptions(cfg, ""), args[0])
		if err != nil {
			return err
		}
		return as.print(s, s.Text)
	}
	return cmd
}

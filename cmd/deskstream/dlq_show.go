package main

import (
	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/internal/explain"
)

func newDLQShowCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show -c FILE ID",
		Short: "Shows one dead letter with its event, error, calls and headers",
		Long: `show prints the dead letter with the id, or with the only id that begins so: the
event, why it died, the calls and answers as the responses topic has them, what became
of it since, and all headers by the convention that they follow. The event is the
customer's data.`,
		Example: `  deskstream dlq show -c deskstream.yaml 3da411233457b7eba40df244529c9495
  deskstream dlq show -c deskstream.yaml 3da4 --json | jq .data.value`,
		Args: cobra.ExactArgs(1),
	}
	path, topic := configFlag(cmd), topicFlag(cmd)
	as := a.formatFlags(cmd, "dlq.show")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := a.loadConfig(*path)
		if err != nil {
			return err
		}
		s, err := explain.Letter(cmd.Context(), a.journalOptions(cfg, *topic), args[0])
		if err != nil {
			return err
		}
		return as.print(s, s.Text)
	}
	return cmd
}

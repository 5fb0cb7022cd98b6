package main

import (
	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/redrive"
)

func newDLQCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dlq",
		Short: "Lists dead letters and sends them again",
		Long: `dlq lists dead letters by their cause, shows one, plans what sending them again
would do, applies a plan, marks some as discarded, and exports their events.`,
		Example: `  deskstream dlq list -c deskstream.yaml --since 2h
  deskstream dlq plan -c deskstream.yaml --code http_422 -o plan.json
  deskstream dlq apply -c deskstream.yaml plan.json`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(newDLQListCommand(a), newDLQShowCommand(a), newDLQPlanCommand(a), newDLQApplyCommand(a), newDLQDiscardCommand(a), newDLQExportCommand(a))
	return cmd
}

// topicFlag adds --topic to a command that reads letters.
func topicFlag(cmd *cobra.Command) *string {
	return cmd.Flags().String("topic", "", "read this dead-letter `topic` instead of the configuration's, another program's for example")
}

// journalOptions are what the commands read the topics with; letters is the dead-letter
// topic, the configuration's if empty.
func (a *app) journalOptions(cfg *config.Config, letters string) journal.Options {
	return journal.Options{Config: cfg, Log: a.log, Topic: letters, Notes: a.stderr}
}

func (a *app) deployment(cfg *config.Config) redrive.Deployment {
	return redrive.Deployment{Options: a.journalOptions(cfg, ""), Out: a.stdout}
}

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/redrive"
)

func newDLQPlanCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plan -c FILE [FILTERS] -o PLAN",
		Short: "Shows what sending dead letters again would do, and sends nothing",
		Long: `plan takes the open letters that the filters pick, makes for each the calls that
the present configuration gives, looks ids up, and prints them beside what was sent
then. Letters that would die again are shown with the reason and left out, as are
identifies that a later delivered one of their user has made useless and letters whose
event was delivered since. The plan file holds the letters' ids and digests of what
would be sent, and no event.

Each address is looked up once. Lookups use the reserve of the rate budget, and what live
traffic leaves over. A plan that is interrupted, or whose help desk answers no lookups, is
written as far as it is made: --continue goes on with it.

With --discard the plan is for dlq discard: it takes all letters that the filters pick,
and asks no help desk.`,
		Example: `  deskstream dlq plan -c deskstream.yaml --code contact_not_found -o plan.json
  deskstream dlq plan -c deskstream.yaml --continue plan.json
  deskstream dlq plan -c deskstream.yaml --topic orders-dlt --to crm -o plan.json
  deskstream dlq plan -c deskstream.yaml --discard --class invalid -o hopeless.json`,
		Args: cobra.NoArgs,
	}
	path, filter := configFlag(cmd), addFilterFlags(cmd).orEvery()
	var o redrive.PlanOptions
	flags := cmd.Flags()
	topic := topicFlag(cmd)
	flags.StringVarP(&o.Out, "output", "o", "", "write the plan to this `file`; without it the plan is only shown")
	flags.StringVar(&o.Unfinished, "continue", "", "complete this unfinished `plan`, and write it again")
	flags.BoolVar(&o.Discard, "discard", false, "plan to discard the letters: no help desk is asked")
	flags.StringVar(&o.To, "to", "", "the `destination` for letters of other programs, which name none, and of destinations that the configuration no longer has")
	flags.BoolVar(&o.Superseded, "superseded", false, "send superseded identifies too")
	flags.BoolVarP(&o.Quiet, "quiet", "q", false, "print the summary only")
	flags.IntVar(&o.MaxRounds, "max-rounds", redrive.MaxRounds, "leave out letters that were sent again this often")
	flags.IntVar(&o.Limit, "limit", redrive.MaxLetters, "refuse to plan for more letters than this")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := a.loadConfig(*path)
		if err != nil {
			return err
		}
		if _, known := cfg.Destination(o.To); o.To != "" && !known {
			return &config.FlagError{Err: cfg.NoDestination(o.To)}
		}
		o.Topic = *topic
		if o.Unfinished == "" {
			if o.Picker, err = filter.read(); err != nil {
				return err
			}
			if o.Wanted, err = journal.WantedBy(cfg, &filter.filter); err != nil {
				return err
			}
			return redrive.Plan(cmd.Context(), a.deployment(cfg), o)
		}
		for _, name := range append(filter.names(), "every", "topic", "to", "superseded", "limit", "discard") {
			if flags.Changed(name) {
				return &config.FlagError{Err: fmt.Errorf("--%s does not go with --continue: the plan has its letters", name)}
			}
		}
		return redrive.Continue(cmd.Context(), a.deployment(cfg), o)
	}
	return cmd
}

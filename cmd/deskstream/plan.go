package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/dryrun"
)

func newPlanCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plan -c FILE [EVENTS]",
		Short: "Shows the API calls that events would cause, and sends no write",
		Long: `plan reads events as NDJSON from EVENTS or standard input, or the newest records
of the source topics, and prints one JSON object per event and destination with
the calls that it would cause. Lookups are made unless --offline, each once, with the
reserve of the rate budget and what live traffic leaves over; writes never. An event
that would be skipped or die prints that outcome.

--rules plans no calls: it prints for each event and destination which rule decides, and why
each of the others does not.`,
		Example: `  deskstream plan -c deskstream.yaml events.ndjson
  deskstream plan -c deskstream.yaml --last 20 --offline
  deskstream plan -c deskstream.yaml --rules events.ndjson`,
		Args: cobra.MaximumNArgs(1),
	}
	path := configFlag(cmd)
	var opts dryrun.Options
	cmd.Flags().BoolVar(&opts.Offline, "offline", false, "make no lookups, as if they found nothing")
	cmd.Flags().BoolVar(&opts.Rules, "rules", false, "print which rule decides about each event, instead of calls")
	asJSON := cmd.Flags().Bool("json", false, "with --rules: print one JSON object per event and destination")
	cmd.Flags().IntVar(&opts.Last, "last", 0, "take the newest `N` records of the source topics")
	cmd.Flags().StringSliceVar(&opts.Destinations, "destination", nil, "plan for this destination only (repeatable)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if cmd.Flags().Changed("last") && (len(args) > 0 || opts.Last < 1) {
			return &config.FlagError{Err: errors.New("--last takes a number from 1 up, and no EVENTS beside it")}
		}
		cfg, err := a.loadConfig(*path)
		if err != nil {
			return err
		}
		if opts.Last == 0 {
			events, err := a.openEvents(args)
			if err != nil {
				return err
			}
			defer events.Close()
			opts.Events = events
		}
		opts.Text = opts.Rules && !*asJSON
		opts.Config, opts.Log, opts.Out = cfg, a.log, a.stdout
		return dryrun.Run(cmd.Context(), opts)
	}
	return cmd
}

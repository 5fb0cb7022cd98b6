package main

import (
	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/internal/delivery"
	"github.com/deskstream/deskstream/internal/tracing"
	"github.com/deskstream/deskstream/internal/version"
)

func newDeliverCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "deliver -c FILE [EVENTS]",
		Short: "Delivers events from a file over HTTP, without Kafka",
		Long: `deliver reads events as NDJSON from EVENTS or standard input, delivers each to
every destination and prints one outcome per event and destination, in the order
of the input for events of the same lane. It writes nothing to Kafka. Calls use the
reserve of the rate budget, and what live traffic leaves over. A line of type call is a call
over Kafka, for a destination that takes calls.

Events stay open when a destination holds for longer than retry.max_elapsed, or when
the command is stopped. Any wait that a destination causes and that lasts longer counts
as a hold. What follows an open event in its lane is left open too, so that the order
stays.`,
		Example: `  deskstream deliver -c deskstream.yaml events.ndjson
  kcat -C -t events -e | deskstream deliver -c deskstream.yaml - > outcomes.ndjson`,
		Args: cobra.MaximumNArgs(1),
	}
	path := configFlag(cmd)
	names := cmd.Flags().StringSlice("destination", nil, "deliver to this destination only (repeatable)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := a.loadConfig(*path)
		if err != nil {
			return err
		}
		events, err := a.openEvents(args)
		if err != nil {
			return err
		}
		defer events.Close()
		provider, err := tracing.Open(cmd.Context(), version.Release(), a.log)
		if err != nil {
			return err
		}
		defer provider.Close()
		dead, err := delivery.Run(cmd.Context(), delivery.Options{
			Config: cfg, Log: a.log, Destinations: *names, Events: events, Out: a.stdout, Notes: a.stderr, Traces: provider.Source(),
		})
		if err == nil && dead > 0 {
			return &exitError{Code: exitDead}
		}
		return err
	}
	return cmd
}

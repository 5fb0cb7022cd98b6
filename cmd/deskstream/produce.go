package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/produce"
)

func newProduceCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "produce -c FILE [EVENTS]",
		Short: "Loads events from a file into the source topic",
		Long: `produce reads events as NDJSON from EVENTS or standard input and writes each to
the first source topic, acknowledged by all replicas, with the value of its lane
as key. Lines without an event, a JSON object in its place, and those that are larger
than the topic takes are refused, named on standard error and left out; --raw takes
every line as it is.

--sample makes up events of a web shop instead, some of them broken on purpose, until
there are --events or it is stopped. It refuses a configuration that names a real help
desk: each would become a contact or ticket there.`,
		Example: `  deskstream produce -c deskstream.yaml events.ndjson
  zcat export.gz | deskstream produce -c deskstream.yaml --topic events.import -
  deskstream produce -c deskstream.yaml --sample --rate 5`,
		Args: cobra.MaximumNArgs(1),
	}
	path := configFlag(cmd)
	var opts produce.Options
	var sample produce.Sample
	flags := cmd.Flags()
	flags.BoolVar(&opts.Avro, "avro", false, "write in Avro, by the schema of source.schema_file or the example's, with its id if there is a registry")
	flags.BoolVar(&opts.Raw, "raw", false, "take lines without an event too")
	flags.StringVar(&opts.Topic, "topic", "", "write to this topic instead of the first source topic")
	madeUp := flags.Bool("sample", false, "make up events instead of reading them, for stub help desks only")
	flags.IntVar(&sample.Events, "events", 0, "stop after this many made-up events (default: run until stopped)")
	flags.Float64Var(&sample.Rate, "rate", 0, "made-up events per second (default: as fast as possible)")
	flags.Uint64Var(&sample.Seed, "seed", 1, "the `number` that made-up events follow from; the same seed gives the same events")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *madeUp {
			opts.Sample = &sample
		}
		if err := checkProduceFlags(cmd, opts, sample, args); err != nil {
			return &config.FlagError{Err: err}
		}
		cfg, err := a.loadConfig(*path)
		if err != nil {
			return err
		}
		if opts.Sample == nil {
			events, err := a.openEvents(args)
			if err != nil {
				return err
			}
			defer events.Close()
			opts.Events = events
		}
		opts.Config, opts.Log, opts.Notes = cfg, a.log, a.stderr
		return produce.Run(cmd.Context(), opts)
	}
	return cmd
}

// checkProduceFlags returns an error for flags that have no effect or exclude each other.
func checkProduceFlags(cmd *cobra.Command, opts produce.Options, sample produce.Sample, args []string) error {
	switch {
	case sample.Events < 0 || sample.Rate < 0:
		return errors.New("--events and --rate cannot be negative")
	case opts.Raw && opts.Avro:
		return errors.New("--raw and --avro exclude each other: Avro holds events only")
	case opts.Sample != nil && len(args) > 0:
		return errors.New("--sample takes no file of events")
	case opts.Sample != nil:
		return nil
	}
	for _, name := range []string{"events", "rate", "seed"} {
		if cmd.Flags().Changed(name) {
			return fmt.Errorf("--%s is for --sample", name)
		}
	}
	return nil
}

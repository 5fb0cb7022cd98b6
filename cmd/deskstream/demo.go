package main

import (
	_ "embed" // for the configuration
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/demo"
)

func newDemoCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Runs the whole thing in one process, with nothing to install",
		Long: `demo starts a Kafka broker, stub Trengo and Kustomer help desks, a generator of
realistic events and the processor, all in this process. At the end it prints what
came in and what became of it, counted from the topics and from what the help desks
received.`,
		Example: `  deskstream demo --events 5000 --fail-rate 0.01
  deskstream demo --rate 200 --latency 50ms --data-dir ./demo-data`,
		Args: cobra.NoArgs,
	}
	var opts demo.Options
	flags := cmd.Flags()
	flags.IntVar(&opts.Events, "events", 0, "stop after this many events are settled (default: run until stopped)")
	flags.Float64Var(&opts.Rate, "rate", 0, fmt.Sprintf("events per second, 0 as fast as possible (default: 0 with --events, else %d)", demo.EndlessRate))
	flags.StringVar(&opts.DataDir, "data-dir", "", "the `directory` that keeps the broker's data (default: memory)")
	flags.BoolVar(&opts.Avro, "avro", false, "events and outcomes in Avro, with a schema registry in this process")
	stubFlags(cmd, &opts.Stub)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if opts.Events == 0 && !flags.Changed("rate") {
			opts.Rate = demo.EndlessRate
		}
		if opts.Events < 0 || opts.Rate < 0 {
			return &config.FlagError{Err: errors.New("--events and --rate cannot be negative")}
		}
		if err := opts.Stub.Validate(); err != nil {
			return &config.FlagError{Err: err}
		}
		if err := a.quieten(cmd); err != nil {
			return err
		}
		opts.Out, opts.Err, opts.Log = a.stdout, a.stderr, a.log
		return demo.Run(cmd.Context(), opts)
	}
	return cmd
}

// quieten leaves only warnings in the log unless a level was asked for: the demo's own
// lines are for people.
func (a *app) quieten(cmd *cobra.Command) error {
	if cmd.Flags().Changed("log-level") {
		return nil
	}
	log, err := a.newLogger(cmd.Flag("log-format").Value.String(), "warn")
	if err != nil {
		return err
	}
	a.log = log
	return nil
}

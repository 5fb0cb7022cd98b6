package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/export"
)

func newExportCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export -c FILE",
		Short: "Copies what the help desks know to compacted topics",
		Long: `export reads the lists that export.entities names (contacts, tickets, comments, users
and so on) and writes what has changed to the topics <inbound.topic>.<destination>.<entity>,
keyed by the desk's id. Calls use the reserve of the rate limit, and what live traffic
leaves over, so it can work beside run.

Before a walk it says how many calls that takes, and how long. A walk that is stopped or
killed goes on where it was, in whatever process: its place is on <inbound.topic>.exports.
An object is deleted from its topic when two complete walks in a row did not find it and
the desk then says that it is not there.

With a pause, from export.every or --every, it walks again and again, until it is stopped
by SIGTERM or SIGINT. One process at a time exports a destination.`,
		Example: `  deskstream export -c deskstream.yaml --create-topics
  deskstream export -c deskstream.yaml --destination crm --every 15m`,
		Args: cobra.NoArgs,
	}
	path := configFlag(cmd)
	opts := export.Options{Alone: true}
	flags := cmd.Flags()
	flags.StringSliceVar(&opts.Destinations, "destination", nil, "export this destination only (repeatable)")
	flags.BoolVar(&opts.CreateTopics, "create-topics", false, "create the topics that are missing")
	flags.BoolVar(&opts.All, "all", false, "walk all objects, also where the desk could be asked for what changed")
	flags.StringVar(&opts.Metrics, "metrics", "", "serve /metrics, /healthz and /readyz at this `address` (default: nowhere)")
	every := flags.Duration("every", 0, "the pause between walks (default: export.every)")
	once := flags.Bool("once", false, "walk once, whatever export.every says")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		switch {
		case *once && flags.Changed("every"):
			return &config.FlagError{Err: errors.New("--once and --every exclude each other")}
		case *every < 0:
			return &config.FlagError{Err: errors.New("--every cannot be negative")}
		case *once || flags.Changed("every"):
			opts.Every = every
		}
		cfg, err := a.loadConfig(*path)
		if err != nil {
			return err
		}
		defer ignoreHangUp(a.log)()
		opts.Config, opts.Log, opts.Notes = cfg, a.log, a.stderr
		err = export.Run(cmd.Context(), opts)
		switch {
		case cmd.Context().Err() == nil || !errors.Is(err, context.Canceled):
			return err
		case repeats(cfg, opts.Every):
			return nil // it ends no other way
		}
		return errors.New("stopped before the walk was complete: the next one goes on")
	}
	return cmd
}

// repeats reports whether a destination is exported again and again.
func repeats(cfg *config.Config, every *time.Duration) bool {
	if every != nil {
		return *every > 0
	}
	for _, d := range cfg.Destinations {
		if d.Export.Every > 0 {
			return true
		}
	}
	return false
}

package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/internal/service"
)

func newRunCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run -c FILE",
		Short: "Delivers events from Kafka until it is stopped",
		Long: `run reads the source topics with one consumer group per destination, delivers each
event, writes what became of it to the responses topic and what could not be
delivered to the dead-letter topic, and commits an offset only when all that it
stands for is recorded.

A group without offsets begins at start. Where the responses topic shows that this
would deliver events again, as after a destination was renamed or the group's offsets
have expired, run ends with an error that says what to do. --redeliver lets it begin.

SIGTERM or SIGINT ends it within source.drain_timeout and 5 seconds: calls in flight
may complete, what is still open is delivered by the next owner of its partition. A
second signal ends it at once.

SIGHUP, or POST /reload on http.admin, reads the file again. Rate limits, rules,
templates, filters, credentials and log.level change, for events that begin from then
on; what differs otherwise, or is wrong, is refused by name and nothing changes.
check --diff OLD shows beforehand what a reload takes.`,
		Example: `  deskstream run -c deskstream.yaml
  deskstream run -c deskstream.yaml --destination crm --create-topics
  kill -HUP $(pidof deskstream)`,
		Args: cobra.NoArgs,
	}
	path := configFlag(cmd)
	opts := service.Options{}
	cmd.Flags().StringSliceVar(&opts.Destinations, "destination", nil, "run this destination's pipeline only (repeatable)")
	cmd.Flags().BoolVar(&opts.CreateTopics, "create-topics", false, "create the topics that are missing")
	cmd.Flags().BoolVar(&opts.Redeliver, "redeliver", false, "let a group without offsets deliver what has outcomes already")
	cmd.Flags().DurationVar(&opts.ConnectTimeout, "connect-timeout", time.Minute, "how long the first contact with Kafka may take")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := a.loadConfig(*path)
		if err != nil {
			return err
		}
		hangUps, stop := hangUps()
		defer stop()
		opts.Reloading = service.Reloading{Load: a.reloadFrom(*path), Asked: hangUps}
		if !a.levelGiven {
			a.level.Set(cfg.Log.Slog())
			opts.Reloading.Level = &a.level
		}
		for _, w := range cfg.Warnings().List {
			a.log.Warn("configuration has a setting to change", "file", *path, "line", w.Line, "problem", w.Message)
		}
		opts.Config, opts.Log, opts.By = cfg, a.log, a.user()
		if opts.File, err = a.configPath(*path); err != nil {
			return err
		}
		err = service.Run(cmd.Context(), opts)
		if cmd.Context().Err() != nil && (err == nil || errors.Is(err, context.Canceled)) {
			return nil // told to stop, during start-up too
		}
		return err
	}
	return cmd
}

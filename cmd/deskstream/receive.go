package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/internal/receive"
	"github.com/deskstream/deskstream/internal/tracing"
	"github.com/deskstream/deskstream/internal/version"
)

func newReceiveCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "receive -c FILE",
		Short: "Writes what the help desks send by webhook to a topic",
		Long: `receive serves POST /webhooks/<destination> for every destination with webhooks, and
/webhooks/<destination>/<EVENT>, as TICKET_CLOSED, for Trengo, whose bodies do not name
their event. It checks the signature, reads what the desk sent as a unified event, and
writes that to inbound.topic.

A webhook is answered with 200 when all in-sync replicas have its event, and with 503
while Kafka does not take it: the desk has to send it again. Any number of instances may
stand behind a load balancer.

What a desk may have sent when nobody took it, for longer than it sends again, is read from
its lists afterwards, of destinations with export.entities: as export does, and only what
the desk sends by webhook.

/metrics, /healthz and /readyz are served at http.listen, or where --monitor says. Where
run has the same file on the same machine, one of both needs another address.

SIGTERM or SIGINT ends it within 15 seconds: open requests are answered. A second signal
ends it at once. Secrets and certificates in files are read again when they change.`,
		Example: `  deskstream receive -c deskstream.yaml
  deskstream receive -c deskstream.yaml --create-topics --monitor 127.0.0.1:9411`,
		Args: cobra.NoArgs,
	}
	path := configFlag(cmd)
	opts := receive.Options{}
	cmd.Flags().StringSliceVar(&opts.Destinations, "destination", nil, "receive from this destination only (repeatable)")
	cmd.Flags().BoolVar(&opts.CreateTopic, "create-topics", false, "create inbound.topic if it is missing")
	cmd.Flags().BoolVar(&opts.CatchUp, "catch-up", true, "read from the desks' lists what they may have sent when nobody took it")
	cmd.Flags().DurationVar(&opts.ConnectTimeout, "connect-timeout", time.Minute, "how long the first contact with Kafka may take")
	cmd.Flags().StringVar(&opts.Monitor, "monitor", "", "the `address` of /metrics, /healthz and /readyz (default: http.listen)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := a.loadConfig(*path)
		if err != nil {
			return err
		}
		defer ignoreHangUp(a.log)()
		for _, w := range cfg.Warnings().List {
			a.log.Warn("configuration has a setting to change", "file", *path, "line", w.Line, "problem", w.Message)
		}
		provider, err := tracing.Open(cmd.Context(), version.Release(), a.log)
		if err != nil {
			return err
		}
		defer provider.Close()
		opts.Config, opts.Log, opts.Traces = cfg, a.log, provider.Source()
		err = receive.Run(cmd.Context(), opts)
		if cmd.Context().Err() != nil && (err == nil || errors.Is(err, context.Canceled)) {
			return nil // told to stop, during start-up too
		}
		return err
	}
	return cmd
}

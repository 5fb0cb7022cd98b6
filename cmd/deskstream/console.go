package main

import (
	"cmp"
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/console"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/internal/tracing"
	"github.com/deskstream/deskstream/internal/version"
)

func newConsoleCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "console -c FILE",
		Short: "Serves web pages of what the topics hold",
		Long: `console serves web pages for people who run pipelines: how far each destination is,
with charts of the last hour, the newest outcomes as they come, dead letters by cause and one
by one with their story, the story of an event, the newest events of a user, and the
configuration in effect. Operators send dead letters again there, or discard them. It runs
no pipeline; run serves the same pages with what only a running instance knows, where
http.console is set.

On loopback nobody has to log in. Elsewhere it listens only with a file of users, a token or
a trusted proxy, see the block console of the file. Personal data is masked until somebody
who may see it asks for it.`,
		Example: `  deskstream console -c deskstream.yaml
  deskstream console -c deskstream.yaml --listen 127.0.0.1:0
  deskstream console -c deskstream.yaml --admin http://10.0.0.7:9401 --admin http://10.0.0.8:9401`,
		Args: cobra.NoArgs,
	}
	path := configFlag(cmd)
	listen := cmd.Flags().String("listen", "", "the `address` of the pages (default: http.console, then "+console.DefaultAddress+")")
	admins := cmd.Flags().StringArray("admin", nil, "show what the instance says whose admin listener has this `URL` (repeatable)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := a.loadConfig(*path)
		if err != nil {
			return err
		}
		var instances []string
		for _, flag := range *admins {
			instance, err := a.instance(flag, *path)
			if err != nil {
				return err
			}
			instances = append(instances, instance.URL())
		}
		provider, err := tracing.Open(cmd.Context(), version.Release(), a.log)
		if err != nil {
			return err
		}
		defer provider.Close()
		o := console.Options{
			Traces: provider.Source(), Instances: instances,
			Config: func() *config.Config { return cfg }, Log: a.log, By: a.user(),
			Address: cmp.Or(*listen, cfg.HTTP.Console, console.DefaultAddress),
		}
		err = console.Serve(cmd.Context(), o, func(url string) { output.Printf(a.stderr, "console  %s\n", url) })
		if cmd.Context().Err() != nil && (err == nil || errors.Is(err, context.Canceled)) {
			return nil // told to stop
		}
		return err
	}
	return cmd
}

// user is the name of who runs the program, for records and logs of what people did.
func (a *app) user() string {
	name, _ := a.getenv("USER")
	return name
}

package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/redrive"
	"github.com/deskstream/deskstream/internal/tracing"
	"github.com/deskstream/deskstream/internal/version"
)

func newDLQApplyCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "apply -c FILE PLAN",
		Short: "Sends the dead letters of a plan again",
		Long: `apply sends the letters of a plan: one first, then ten, then the rest, and stops when
more than --max-fail of them fail. Each is mapped and looked up again before; where that
gives something else than the plan, the letter is left open. Letters of one user go in
their original order, one at a time. Calls use the reserve of the rate budget, and what
live traffic leaves over. Each result is an outcome on the responses topic, and what
became of the letter is on the topic of states. A letter that dies again gets a new one,
with its first origin.

It may be stopped and run again: what was sent is not sent again, except for a call that
was in flight when the process was killed. There is one apply per destination at a time.`,
		Example: `  deskstream dlq apply -c deskstream.yaml plan.json
  deskstream dlq apply -c deskstream.yaml --max-fail 0.5 plan.json`,
		Args: cobra.ExactArgs(1),
	}
	path, as := configFlag(cmd), a.formatFlags(cmd, "dlq.apply")
	var o redrive.ApplyOptions
	flags := cmd.Flags()
	flags.Float64Var(&o.MaxFail, "max-fail", 0.1, "stop when more than this share fails, 0 to 1")
	flags.IntVar(&o.MaxRounds, "max-rounds", redrive.MaxRounds, "leave out letters that were sent again this often")
	flags.BoolVar(&o.CreateTopics, "create-topics", false, "create the topic of states if it is missing")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if o.MaxFail < 0 || o.MaxFail > 1 {
			return &config.FlagError{Err: errors.New("--max-fail takes a share from 0 to 1")}
		}
		cfg, err := a.loadConfig(*path)
		if err != nil {
			return err
		}
		provider, err := tracing.Open(cmd.Context(), version.Release(), a.log)
		if err != nil {
			return err
		}
		defer provider.Close()
		o.Traces, o.JSON = provider.Source(), as.json()
		return redrive.Apply(cmd.Context(), a.deployment(cfg), args[0], o)
	}
	return cmd
}

package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/internal/redrive"
)

func newDLQDiscardCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "discard -c FILE (PLAN | FILTERS) --reason TEXT",
		Short: "Marks letters as discarded",
		Long: `discard marks letters as discarded, with the reason, the user and the time: every one of
a plan that is still open, those that the plan would send included, or every open one that
the filters pick. list leaves them out from then on. Letters stay on their topic; nothing
is sent. A plan made with --discard asks no help desk, and shows the letters first.

It asks first, with the number of letters; without a terminal it needs --yes. It may be
stopped and run again: what was marked stays so.`,
		Example: `  deskstream dlq discard -c deskstream.yaml --class invalid --until 24h --yes --reason "test data of June"
  deskstream dlq plan -c deskstream.yaml --discard --class invalid -o hopeless.json
  deskstream dlq discard -c deskstream.yaml hopeless.json --reason "test data of June"`,
		Args: cobra.MaximumNArgs(1),
	}
	path, topic, filter := configFlag(cmd), topicFlag(cmd), addFilterFlags(cmd).orEvery()
	as := a.formatFlags(cmd, "dlq.discard")
	limit := cmd.Flags().Int("limit", redrive.MaxLetters, "refuse to discard more letters than this that the filters pick")
	reason := cmd.Flags().String("reason", "", "why they are discarded (required)")
	yes := cmd.Flags().BoolP("yes", "y", false, "do not ask: needed where standard input is no terminal")
	create := cmd.Flags().Bool("create-topics", false, "create the topic of states if it is missing")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if strings.TrimSpace(*reason) == "" {
			return &config.FlagError{Err: errors.New("--reason is required: say why they are discarded")}
		}
		cfg, err := a.loadConfig(*path)
		if err != nil {
			return err
		}
		d := redrive.DiscardOptions{Reason: *reason, By: a.user(), Create: *create, JSON: as.json()}
		if !*yes {
			d.Confirm = func(n int) error { return a.confirm("Discard " + output.Count(n, "letter") + "?") }
		}
		if len(args) == 1 {
			for _, name := range append(filter.given(), "topic") {
				if cmd.Flags().Changed(name) {
					return &config.FlagError{Err: fmt.Errorf("--%s does not go with a plan, which has its letters", name)}
				}
			}
			return redrive.DiscardPlan(cmd.Context(), a.deployment(cfg), args[0], d)
		}
		o := redrive.PlanOptions{Topic: *topic, Limit: *limit}
		if o.Picker, err = filter.read(); err != nil {
			return err
		}
		if o.Wanted, err = journal.WantedBy(cfg, &filter.filter); err != nil {
			return err
		}
		return redrive.Discard(cmd.Context(), a.deployment(cfg), o, d)
	}
	return cmd
}

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/cmd/deskstream/config"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/sink/topics"
)

func newDLQDiscardCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "discard -c FILE PLAN --reason TEXT",
		Short: "Records that the letters of a plan are given up",
		Long: `discard marks every letter of a plan that is still open as discarded, those that the
plan would not send included, with the reason, the user and the time. list leaves them
out from then on. Letters stay on their topic; nothing is sent.`,
		Example: `  deskstream dlq plan -c deskstream.yaml --class invalid -o hopeless.json
  deskstream dlq discard -c deskstream.yaml hopeless.json --reason "test data of June"`,
		Args: cobra.ExactArgs(1),
	}
	path := configFlag(cmd)
	reason := cmd.Flags().String("reason", "", "why they are given up (needed)")
	create := cmd.Flags().Bool("create-topics", false, "create the topic of states if it is missing")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if strings.TrimSpace(*reason) == "" {
			return usageError{errors.New("--reason is needed: somebody will ask")}
		}
		cfg, err := a.loadConfig(*path)
		if err != nil {
			return err
		}
		return a.discard(cmd.Context(), cfg, args[0], *reason, *create)
	}
	return cmd
}

func (a *app) discard(ctx context.Context, cfg *config.Config, path, reason string, create bool) error {
	plan, err := readPlanFile(path)
	if err != nil {
		return err
	}
	box, err := a.openPlan(ctx, cfg, plan, create)
	if err != nil {
		return err
	}
	defer box.close()
	// An apply that is under way would decide otherwise at the same time.
	held, err := box.lock(ctx, plan.destinations(letters.Verdict.Applies))
	if err != nil {
		return err
	}
	defer held.leave()
	if err := box.readStates(held.ctx); err != nil {
		return err
	}
	client, err := box.connect(held.ctx, topics.LargeOptions()...)
	if err != nil {
		return err
	}
	defer client.Close()
	by, _ := a.getenv("USER")
	discarded, closed := 0, 0
	for i := range plan.Letters {
		p := &plan.Letters[i]
		if box.states.Status(p.ID).Closed() {
			closed++
			continue
		}
		err := box.writeState(held.ctx, client, letters.State{
			ID: p.ID, Status: letters.Discarded, At: time.Now().UTC(), Plan: plan.ID, Destination: p.Destination, Reason: reason, By: by,
		})
		if err != nil {
			return fmt.Errorf("%w: %s discarded so far, run it again", err, count(discarded, "letter"))
		}
		discarded++
	}
	fmt.Fprintf(a.stdout, "plan %s: %s discarded, %d closed before\n", plan.ID, count(discarded, "letter"), closed)
	return nil
}

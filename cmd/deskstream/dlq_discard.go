package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/cmd/deskstream/config"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/sink/topics"
)

func newDLQDiscardCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "discard -c FILE PLAN --reason TEXT",
		Short: "Records that the letters of a plan are given up",
		Long: `discard marks every letter of a plan that is still open as discarded, those that the
plan would send included, with the reason, the user and the time. list leaves them out
from then on. Letters stay on their topic; nothing is sent. A plan made with --discard
asks no help desk.`,
		Example: `  deskstream dlq plan -c deskstream.yaml --discard --class invalid -o hopeless.json
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
	box, err := a.openPlan(ctx, cfg, plan)
	if err != nil {
		return err
	}
	defer box.close()
	if err := box.needStates(ctx, create); err != nil {
		return err
	}
	held, err := box.lock(ctx, plan.mayBeSent(cfg))
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
	return box.discardAll(held.ctx, client, plan, letters.State{Status: letters.Discarded, Plan: plan.ID, Reason: reason, By: by})
}

// discardAll writes a state like the given one for each letter of the plan that is open.
func (b *letterBox) discardAll(ctx context.Context, client *kgo.Client, plan planFile, state letters.State) (err error) {
	sum := discardSum{total: len(plan.Letters)}
	stop := startProgress(b.app.stderr, sum.progress)
	for i := range plan.Letters {
		p := &plan.Letters[i]
		if b.states.Status(p.ID).Closed() {
			sum.add(func(s *discardSum) { s.closed++ })
			continue
		}
		state.ID, state.At, state.Destination = p.ID, time.Now().UTC(), p.Destination
		if err = b.writeState(ctx, client, state); err != nil {
			break
		}
		sum.add(func(s *discardSum) { s.took(p) })
	}
	stop()
	fmt.Fprintf(b.app.stdout, "plan %s: %s\n", plan.ID, sum.text())
	if err != nil {
		return fmt.Errorf("%w: not every letter was discarded, run it again", err)
	}
	return nil
}

// mayBeSent are the destinations of which another plan may send letters: an apply that is
// under way would decide otherwise at the same time.
func (p planFile) mayBeSent(cfg *config.Config) []string {
	return slices.DeleteFunc(p.destinations(func(letters.Verdict) bool { return true }), func(name string) bool {
		_, known := destinationOf(cfg, name)
		return !known
	})
}

// discardSum counts what became of the letters of a plan.
type discardSum struct {
	total int

	mu                          sync.Mutex
	discarded, sendable, closed int // sendable are those of discarded that the plan would send
}

func (s *discardSum) add(n func(*discardSum)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n(s)
}

func (s *discardSum) took(p *letters.Planned) {
	s.discarded++
	if p.Verdict.Applies() {
		s.sendable++
	}
}

func (s *discardSum) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := count(s.discarded, "letter") + " discarded"
	if s.sendable > 0 {
		text += fmt.Sprintf(", %d of which the plan would send", s.sendable)
	}
	return fmt.Sprintf("%s, %d closed before", text, s.closed)
}

func (s *discardSum) progress() string { return fmt.Sprintf("of %d: %s", s.total, s.text()) }

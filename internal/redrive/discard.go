package redrive

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/sink/topics"
)

// DiscardOptions say why and by whom letters are discarded.
type DiscardOptions struct {
	Reason, By string
	Create     bool // the topic of states
	// Confirm is asked with the number of letters, if there is one, before anything is written. Its
	// error ends the discarding; nil needs no confirmation.
	Confirm func(letters int) error
	// JSON prints the sum as a document.
	JSON bool
}

// DiscardPlan discards the letters of a plan.
func DiscardPlan(ctx context.Context, d Deployment, path string, by DiscardOptions) error {
	plan, err := readPlanFile(path)
	if err != nil {
		return err
	}
	box, err := openPlan(ctx, d, plan)
	if err != nil {
		return err
	}
	defer box.Close()
	return box.discard(ctx, plan, by)
}

// Discard discards the letters that the options pick, as a plan of them would.
func Discard(ctx context.Context, d Deployment, o PlanOptions, by DiscardOptions) error {
	box, err := d.open(ctx, o.Topic)
	if err != nil {
		return err
	}
	defer box.Close()
	box.Wanted = o.Wanted
	plan := box.newPlan(o)
	err = box.pickOpen(ctx, o, func(_ *kgo.Record, l *letters.Letter) error {
		plan.Letters = append(plan.Letters, box.toDiscard(l, ""))
		return nil
	})
	if err != nil {
		return err
	}
	return box.discard(ctx, planFile{Plan: plan}, by)
}

func (b *redriver) discard(ctx context.Context, plan planFile, by DiscardOptions) error {
	if err := b.needStates(ctx, by.Create); err != nil {
		return err
	}
	held, err := b.lock(ctx, plan.mayBeSent(b.Config))
	if err != nil {
		return err
	}
	defer held.leave()
	client, err := b.Connect(held.ctx, topics.LargeOptions()...)
	if err != nil {
		return err
	}
	defer client.Close()
	return b.discardAll(held.ctx, client, plan, by)
}

// discardAll writes the state of each letter of the plan that is open.
func (b *redriver) discardAll(ctx context.Context, client *kgo.Client, plan planFile, by DiscardOptions) error {
	var list []*candidate
	err := b.planLettersOf(ctx, plan, func(r *kgo.Record, l *letters.Letter, p *letters.Planned) error {
		list = append(list, &candidate{letter: *l, original: placeOnly(letters.Original(r, l)), destination: p.Destination, planned: p})
		return nil
	})
	if err != nil {
		return err
	}
	if by.Confirm != nil && len(list) > 0 {
		if err := by.Confirm(len(list)); err != nil {
			return err
		}
	}
	sum := discardSum{total: len(plan.Letters), closed: len(plan.Letters) - len(list)}
	stop := output.Progress(b.Notes, sum.progress)
	for _, c := range list {
		s := b.newState(c, letters.Discarded)
		s.Plan, s.Reason, s.By = plan.ID, by.Reason, by.By
		if err = b.writeState(ctx, client, s); err != nil {
			break
		}
		sum.took(c.planned)
	}
	stop()
	wrong := b.printDiscarded(plan.ID, &sum, by)
	if err != nil {
		return fmt.Errorf("%w: not every letter was discarded, run it again", err)
	}
	return wrong
}

// printDiscarded prints the sum, as text or as a document.
func (b *redriver) printDiscarded(plan string, sum *discardSum, by DiscardOptions) error {
	if !by.JSON {
		output.Printf(b.out, "plan %s: %s\n", plan, sum.text())
		return nil
	}
	sum.mu.Lock()
	defer sum.mu.Unlock()
	return output.WriteDocument(b.out, "dlq.discard", struct {
		Plan      string `json:"plan"`
		Letters   int    `json:"letters"`
		Discarded int    `json:"discarded"`
		Sendable  int    `json:"sendable"`
		Closed    int    `json:"closed"`
		Open      int    `json:"open"`
	}{plan, sum.total, sum.discarded, sum.sendable, sum.closed, sum.total - sum.discarded - sum.closed})
}

// placeOnly returns a record without its key, value and headers.
func placeOnly(r *kgo.Record) *kgo.Record {
	return &kgo.Record{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Timestamp: r.Timestamp, LeaderEpoch: r.LeaderEpoch}
}

// toDiscard returns the entry of a letter in a plan to discard. to is the destination of
// letters of other programs.
func (b *redriver) toDiscard(l *letters.Letter, to string) letters.Planned {
	return letters.Planned{
		ID: l.ID, Partition: l.At.Partition, Offset: l.At.Offset, Destination: b.destinationFor(l, to), Verdict: letters.Discard,
	}
}

// mayBeSent returns the destinations to which another plan can send these letters: an Apply
// that runs at the same time would decide differently. Letters without a destination here can
// go to any.
func (p planFile) mayBeSent(cfg *config.Config) []string {
	all := make([]string, 0, len(cfg.Destinations))
	for _, d := range cfg.Destinations {
		all = append(all, d.Name)
	}
	homeless := func(l letters.Planned) bool { return !slices.Contains(all, l.Destination) }
	if slices.ContainsFunc(p.Letters, homeless) {
		return all
	}
	return p.destinations(func(letters.Verdict) bool { return true })
}

// discardSum counts what became of the letters of a plan.
type discardSum struct {
	total, closed int

	mu                  sync.Mutex
	discarded, sendable int // sendable are those of discarded that the plan would send
}

func (s *discardSum) took(p *letters.Planned) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.discarded++
	if p.Verdict.Applies() {
		s.sendable++
	}
}

func (s *discardSum) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := output.Count(s.discarded, "letter") + " discarded"
	if s.sendable > 0 {
		text += fmt.Sprintf(", %d of which the plan would send", s.sendable)
	}
	return fmt.Sprintf("%s, %d closed before", text, s.closed)
}

func (s *discardSum) progress() string { return fmt.Sprintf("of %d: %s", s.total, s.text()) }

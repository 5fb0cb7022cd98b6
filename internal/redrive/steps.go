package redrive

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// inherited is what is on record of the candidate's event at its destination, nil for nothing:
// what an apply of the same round that was interrupted has done, else what the letter says. At
// another destination nothing was done.
func (c *candidate) inherited() *sink.Progress {
	switch {
	case c.moved():
		return nil
	case c.interrupted != nil:
		return c.interrupted
	}
	return c.letter.Progress()
}

// learnProgress takes in a progress of the candidate's event. The newest of its round counts.
func (c *candidate) learnProgress(e *topics.LedgerEntry, r *kgo.Record) {
	if e.Round != c.round || e.Destination != c.destination {
		return
	}
	if p, ok := topics.ParseProgress(r); ok && p.Exists() {
		c.interrupted = &p
	}
}

// tellTaken has the destinations know which ids are other events', if a letter has a write that is
// looked for: what another event made since must not be taken for it.
func (b *redriver) tellTaken(ctx context.Context, list []*candidate, ways map[string]way) error {
	marks := map[string]bool{} // what such writes are known by
	for _, c := range list {
		if p := c.inherited(); p != nil && p.Next != nil {
			for _, value := range p.Next.Mark {
				marks[value] = true
			}
		}
	}
	if len(marks) == 0 {
		return nil
	}
	return b.ReadEntries(ctx, earliest(list), func(e *topics.LedgerEntry, r *kgo.Record) error {
		p, ok := topics.ParseProgress(r)
		if !ok || len(p.Steps) == 0 || ways[e.Destination].Route.OnRecord == nil {
			return nil
		}
		if of, err := related(e, r, marks); !of || err != nil {
			return err
		}
		topics.StepsTaken(e, p, func(ref string, step sink.StepRecord) {
			ways[e.Destination].Route.OnRecord(ref, step)
			ways[e.Destination].bare.OnRecord(ref, step)
		})
		return nil
	})
}

// related reports whether an event has an id that a mark has too, that of a ticket's contact for
// example. As long as there is no outcome its ids are not known.
func related(e *topics.LedgerEntry, r *kgo.Record, marks map[string]bool) (bool, error) {
	if e.Outcome == topics.InProgress {
		return true, nil
	}
	o, err := journal.Outcome(r)
	for _, id := range o.IDs {
		if marks[id] {
			return true, err
		}
	}
	return false, err
}

// letterLedger puts the progress of a letter that is being sent on record, with its round.
type letterLedger struct {
	r *redelivery
	c *candidate
}

// Record implements sink.Ledger.
func (l letterLedger) Record(ctx context.Context, p sink.Progress) error {
	e := l.r.entry(l.c)
	e.Round, e.Progress = l.c.round, &p
	written := make(chan error, 1)
	l.r.writers[l.c.destination].WriteProgress(ctx, e, func(_ int64, err error) { written <- err })
	if err := <-written; err != nil {
		return fmt.Errorf("writing the progress of letter %s: %w", l.c.letter.ID, err)
	}
	return nil
}

// Follow implements sink.Ledger. tellTaken has read what was there when the run began.
func (letterLedger) Follow(context.Context, time.Time) error { return nil }

// Holds implements sink.Ledger. A run of apply is too short for its topics to be recreated.
func (letterLedger) Holds() bool { return true }

// ledgerFor returns nil where nothing is put on record.
func (r *redelivery) ledgerFor(c *candidate) sink.Ledger {
	if r.rehearsal.ways[c.destination].Route.OnRecord == nil {
		return nil
	}
	return letterLedger{r, c}
}

// keep puts on record what was done of a letter that stays open, for the next apply.
func (r *redelivery) keep(c *candidate, p *sink.Progress) error {
	if ledger := r.ledgerFor(c); ledger != nil && p.Exists() {
		ctx, cancel := graceful(r.ctx, recordGrace)
		defer cancel()
		return ledger.Record(ctx, *p)
	}
	return nil
}

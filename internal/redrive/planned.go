package redrive

import (
	"cmp"
	"context"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/sink/topics"
)

// candidates returns the plan's letters that are open, in the plan's order.
func (b *redriver) candidates(ctx context.Context, plan planFile) ([]*candidate, error) {
	var list []*candidate
	err := b.planLettersOf(ctx, plan, func(r *kgo.Record, l *letters.Letter, p *letters.Planned) error {
		c, err := b.candidate(ctx, topics.CloneRecord(r), l, p.Destination)
		if err != nil {
			return err
		}
		c.planned = p
		list = append(list, c)
		return nil
	})
	if err != nil {
		return nil, err
	}
	place := make(map[*letters.Planned]int, len(plan.Letters))
	for i := range plan.Letters {
		place[&plan.Letters[i]] = i
	}
	slices.SortFunc(list, func(x, y *candidate) int { return cmp.Compare(place[x.planned], place[y.planned]) })
	if err := b.complete(ctx, list); err != nil {
		return nil, err
	}
	return list, b.findOutcomes(ctx, list)
}

// planLettersOf calls fn with the open letters of a plan, in the order of the topic. It
// returns an error when one is missing.
func (b *redriver) planLettersOf(ctx context.Context, plan planFile, fn func(*kgo.Record, *letters.Letter, *letters.Planned) error) error {
	if err := b.ReadStates(ctx); err != nil { // under the lock, because another apply may have run before
		return err
	}
	wanted := map[letters.Place]*letters.Planned{}
	extents := map[string]*journal.Extent{b.Topic: {Topic: b.Topic, Spans: map[int32]journal.Span{}}}
	for i := range plan.Letters {
		p := &plan.Letters[i]
		at, span := journal.PlaceOf(b.Topic, p.Partition, p.Offset), b.Extent.Spans[p.Partition]
		switch {
		case wanted[at] != nil:
			return refused("letters %s and %s are at the same place: plan again", wanted[at].ID, p.ID)
		case p.Offset >= span.From && p.Offset < span.End:
			wanted[at] = p
			journal.Widen(extents, at)
		case b.States.Status(p.ID).Closed():
		case p.Offset < span.From:
			return refused("letter %s has expired since it was made on %s: plan again", p.ID, output.Time(plan.Created))
		default:
			return refused("letter %s does not exist: plan again", p.ID)
		}
	}
	err := journal.Read(ctx, b.Connect, func(r *kgo.Record) error {
		at := journal.PlaceOf(r.Topic, r.Partition, r.Offset)
		p := wanted[at]
		if p == nil {
			return nil
		}
		delete(wanted, at)
		l := letters.Parse(r)
		if l.ID != p.ID {
			return refused("letter %s is no longer where it was: plan again", p.ID)
		}
		if b.StatusOf(&l).Closed() {
			return nil
		}
		return fn(r, &l, p)
	}, *extents[b.Topic])
	if err != nil {
		return err
	}
	for _, p := range wanted {
		if !b.States.Status(p.ID).Closed() {
			return refused("letter %s no longer exists: plan again", p.ID)
		}
	}
	return nil
}

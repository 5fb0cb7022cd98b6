package export

import (
	"context"

	"github.com/deskstream/deskstream/desk"
)

// take writes what has changed of a page's objects, with what is below and inside them, and returns
// what counts of the page, and the ids on it.
func (lw *listWalk) take(ctx context.Context, page desk.Page) (glance, []string, error) {
	g := glance{more: page.More, empty: len(page.Entries) == 0, quiet: len(page.Entries) > 0}
	ids := make([]string, 0, len(page.Entries))
	known, onPage := lw.known[lw.list.Entity], make(known)
	var list []found
	for i, entry := range page.Entries {
		read, err := lw.read(lw.list.Entity, entry)
		if err != nil {
			lw.unreadable++
			continue
		}
		o, err := newObject(read, "")
		if err != nil {
			lw.unreadable++
			continue
		}
		at := read.Head().UpdatedAt.Moment()
		if i == 0 {
			g.first = at
		}
		g.falling = g.falling || at.Before(g.last)
		g.last = at
		changed := known[o.id].whole != o.whole && onPage[o.id].whole != o.whole
		onPage[o.id] = o.fact
		g.quiet = g.quiet && lw.seen[o.id] && !changed
		lw.see(o)
		ids = append(ids, o.id)
		list = append(list, found{o, changed})
	}
	return g, ids, lw.takeObjects(ctx, list)
}

// found is an object on a page, and whether its topic has it otherwise or not at all.
type found struct {
	object

	changed bool
}

// takeObjects writes objects that have changed, after what is below them: once an object is on its
// topic it counts as unchanged, and what is below it is not looked at again.
func (lw *listWalk) takeObjects(ctx context.Context, list []found) error {
	below, err := lw.readBelow(ctx, list)
	if err != nil {
		return err
	}
	defer below.stop()
	p := parcel{walk: lw}
	for _, o := range list {
		if err := lw.takeBelow(ctx, &p, below, o); err != nil {
			p.keep(ctx)
			return err
		}
		if o.changed {
			p.add(o.object)
		}
		if p.isDue() {
			if err := p.write(ctx); err != nil {
				return err
			}
		}
	}
	return p.write(ctx)
}

// see notes that the walk has seen an object. Fresh is one that was made since it began, as far as
// that can be known.
func (lw *listWalk) see(o object) {
	if lw.seen[o.id] {
		return
	}
	lw.seen[o.id] = true
	made := o.Head().CreatedAt.Moment()
	if made.After(lw.state.Began) || made.IsZero() && lw.state.FullWalks > 0 && !lw.old[o.id] {
		lw.state.Fresh++
	}
}

// write writes objects that have changed, what is inside them, and the events that tell of it.
func (lw *listWalk) write(ctx context.Context, l desk.List, list []object) error {
	if len(list) == 0 {
		return nil
	}
	e := l.Entity
	for _, inside := range l.Inside {
		if !lw.inside[inside.Entity] {
			continue
		}
		if err := lw.writeInside(ctx, inside, list); err != nil {
			return err
		}
	}
	if err := lw.changes.tell(ctx, e, lw.state.FullWalks > 0, list, lw.known[e]); err != nil {
		return err
	}
	if err := lw.store.objects(ctx, e, list); err != nil {
		return err
	}
	for _, o := range list {
		lw.known[e][o.id] = o.fact
	}
	lw.counts.written += len(list)
	lw.metrics.wrote(e, len(list))
	return nil
}

func (lw *listWalk) writeInside(ctx context.Context, inside desk.Inside, list []object) error {
	k := lw.known[inside.Entity]
	var parts []object
	for _, o := range list {
		for _, part := range inside.Of(o.Object) {
			p, err := newObject(part, o.id)
			if err != nil {
				return err
			}
			if k[p.id].whole != p.whole {
				parts = append(parts, p)
				k[p.id] = p.fact
			}
		}
	}
	if len(parts) == 0 {
		return nil
	}
	lw.metrics.wrote(inside.Entity, len(parts))
	return lw.store.objects(ctx, inside.Entity, parts)
}

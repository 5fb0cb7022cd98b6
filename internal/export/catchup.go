package export

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/internal/wiring"
	"github.com/deskstream/deskstream/mapping/unified"
)

// Gap is a time in which webhooks of a desk may have been lost.
type Gap struct {
	// From is the moment of the last event before it, To its end.
	From, To time.Time
}

// Length is how long the gap is.
func (g Gap) Length() time.Duration { return g.To.Sub(g.From) }

// ErrNothingSent is the error for a destination of which export.entities names nothing that its desk
// sends by webhook.
var ErrNothingSent = errors.New("export.entities has none of the objects that the desk sends by webhook")

// ErrNotAlone is the error for a destination that another process exports.
var ErrNotAlone = errors.New("it is being exported by another process")

// CatchUp walks, for one destination, the lists of what its desk sends by webhook, until a walk of
// each that began after the gap is complete, by this process or another. Where the desk can be asked
// for changes it is asked for those since the gap began, or since the last walk. Options.All, Every,
// Metrics and Alone do not count. Errors: ErrNothingSent, ErrNotAlone, those of Run.
func CatchUp(ctx context.Context, o Options, destination string, g Gap) error {
	o.Destinations, o.All, o.Every, o.Metrics, o.Alone = []string{destination}, false, new(time.Duration), "", false
	return run(ctx, o, func(ctx context.Context, x *exporter, l wiring.Library, m *meter) error {
		x.from = g.From
		return x.catchUp(ctx, l, m, g)
	})
}

func (x *exporter) catchUp(ctx context.Context, l wiring.Library, m *meter, g Gap) error {
	if l.Lists = sentLists(l); len(l.Lists) == 0 {
		return ErrNothingSent
	}
	done, err := x.caughtUp(ctx, l, g)
	if done || err != nil {
		return err
	}
	alone, leave, err := x.lock(ctx, l)
	if err != nil {
		return err
	}
	defer leave()
	// A walk that was open when the gap ended is gone on with, and does not count.
	for {
		done, err := x.caughtUp(alone, l, g)
		if done || err != nil {
			return err
		}
		if err := x.walk(alone, l, m); err != nil {
			return err
		}
	}
}

// caughtUp reports whether complete walks of all lists that began after a gap are on record.
func (x *exporter) caughtUp(ctx context.Context, l wiring.Library, g Gap) (bool, error) {
	p, err := x.store(l).places(ctx)
	if err != nil {
		return false, err
	}
	return !slices.ContainsFunc(l.Lists, func(list desk.List) bool {
		return list.Below == "" && p.walks[list.Entity].DoneAt.Before(g.To)
	}), nil
}

// sentAs are the entities of what is sent by webhook, by what the types of the events begin with.
var sentAs = map[string]unified.Entity{
	"ticket": unified.Tickets, "message": unified.Comments, "note": unified.Comments, "contact": unified.Contacts,
	"user": unified.Users, "team": unified.Teams, "label": unified.Labels,
}

// sentLists are the lists of a destination that have what its desk is to send by webhook: those of
// webhooks.events, or of all events that it sends where none are named. With a list comes what is below
// it, and what it is below.
func sentLists(l wiring.Library) []desk.List {
	types := slices.Clone(l.Config.Webhooks.Events)
	if len(types) == 0 {
		for kind := range l.Inbound.Subscriptions {
			types = append(types, string(kind))
		}
	}
	walked := make(map[unified.Entity]bool)
	for _, kind := range types {
		begin, _, _ := strings.Cut(kind, ".")
		e := sentAs[begin]
		i := slices.IndexFunc(l.Lists, func(list desk.List) bool { return list.Entity == e })
		switch {
		case i < 0:
		case l.Lists[i].Below != "":
			walked[l.Lists[i].Below] = true
		default:
			walked[e] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(l.Lists), func(list desk.List) bool { return !walked[list.Entity] && !walked[list.Below] })
}

package desk

import (
	"context"
	"errors"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/mapping/unified"
	"github.com/deskstream/deskstream/sink"
)

// Ruled is how a desk does what events and rules ask for. M is what its mapper makes of an event
// without rules, A what a rule makes of one.
type Ruled[M, A any] struct {
	// Map says what to tell the desk without rules, Send tells it.
	Map  func(mapping.Event) (M, error)
	Send func(context.Context, sink.Doer, M) (sink.Receipt, error)
	// Warn adds warnings to what Map returned.
	Warn func(m *M, warnings []string)
	// Actions says what to tell the desk of a decision with actions, after the default, which is
	// empty unless the decision asks for it. An event of a help desk has its contact where customer
	// events have theirs. Act tells it.
	Actions func(ev mapping.Event, first M, d rules.Decision) (A, error)
	// OfTicket says what to tell the desk of a decision about the ticket of an id, whose contact is
	// the one that the ticket has.
	OfTicket func(ev mapping.Event, d rules.Decision) A
	// ContactID is the type of external id by which an event names a contact of the desk.
	ContactID string
	Act       func(context.Context, sink.Doer, A) (sink.Receipt, error)
	// Merge and Warnings are those of a sink.Way, for events without rules.
	Merge    func(older, newer M) (M, bool)
	Warnings func(M) []string
}

// Route is the way of an event by the rules of a destination; one that matches none goes as without
// rules. Its errors are those of Map and Actions, and of a rule's templates.
func (r Ruled[M, A]) Route(info sink.DestinationInfo, d Destination) sink.Route {
	return sink.Way[told[M, A]]{
		Map: func(ev mapping.Event) (told[M, A], error) { return r.decide(ev, d) }, Send: r.tell,
		Merge: r.merge, Warnings: func(t told[M, A]) []string { return r.Warnings(t.plain) },
	}.Route(info, d.Filter)
}

// merge joins what to tell of two events that matched no rule.
func (r Ruled[M, A]) merge(older, newer told[M, A]) (t told[M, A], ok bool) {
	t.plain, ok = r.Merge(older.plain, newer.plain)
	return t, ok
}

// told is what to tell a desk about one event.
type told[M, A any] struct {
	rule    mapping.RuleMark // the zero one for none
	desk    bool             // the event is a help desk's
	own     bool             // the rule takes events that we caused
	plain   M                // without actions
	actions *A               // nil for none
	skip    error            // why there is nothing to tell
	left    []string         // then the warnings of what the rule left out
	// onlyFound says that the event is a help desk's and all that is asked for is about a ticket which
	// has to be there: a contact that is not there has none.
	onlyFound bool
}

// RuleMark implements sink.Ruled.
func (t told[M, A]) RuleMark() mapping.RuleMark { return t.rule }

// Answers implements sink.Ruled.
func (t told[M, A]) Answers() (desk, own bool) { return t.desk, t.own }

func (r Ruled[M, A]) decide(ev mapping.Event, d Destination) (t told[M, A], err error) {
	decision, ok, err := d.Rules.Decide(ev, d.RuleFault)
	if err != nil {
		return told[M, A]{rule: decision.Mark(), desk: unified.IsType(ev.Type), own: decision.Own}, err
	}
	if !ok {
		t.plain, err = r.Map(ev)
		return t, err
	}
	t.rule, t.desk, t.own = decision.Mark(), unified.IsType(ev.Type), decision.Own
	if decision.Default {
		t.plain, err = r.Map(ev)
	}
	if len(decision.Actions) == 0 {
		if err == nil && !decision.Default {
			err = mapping.NothingToUpdate
		}
		if _, nothing := errors.AsType[mapping.Skip](err); nothing {
			t.skip, t.left = err, decision.Warnings
			return t, nil
		}
		r.Warn(&t.plain, decision.Warnings)
		return t, err
	}
	if _, nothing := errors.AsType[mapping.Skip](err); err != nil && !nothing {
		return t, err
	}
	actions, err := r.Actions(withContact(ev, d.Name, r.ContactID), t.plain, decision)
	switch {
	case lacksContact(ev, err) && decision.FindsByID():
		actions = r.OfTicket(ev, decision)
	case lacksContact(ev, err):
		return t, errNoContact
	case err != nil:
		return t, err
	}
	t.actions, t.onlyFound = &actions, t.desk && decision.OnlyFound()
	return t, nil
}

func (r Ruled[M, A]) tell(ctx context.Context, do sink.Doer, t told[M, A]) (sink.Receipt, error) {
	switch {
	case t.skip != nil:
		return sink.Receipt{Warnings: t.left}, t.skip
	case t.actions == nil:
		return r.Send(ctx, do, t.plain)
	}
	receipt, err := r.Act(ctx, do, *t.actions)
	if fault, ok := errors.AsType[*sink.Failure](err); ok && t.onlyFound && fault.Code == sink.ContactNotFound {
		return receipt, mapping.TicketNotFound
	}
	return receipt, err
}

package sink

import (
	"context"

	"github.com/deskstream/deskstream/mapping"
)

// TicketState is how a help desk has a ticket.
type TicketState uint8

// The states of a ticket.
const (
	TicketOpen TicketState = iota
	TicketClosed
	TicketGone // merged into another one, or deleted
)

// KeyedDesk is what a help desk does about the ticket of a key, for one event.
type KeyedDesk interface {
	// LookAt returns how the desk has the ticket that a key names. That an open one is open is
	// looked up, unless it was known a while ago: an agent may have closed it.
	LookAt(ctx context.Context, named KeyedTicket) (TicketState, error)
	// Newest returns the id of the person's newest open ticket, "" for none.
	Newest(ctx context.Context) (id string, err error)
	// Take makes a ticket that was found the event's.
	Take(id string)
	// Open opens a ticket as the step of a KeyedUse, unless that has opened or found one before. The
	// id is "" for none.
	Open(ctx context.Context) (id string, err error)
	// Reopen opens the event's ticket again.
	Reopen(ctx context.Context) error
	// Warn adds a warning to the event's Receipt, once.
	Warn(text string)
}

// KeyedUse finds the ticket of a key for an event, or opens one.
type KeyedUse struct {
	Key Key
	// Step names the step that finds or opens the ticket, ID the ticket's id in it.
	Step, ID string
	// Second says that the event's ticket was gone, and this is about another one.
	Second bool
	// Opens says to open a ticket where there is none, Reopens to open the closed one again instead.
	Opens, Reopens bool
}

// With finds or opens the ticket at a desk. What it opens is on record under the key before
// anything else is done. Errors: the Doer's and the desk's; mapping.TicketNotFound.
func (u KeyedUse) With(ctx context.Context, do Doer, desk KeyedDesk) error {
	named, err := do.FindKey(ctx, u.Key)
	if err != nil {
		return err
	}
	if named.Alone {
		desk.Warn(withoutALane)
	}
	own := named.Own && !u.Second
	switch {
	case do.Begun(u.Step):
		if own {
			do.Adopt(u.Step, map[string]string{u.ID: named.ID})
		}
		return u.goOn(ctx, do, desk, named)
	case own: // its steps are lost
		u.take(do, desk, named.ID)
		return nil
	case u.Second:
		named = KeyedTicket{} // the one that is gone
	}
	if named.ID != "" && (!named.Closed || u.Reopens) {
		state, err := desk.LookAt(ctx, named)
		switch {
		case err != nil:
			return err
		case state == TicketOpen:
			u.take(do, desk, named.ID)
			return u.record(ctx, do, named.ID, named.Closed) // else it is on record as open
		case state == TicketClosed && u.Reopens:
			u.take(do, desk, named.ID)
			if err := desk.Reopen(ctx); err != nil {
				return err
			}
			return u.record(ctx, do, named.ID, true)
		}
		u.Second = u.Second || state == TicketGone
	}
	if u.Second {
		id, err := desk.Newest(ctx)
		if err != nil {
			return err
		}
		if id != "" { // the other one was merged into it, most likely
			u.take(do, desk, id)
			return u.record(ctx, do, id, true)
		}
	}
	if !u.Opens {
		do.Skip(u.Step, nil)
		return mapping.TicketNotFound
	}
	id, err := desk.Open(ctx)
	if err != nil {
		return err
	}
	return u.record(ctx, do, id, id != "")
}

// withoutALane is said of an event that has a key and no lane.
const withoutALane = "ticket.key: the event names no user, so that no key of it is kept: a later event does not find this ticket"

// goOn goes on with the ticket that the step has opened or found before, or may have opened.
func (u KeyedUse) goOn(ctx context.Context, do Doer, desk KeyedDesk, named KeyedTicket) error {
	id, err := desk.Open(ctx)
	if err != nil || id == "" || named.Own || id == named.ID && !named.Closed {
		return err
	}
	return do.RecordKey(ctx, u.Key, KeyedTicket{ID: id, Inherited: true})
}

// take makes a ticket that was found the event's.
func (u KeyedUse) take(do Doer, desk KeyedDesk, id string) {
	do.Skip(u.Step, map[string]string{u.ID: id})
	desk.Take(id)
}

// record puts on record that the key names an open ticket, if it is to be.
func (u KeyedUse) record(ctx context.Context, do Doer, id string, is bool) error {
	if !is {
		return nil
	}
	return do.RecordKey(ctx, u.Key, KeyedTicket{ID: id})
}

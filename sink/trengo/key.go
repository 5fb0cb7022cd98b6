package trengo

import (
	"context"

	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/sink"
)

// key is the rule's key.
func (w *work) key() sink.Key {
	return sink.Key{Text: w.use.Key, TTL: w.use.KeyTTL, Kept: w.use.KeepClosed}
}

// useKey finds the ticket of the rule's key, or opens one, as the rule says. Error:
// mapping.TicketNotFound.
func (w *work) useKey(ctx context.Context) error {
	step := ticketStepName
	if w.again {
		step = ticketAgainName
	}
	use := sink.KeyedUse{
		Key: w.key(), Step: step, ID: ticketIDName, Second: w.again, Opens: w.use.Open != rules.OpenNever, Reopens: w.use.Reopen,
	}
	return use.With(ctx, w.do, &keyed{work: w, step: step})
}

// keyed is the ticket of a key at Trengo. It implements sink.KeyedDesk.
type keyed struct {
	*work

	step  string
	found theTicket // what a look showed
}

// LookAt implements sink.KeyedDesk.
func (k *keyed) LookAt(ctx context.Context, named sink.KeyedTicket) (sink.TicketState, error) {
	if _, known := k.ids.Get(openTicketKey(named.ID)); known && !named.Closed {
		k.found = theTicket{id: named.ID, open: true}
		return sink.TicketOpen, nil
	}
	shown, there, err := k.show(ctx, named.ID)
	switch {
	case err != nil || !there:
		return sink.TicketGone, err
	case isOpen(shown):
		k.found = foundTicket(shown)
		k.seenOpen(named.ID)
		return sink.TicketOpen, nil
	}
	k.found = foundTicket(shown)
	k.found.open = false
	return sink.TicketClosed, nil
}

// Newest implements sink.KeyedDesk.
func (k *keyed) Newest(ctx context.Context) (id string, err error) {
	if k.found, err = k.newestOpen(ctx); k.found.id != "" {
		k.seenOpen(k.found.id)
	}
	return k.found.id, err
}

// Take implements sink.KeyedDesk.
func (k *keyed) Take(id string) {
	if k.found.id != id {
		k.found = theTicket{id: id}
	}
	k.ticket = k.found
	k.receipt.IDs[ticketIDName] = id
}

// Open implements sink.KeyedDesk.
func (k *keyed) Open(ctx context.Context) (id string, err error) {
	err = k.openTicket(ctx, k.step)
	return k.ticket.id, err
}

// Reopen implements sink.KeyedDesk.
func (k *keyed) Reopen(ctx context.Context) error {
	if err := k.openAgain(ctx); err != nil {
		return err
	}
	k.ticket.open = true
	k.seenOpen(k.ticket.id)
	return nil
}

// Warn implements sink.KeyedDesk.
func (k *keyed) Warn(text string) { k.warn(text) }

// closedKey puts on record that the ticket of the rule's key is closed, also where it is: the key is
// removed after the outcome by whoever has put that there.
func (w *work) closedKey(ctx context.Context) error {
	w.ids.Drop(openTicketKey(w.ticket.id))
	if w.use.Find != rules.ByKey {
		return nil
	}
	return w.do.RecordKey(ctx, w.key(), sink.KeyedTicket{ID: w.ticket.id, Closed: true})
}

// seenOpen remembers for a while that a ticket is open.
func (w *work) seenOpen(id string) { w.ids.Put(openTicketKey(id), id) }

// openTicketKey is the name under which it is remembered that a ticket is open.
func openTicketKey(id string) string { return "\x00is open\x00" + id }

package kustomer

import (
	"context"

	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/sink"
)

// reopenStepName is the step that opens the conversation of a key again.
const reopenStepName = "reopen"

// key is the rule's key.
func (w *work) key() sink.Key {
	return sink.Key{Text: w.use.Key, TTL: w.use.KeyTTL, Kept: w.use.KeepClosed}
}

// useKey finds the conversation of the rule's key, or opens one as the step of a name. Error:
// mapping.TicketNotFound.
func (w *work) useKey(ctx context.Context, step string) error {
	use := sink.KeyedUse{
		Key: w.key(), Step: step, ID: conversationID, Second: w.again, Opens: w.use.Open != rules.OpenNever, Reopens: w.use.Reopen,
	}
	if err := use.With(ctx, w.do, &keyed{work: w, step: step}); err != nil {
		return err
	}
	if w.ticket.opened && w.ticket.status == statusDone { // a conversation can be opened as one that is done
		return w.closedKey(ctx)
	}
	return nil
}

// keyed is the conversation of a key at Kustomer. It implements sink.KeyedDesk.
type keyed struct {
	*work

	step  string
	found theConversation // what a look showed
}

// LookAt implements sink.KeyedDesk.
func (k *keyed) LookAt(ctx context.Context, named sink.KeyedTicket) (sink.TicketState, error) {
	k.found = theConversation{id: named.ID}
	if _, known := k.ids.Get(openConversationKey(named.ID)); known && !named.Closed {
		return sink.TicketOpen, nil
	}
	data, there, err := k.show(ctx, named.ID)
	if err != nil || !there {
		return sink.TicketGone, err
	}
	if k.found = conversationIn(data); k.found.status == statusDone {
		return sink.TicketClosed, nil
	}
	k.seenOpen(named.ID)
	return sink.TicketOpen, nil
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
		k.found = theConversation{id: id}
	}
	k.ticket = k.found
	k.receipt.IDs[conversationID] = id
}

// Open implements sink.KeyedDesk.
func (k *keyed) Open(ctx context.Context) (id string, err error) {
	if err = k.open(ctx, k.step); err == nil && k.ticket.opened && k.ticket.status != statusDone {
		k.seenOpen(k.ticket.id)
	}
	return k.ticket.id, err
}

// Reopen implements sink.KeyedDesk. What the rule gives the conversation goes with it: one update does
// both.
func (k *keyed) Reopen(ctx context.Context) error {
	status, joined := &rules.SetStatus{}, false
	if s := k.routing.status; s != nil && !k.routing.last && s.Snooze > 0 { // one that is snoozed is open
		status, joined = s, true
	}
	if err := k.give(ctx, reopenStepName, status); err != nil {
		return err
	}
	k.ticket.given, k.ticket.status, k.ticket.so = true, word(status), joined
	k.seenOpen(k.ticket.id)
	return nil
}

// Warn implements sink.KeyedDesk.
func (k *keyed) Warn(text string) { k.warn(text) }

// closed takes in that the conversation is done. If the rule has a key, that is put on record, also
// where it is: the key is removed after the outcome by whoever has put that there.
func (w *work) closed(ctx context.Context) error {
	w.ids.Drop(w.openKey())
	return w.closedKey(ctx)
}

func (w *work) closedKey(ctx context.Context) error {
	w.ids.Drop(openConversationKey(w.ticket.id))
	if w.use.Find != rules.ByKey {
		return nil
	}
	return w.do.RecordKey(ctx, w.key(), sink.KeyedTicket{ID: w.ticket.id, Closed: true})
}

// seenOpen remembers for a while that a conversation is open.
func (w *work) seenOpen(id string) { w.ids.Put(openConversationKey(id), id) }

// openConversationKey is the name under which it is remembered that a conversation is open.
func openConversationKey(id string) string { return "is open\x00" + id }

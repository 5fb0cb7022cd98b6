package keys

import (
	"context"
	"time"

	"github.com/deskstream/deskstream/sink"
)

// OfEvent is what the keys of one event's lane name. It implements sink.Keys, and is used by one
// goroutine.
type OfEvent struct {
	Store *Store
	// Topic and Lane are the event's source topic and its lane's value. An event that stands alone
	// has no keys.
	Topic, Lane string
	By          Event
	// Redriven says that the event is a dead letter that is sent again.
	Redriven bool
	// Unwritten says to find what there would be if the event had put no open ticket on record.
	Unwritten bool
	// Sync returns when the Store has all that is on record; nil: it has.
	Sync func(context.Context) error
	// Claim returns the claim of the event's partition; nil: there is none.
	Claim func(context.Context) (Claim, error)
	// Write puts an entry on record, and returns when the Store has it; nil: nothing is put there.
	Write func(context.Context, Named) error

	found  []sink.KeyedTicket
	closed []Named
}

// Find implements sink.Keys. What this process knows of an open ticket counts; before an event is
// told that there is none, all that is on record is looked at.
func (o *OfEvent) Find(ctx context.Context, key sink.Key) (found sink.KeyedTicket, err error) {
	name := NameOf(o.Topic, o.Lane, key.Text)
	defer func() { o.found = append(o.found, found) }()
	found, e := o.find(name)
	if found.Own || found.ID != "" && !found.Closed {
		return found, o.renew(ctx, key, Named{name, e})
	}
	if o.Sync != nil {
		if err := o.Sync(ctx); err != nil {
			return sink.KeyedTicket{}, err
		}
		found, _ = o.find(name)
	}
	return found, nil
}

// Found is what each key named that was looked for.
func (o *OfEvent) Found() []sink.KeyedTicket { return o.found }

func (o *OfEvent) find(name Name) (sink.KeyedTicket, Entry) {
	e, ok := o.Store.Get(name)
	own := ok && e.By.Is(o.By)
	if !ok || own && o.Unwritten && !e.Closed || !own && !e.Expires.IsZero() && !e.Expires.After(time.Now()) {
		return sink.KeyedTicket{}, Entry{}
	}
	return sink.KeyedTicket{ID: e.Ticket, Closed: e.Closed, Own: own}, e
}

// renew puts a key that is used on record again when a quarter of its time is over. It stays that of
// the event that wrote it: this one would take it for its own.
func (o *OfEvent) renew(ctx context.Context, key sink.Key, was Named) error {
	if o.Write == nil || key.TTL <= 0 || was.Closed || was.Expires.IsZero() || time.Until(was.Expires) > key.TTL*3/4 {
		return nil
	}
	was.Expires = time.Now().Add(key.TTL)
	return o.Write(ctx, was)
}

// Record implements sink.Keys. Nothing is written over the entry of a later event.
func (o *OfEvent) Record(ctx context.Context, key sink.Key, ticket sink.KeyedTicket) error {
	if o.Write == nil {
		return nil
	}
	n := Named{NameOf(o.Topic, o.Lane, key.Text), Entry{
		Ticket: ticket.ID, Closed: ticket.Closed, Kept: ticket.Closed && key.Kept, By: o.By, Redriven: o.Redriven,
	}}
	if key.TTL > 0 {
		n.Expires = time.Now().Add(key.TTL)
	}
	if o.Claim != nil {
		var err error
		if n.Claim, err = o.Claim(ctx); err != nil {
			return err
		}
	}
	if present, ok := o.Store.Get(n.Name); ok && !n.Replaces(present) || !ok && o.Redriven && ticket.Inherited {
		return nil
	}
	if n.Closed && !n.Kept {
		o.closed = append(o.closed, n)
	}
	return o.Write(ctx, n)
}

// Closed are the keys that the event has closed, and that are not kept: they are removed when its
// outcome is on record.
func (o *OfEvent) Closed() []Named { return o.closed }

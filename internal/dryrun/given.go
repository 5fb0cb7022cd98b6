package dryrun

import (
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/keys"
)

// Given is what a test says of help desks and of the keys on record. The zero Given says nothing.
type Given struct {
	// Answers answers lookups; nil knows none.
	Answers sink.Given
	// Keys are those that earlier events have put on record.
	Keys []GivenKey
}

// GivenKey is a key on record.
type GivenKey struct {
	Destination, Lane, Key, Ticket string
	Closed                         bool
}

// keysOf are the given keys of an event at a destination, nil where there are none.
func (g Given) keysOf(destination string, e keys.OfEvent) *keys.OfEvent {
	if len(g.Keys) == 0 || e.Lane == "" {
		return nil
	}
	e.Store = new(keys.Store)
	for i, k := range g.Keys {
		if k.Destination == destination {
			by := keys.Event{Partition: -1, Offset: int64(i), Epoch: -1} // none of those that are planned
			e.Store.Put(keys.NameOf(e.Topic, k.Lane, k.Key), keys.Entry{Ticket: k.Ticket, Closed: k.Closed, Kept: k.Closed, By: by})
		}
	}
	return &e
}

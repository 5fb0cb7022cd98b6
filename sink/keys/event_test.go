package keys_test

import (
	"context"
	"errors"
	"testing"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/keys"
)

// An event is told that a key names no open ticket only when all that is on record is known: what
// another process has just put there counts.
func TestOfEvent_looksAtAllThatIsOnRecordBeforeItFindsNothing(t *testing.T) {
	key := sink.Key{Text: "I-7"}
	name := keys.NameOf("events", "u-1", key.Text)
	open := keys.Entry{Ticket: "42", By: keys.Event{Offset: 1}, Claim: keys.Claim{Number: 1}}
	closed := open
	closed.Closed = true
	later := keys.Entry{Ticket: "43", By: keys.Event{Offset: 2}, Claim: keys.Claim{Number: 2}}
	for what, tt := range map[string]struct {
		known, unread *keys.Entry
		want          string
		syncs         int
	}{
		"none is known":             {nil, &open, "42", 1},
		"none is there":             {nil, nil, "", 1},
		"a closed one is known":     {&closed, &later, "43", 1},
		"an open one needs no look": {&open, &later, "42", 0},
	} {
		t.Run(what, func(t *testing.T) {
			store, syncs := new(keys.Store), 0
			if tt.known != nil {
				store.Put(name, *tt.known)
			}
			of := keys.OfEvent{Store: store, Topic: "events", Lane: "u-1", By: keys.Event{Offset: 9}, Sync: func(context.Context) error {
				if syncs++; tt.unread != nil {
					store.Put(name, *tt.unread)
				}
				return nil
			}}
			found, err := of.Find(t.Context(), key)
			if err != nil || found.ID != tt.want || syncs != tt.syncs {
				t.Errorf("ticket %q after %d looks, want %q after %d: %v", found.ID, syncs, tt.want, tt.syncs, err)
			}
		})
	}
	gone := errors.New("the session is over")
	of := keys.OfEvent{Store: new(keys.Store), Sync: func(context.Context) error { return gone }}
	if _, err := of.Find(t.Context(), key); !errors.Is(err, gone) {
		t.Errorf("a look that ends: %v, want %v", err, gone)
	}
}

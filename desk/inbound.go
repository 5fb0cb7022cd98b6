package desk

import (
	"context"

	"github.com/deskstream/deskstream/mapping/unified"
	"github.com/deskstream/deskstream/sink"
)

// Inbound is how what a desk sends by webhook, and shows in its lists, is read as unified events
// and objects. Its functions are pure.
type Inbound struct {
	// InPath are the desk's names of events, one of which ends the address of each webhook. It is
	// nil for a desk whose bodies name the event.
	InPath []string
	// Forms says that the desk sends forms, or JSON; else it sends JSON.
	Forms bool
	// Subscriptions are the desk's names of the events that bring an event of a type. A type that
	// is not there comes from lists only.
	Subscriptions map[unified.Type][]string
	// Signature returns what a request claims; its error is unified.ErrNoSignature.
	Signature func(header func(name string) string, body []byte) (unified.Signature, error)
	// Event reads a webhook whose signature is right, whatever is in it. Without an id of the
	// desk's own its ID is "", without a time its At.
	Event func(unified.Webhook) unified.Event
	// Enrich adds to an event the ticket and the contact that it is about, as the desk shows them
	// now. After an error it may have added one of both.
	Enrich func(ctx context.Context, do sink.Doer, e *unified.Event) error
	// Hooks are the registrations of webhooks at the desk.
	Hooks Hooks
	// Objects read an entry of a list. An error says that the entry is no object with an id.
	Objects map[unified.Entity]func(entry []byte) (unified.Object, error)
}

// Package webhook maps events for a webhook: an HTTP endpoint of the owner's own that takes
// each event as it is.
package webhook

import "github.com/deskstream/deskstream/mapping"

// Message is what to send for one event.
type Message struct {
	// Event is the whole event, a JSON object.
	Event mapping.Value
	// ID is the event's messageId, by which the receiver knows a repeat, "" for none.
	ID string
}

// Map returns the message of an event of any type. Its error is that of Event.Check.
func Map(ev mapping.Event) (Message, error) {
	if err := ev.Check(); err != nil {
		return Message{}, err
	}
	return Message{Event: ev.Body, ID: ev.ID()}, nil
}

package mapping

import "slices"

// Types are the event types of the RudderStack and Segment specification.
func Types() []string { return []string{"identify", "track", "page", "screen", "group", "alias"} }

// TypeCall is the type of a record that is an API request. As an event it means nothing to any
// destination: it is taken from its own topic only.
const TypeCall = "call"

// Filter is an owner's choice of events for one destination.
type Filter struct {
	// Types are the event types that the destination takes; nil is all that it can.
	Types []string
	// Allow and Deny are exact names, as Event.Name returns them; one of both at most.
	// An identify passes. An event without a name is not on a list: Allow skips it,
	// Deny takes it.
	Allow, Deny []string
}

// Check returns why the event is not for the destination: a *Error of Event.Check, or
// the Skip TypeNotTaken or Filtered.
func (f Filter) Check(ev Event) error {
	if err := ev.Check(); err != nil {
		return err
	}
	if f.Types != nil && !slices.Contains(f.Types, ev.Type) || ev.Type == TypeCall {
		return TypeNotTaken
	}
	switch ev.Type {
	case "track", "page", "screen":
	default:
		return nil
	}
	name := ev.Name()
	if len(f.Allow) > 0 && !slices.Contains(f.Allow, name) || len(f.Deny) > 0 && slices.Contains(f.Deny, name) {
		return Filtered
	}
	return nil
}

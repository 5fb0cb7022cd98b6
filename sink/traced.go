package sink

import (
	"slices"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink/traces"
)

// Traced is what a trace says of the outcome: nothing of the event's content, and its type only if a
// specification has it.
func (o *Outcome) Traced() traces.Outcome {
	t := traces.Outcome{Outcome: string(o.Outcome), Rule: o.Rule, Round: o.Round, Merged: o.MergedInto != nil}
	if o.Reason != nil {
		t.Reason = string(*o.Reason)
	}
	if o.Error != nil {
		t.Code = string(o.Error.Code)
	}
	if o.Event.Type != nil && slices.Contains(traceable, *o.Event.Type) {
		t.EventType = *o.Event.Type
	}
	return t
}

var traceable = mapping.Types()

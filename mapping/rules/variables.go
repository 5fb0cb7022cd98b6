package rules

import (
	"strconv"

	"cel.dev/cel-go/interpreter"

	"github.com/deskstream/deskstream/mapping"
)

// roots are the members of an event that conditions may name. Others are a slip of the pen.
var roots = []string{
	"type", "event", "name", "userId", "anonymousId", "groupId", "previousId", "messageId", "timestamp", "originalTimestamp", "sentAt", "receivedAt",
	"traits", "properties", "context", "integrations", "channel", "version",
	// of a help desk's events
	"id", "at", "desk", "destination", "desk_event", "repeat", "late", "enriched", "truncated",
	"actor", "changes", "ticket", "contact", "comment", "user", "team", "label", "voice", "raw",
}

// variables is an event as conditions see it. Each member is converted once, when a condition
// names it.
type variables struct {
	event     mapping.Event
	converted []converted
}

// converted is a member of the event, converted.
type converted struct {
	name  string
	value any
}

var _ interpreter.Activation = (*variables)(nil)

// ResolveName implements interpreter.Activation.
func (v *variables) ResolveName(name string) (any, bool) {
	for i := range v.converted { // conditions name a few
		if c := &v.converted[i]; c.name == name {
			return c.value, true
		}
	}
	var value any
	switch member := v.event.Body.Get(name); {
	case name == "type":
		value = v.event.Type // in lower case
	case member.Kind() == mapping.Absent && isContainer(name):
		value = map[string]any{} // so that has(traits.plan) is false
	case member.Kind() == mapping.Absent:
		return nil, false
	default:
		value = native(member)
	}
	if v.converted == nil {
		v.converted = make([]converted, 0, 4)
	}
	v.converted = append(v.converted, converted{name, value})
	return value, true
}

// Parent implements interpreter.Activation.
func (*variables) Parent() interpreter.Activation { return nil }

// isContainer reports whether a root is an object in every event that has it.
func isContainer(root string) bool {
	switch root {
	case "traits", "properties", "context", "integrations", "actor", "ticket", "contact", "comment", "user", "team", "label", "voice":
		return true
	}
	return false
}

// native is a value as CEL takes it. Every number is a double.
func native(v mapping.Value) any {
	switch v.Kind() {
	case mapping.Bool:
		return v.Text() == "true"
	case mapping.Number:
		number, _ := strconv.ParseFloat(v.Text(), 64) // what is out of range is infinite
		return number
	case mapping.String:
		return v.Str()
	case mapping.Array:
		list := make([]any, v.Len())
		for i, e := range v.Members() {
			list[i] = native(e.Value)
		}
		return list
	case mapping.Object:
		object := make(map[string]any, v.Len())
		for _, m := range v.Members() {
			object[m.Name] = native(m.Value)
		}
		return object
	case mapping.Absent, mapping.Null:
	}
	return nil
}

package rules

import (
	"slices"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/unified"
)

// plainNames are the members of an event that a template names as they are. A property of such a
// name is under properties.
var plainNames = []string{"type", "event", "name", "userId", "anonymousId", "groupId", "previousId", "messageId", "timestamp", "traits", "context", "ticket", "contact", "comment", "user"}

// Context is what the names in a rule's templates mean: type, event, userId, anonymousId,
// messageId, timestamp, context and the like are the event's own; traits are its own, and those of
// its context where it has no value; properties are the event's, and any other name is a property.
//
// In an event of a help desk every member has its own name, as docs/unified-model.md lists them.
func Context(ev mapping.Event) mapping.Value {
	if unified.IsType(ev.Type) {
		return ev.Body
	}
	properties := ev.Body.Get("properties")
	if properties.Kind() != mapping.Object {
		properties = mapping.Obj()
	}
	members := []mapping.Member{{Name: "properties", Value: properties}}
	for _, name := range plainNames {
		value := ev.Body.Get(name)
		if name == "traits" {
			value = ev.Traits()
		}
		if value.Exists() {
			members = append(members, mapping.Member{Name: name, Value: value})
		}
	}
	return mapping.Obj(slices.Concat(members, properties.Without(append(plainNames, "properties")...).Members())...)
}

package desk

import (
	"errors"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/unified"
)

// withContact is an event of a help desk with its contact where customer events have theirs: as
// traits and, where the desk is the destination itself, as the external id of a type. Other events
// stay as they are.
func withContact(ev mapping.Event, destination, idType string) mapping.Event {
	if !unified.IsType(ev.Type) {
		return ev
	}
	contact := ev.Body.Get("contact")
	var traits, ids []mapping.Member
	add := func(name string, v mapping.Value) {
		if unified.Text(mapping.Obj(mapping.Member{Name: name, Value: v}), name) != "" {
			traits = append(traits, mapping.Member{Name: name, Value: v})
		}
	}
	add("name", contact.Get("name"))
	add("email", first(contact.Get("emails")))
	add("phone", first(contact.Get("phones")))
	if id := contact.Get("id"); id.Exists() && ev.Body.Get("destination").Str() == destination {
		ids = []mapping.Member{{Name: "type", Value: mapping.Str(idType)}, {Name: "id", Value: id}}
	}
	context := mapping.Obj(mapping.Member{Name: "externalId", Value: mapping.Obj(ids...)})
	ev.Body = mapping.Obj(mapping.Member{Name: "type", Value: mapping.Str(ev.Type)}, mapping.Member{Name: "traits", Value: mapping.Obj(traits...)}, mapping.Member{Name: "context", Value: context})
	return ev
}

// first is the first address of a list of a contact's.
func first(addresses mapping.Value) mapping.Value {
	for _, a := range unified.Elements(addresses) {
		if v := a.Get("value"); v.Str() != "" {
			return v
		}
	}
	return mapping.Value{}
}

// lacksContact reports whether err says of an event of a help desk that it does not name its contact.
func lacksContact(ev mapping.Event, err error) bool {
	fault, ok := errors.AsType[*mapping.Error](err)
	return ok && fault.Code == mapping.MissingIdentifier && unified.IsType(ev.Type)
}

// errNoContact is the fault of such an event.
var errNoContact = mapping.FieldError(mapping.MissingIdentifier, "contact",
	"has no address that the destination knows contacts by, and the rule names no ticket by its id: webhooks.enrich of the desk that sent the event adds the contact")

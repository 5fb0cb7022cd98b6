package kustomer

import "github.com/deskstream/deskstream/mapping"

// contacts are the addresses of a customer of one kind.
type contacts struct {
	// list is the list that a sender may give, alone where it has one value, or some.
	list, alone rule
}

var (
	emails = contactsOf(emailEntry, "emails", emailPaths)
	phones = contactsOf(phoneEntry, "phones", append(both("phone"), "properties.phone"))
)

func contactsOf(entry coerce, field string, alone []string) contacts {
	take := list(field, entry)
	return contacts{rule{field, both(field), take}, rule{field, alone, take}}
}

// take is the list that the sender gave, else a list of what it gave alone. A list without
// a usable entry counts as absent.
func (c contacts) take(ev mapping.Event, n *notes) mapping.Value {
	given := pickIf(ev, c.list.from, func(v mapping.Value) bool { return v.Kind() != mapping.Array || v.Len() > 0 })
	if given.value.Exists() {
		if v := c.list.take(n, c.list.field+" from "+given.path, given.value); v.Exists() {
			return v
		}
	}
	return fitting(ev, n, c.alone)
}

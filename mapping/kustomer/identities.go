package kustomer

import (
	"slices"

	"github.com/deskstream/deskstream/mapping"
)

// Key returns the form in which two lookups of one identity are equal. Addresses differ in
// case by how they were typed, hardly ever by whose they are.
func (l Lookup) Key() string { return string(l.By) + "=" + l.value() }

// value is what is looked up in the form in which it is compared: that of EntryKey.
func (l Lookup) value() string {
	switch l.By {
	case ByEmail:
		return mapping.EmailKey(l.Value)
	case ByPhone:
		return phoneKey(l.Value)
	default: // An id is compared as it is.
		return l.Value
	}
}

// Entry returns the list that holds what is looked up, and its EntryKey there; list is ""
// for an external id.
func (l Lookup) Entry() (list, key string) {
	switch l.By {
	case ByEmail:
		return "emails", l.value()
	case ByPhone:
		return "phones", l.value()
	default:
		return "", l.value()
	}
}

// Identities are all that only one customer can have of what the event says: its user id
// and anonymous id, its e-mail addresses, its phone numbers. What cannot be in a path is
// left out.
func (u Upsert) Identities() []Lookup {
	var all []Lookup
	add := func(l Lookup) {
		same := func(have Lookup) bool { return have.Key() == l.Key() }
		if l.Value != "" && checkLookup(l.Value, "") == nil && !slices.ContainsFunc(all, same) {
			all = append(all, l)
		}
	}
	for _, id := range u.ExternalIDs {
		add(Lookup{ByExternalID, id})
	}
	for _, l := range u.Lookups {
		if l.By == ByEmail {
			add(l)
		}
	}
	for _, m := range u.Customer.Get("emails").Members() {
		add(Lookup{ByEmail, m.Value.Get("email").Str()})
	}
	for _, m := range u.Customer.Get("phones").Members() {
		add(Lookup{ByPhone, m.Value.Get("phone").Str()})
	}
	return all
}

package kustomer

import (
	"slices"

	"github.com/deskstream/deskstream/mapping"
)

// Key returns the form in which two lookups of one identity are equal. Addresses differ in
// case by how they were typed, hardly ever by whose they are.
func (l Lookup) Key() string {
	value := l.Value
	switch l.By {
	case ByEmail:
		value = mapping.EmailKey(value)
	case ByPhone:
		value = phoneKey(value)
	case ByExternalID: // It is compared as it stands.
	}
	return string(l.By) + "=" + value
}

// Identities are all that only one customer can have of what the event says: its user id
// and anonymous id, its e-mail addresses, its phone numbers. What cannot stand in a path is
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

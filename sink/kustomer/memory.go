package kustomer

import (
	"strings"

	"github.com/deskstream/deskstream/mapping/kustomer"
	"github.com/deskstream/deskstream/sink"
)

// memory is what one event may read and write of the remembered ids: the customer of
// a lookup, and the externalId that a customer was last seen with. See the package's
// documentation for why both are needed.
type memory struct {
	ids  *sink.IDs
	step kustomer.Upsert
}

// lookupKey is the identifier of a lookup. Addresses differ in case by how they were
// typed, hardly ever by whose they are.
func lookupKey(l kustomer.Lookup) string {
	if l.By == kustomer.ByEmail {
		return string(l.By) + "=" + strings.ToLower(l.Value)
	}
	return string(l.By) + "=" + l.Value
}

// owner is the externalId that the event gives its customer, "" for none.
func (m memory) owner() string {
	if len(m.step.ExternalIDs) == 0 {
		return ""
	}
	return m.step.ExternalIDs[0]
}

func ownerKey(id string) string { return "customer=" + id }

// mayAnswer tells whether a remembered customer is still the answer to the lookup: one
// by an external id must find that id's owner, and one by e-mail the owner whom the
// update would set.
func (m memory) mayAnswer(l kustomer.Lookup, id string) bool {
	want := l.Value
	if l.By == kustomer.ByEmail {
		want = m.owner()
	}
	owner, ok := m.ids.Get(ownerKey(id))
	return ok && owner == want
}

// seen remembers what a lookup showed of a customer's owner.
func (m memory) seen(found match) {
	if owner := idText(found.attributes.Get("externalId")); owner != "" {
		m.ids.Put(ownerKey(found.id), owner)
		return
	}
	m.ids.Drop(ownerKey(found.id))
}

// written remembers a customer after a create or an update that Kustomer accepted.
func (m memory) written(id string) {
	if owner := m.owner(); owner != "" {
		m.ids.Put(ownerKey(id), owner)
	}
	for _, l := range m.step.Lookups {
		m.ids.Put(lookupKey(l), id)
	}
}

// forget drops a customer that is gone.
func (m memory) forget(id string) {
	m.ids.Drop(ownerKey(id))
	for _, l := range m.step.Lookups {
		m.ids.Drop(lookupKey(l))
	}
}

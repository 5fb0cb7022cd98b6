package kustomer

import (
	"github.com/deskstream/deskstream/mapping/kustomer"
	"github.com/deskstream/deskstream/sink"
)

// memory is what one event may read and write of what is remembered: the customer of a
// lookup, and of a customer what known says. See the package's documentation for why each
// is needed.
type memory struct {
	ids  *sink.IDs
	step kustomer.Upsert
}

func customerKey(id string) string { return "customer=" + id }

// owner is the externalId that the event gives its customer, "" for none.
func (m memory) owner() string {
	if len(m.step.ExternalIDs) == 0 {
		return ""
	}
	return m.step.ExternalIDs[0]
}

// known returns what is remembered of a customer.
func (m memory) known(id string) known {
	text, _ := m.ids.Get(customerKey(id))
	return parseKnown(text)
}

// mayAnswer reports whether a remembered customer is still the answer to the lookup: one
// by an external id must find that id's owner, and one by e-mail the owner whom the
// update would set.
func (m memory) mayAnswer(l kustomer.Lookup, k known) bool {
	want := l.Value
	if l.By == kustomer.ByEmail {
		want = m.owner()
	}
	return want != "" && k.owner == want
}

// seen remembers of a customer what a lookup or a reading showed: of its lists the values,
// not what else their entries have.
func (m memory) seen(found match) {
	now := known{owner: found.owner(), company: found.company}
	if len(now.owner) > sink.MaxID { // it is asked for again
		now.owner = ""
	}
	for _, member := range found.attributes.Members() {
		if !kustomer.IsList(member.Name) {
			continue
		}
		for _, e := range member.Value.Members() {
			if key := kustomer.EntryKey(member.Name, e.Value); key != "" {
				now.facts = now.facts.with(factOf(member.Name, kustomer.Entry{Value: e.Value, Key: key}))
			}
		}
	}
	text := now.text()
	m.ids.Change(customerKey(found.id), func(string) (string, bool) { return text, true })
}

// has reports whether a customer is known to have all entries of the event.
func (m memory) has(k known) bool {
	for list, e := range m.step.Entries() {
		if !k.facts.has(factOf(list, e)) {
			return false
		}
	}
	return true
}

// forget drops a customer that is gone.
func (m memory) forget(id string) {
	m.ids.Drop(customerKey(id))
	for _, l := range m.step.Lookups {
		m.ids.Drop(l.Key())
	}
}

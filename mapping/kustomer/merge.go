package kustomer

import (
	"slices"

	"github.com/deskstream/deskstream/mapping"
)

// Merge returns a message that leaves Kustomer as older and then newer would, with the warnings of
// newer. It reports false where one message cannot: when one of the two does anything but save a
// customer, when they look for the customer by other values, when one names a revision, or when
// what they leave depends on what Kustomer does not document.
func Merge(older, newer Message) (Message, bool) {
	before, ok := older.upsert()
	if !ok {
		return Message{}, false
	}
	after, ok := newer.upsert()
	if !ok || !before.sameAs(after) {
		return Message{}, false
	}
	merged := after
	merged.Several, merged.Implied = true, union(before.Implied, after.Implied)
	if merged.Customer, ok = mergedCustomer(before, after); !ok || !before.impliesAs(merged) || !after.impliesAs(merged) {
		return Message{}, false
	}
	return Message{Steps: []Step{merged}, Warnings: newer.Warnings}, true
}

// upsert returns the one customer that the message saves, false if it does anything else.
func (m Message) upsert() (Upsert, bool) {
	if len(m.Steps) != 1 {
		return Upsert{}, false
	}
	u, ok := m.Steps[0].(Upsert)
	return u, ok
}

// sameAs reports whether two upserts look for their customer in the same way, whatever they find.
func (u Upsert) sameAs(other Upsert) bool {
	return u.ID == other.ID && u.Mode == other.Mode &&
		slices.Equal(u.Lookups, other.Lookups) && slices.Equal(u.ExternalIDs, other.ExternalIDs)
}

// mergedCustomer is the customer of two upserts: of each field the newer one's value, where it has
// one.
func mergedCustomer(older, newer Upsert) (mapping.Value, bool) {
	if older.Customer.Get("rev").Exists() || newer.Customer.Get("rev").Exists() {
		return mapping.Value{}, false // the first to carry it is taken, and the next refused
	}
	var members []mapping.Member
	for _, m := range older.Customer.Members() {
		now := newer.Customer.Get(m.Name)
		switch {
		case IsList(m.Name):
			v, ok := mergedList(listOf{older, m.Name, m.Value}, listOf{newer, m.Name, now})
			if !ok {
				return mapping.Value{}, false
			}
			m.Value = v
		case m.Name == "custom" && now.Exists() && !namesAll(now, m.Value):
			// Whether an update keeps the attributes that it does not name is not documented.
			return mapping.Value{}, false
		case now.Exists():
			m.Value = now
		}
		members = append(members, m)
	}
	for _, m := range newer.Customer.Members() {
		if older.Customer.Get(m.Name).Exists() {
			continue
		}
		if IsList(m.Name) {
			v, ok := mergedList(listOf{older, m.Name, mapping.Value{}}, listOf{newer, m.Name, m.Value})
			if !ok {
				return mapping.Value{}, false
			}
			m.Value = v
		}
		if m.Value.Exists() {
			members = append(members, m)
		}
	}
	return mapping.Obj(members...), true
}

func namesAll(object, of mapping.Value) bool {
	return !slices.ContainsFunc(of.Members(), func(m mapping.Member) bool { return object.Get(m.Name).Kind() == mapping.Absent })
}

// listOf is a list of an upsert, absent where it has none.
type listOf struct {
	of    Upsert
	name  string
	value mapping.Value
}

// mergedList is what two upserts make of a list, absent for none: with MergeLists the entries of
// both, which are added one after the other; with ReplaceLists those of the newer one; with
// LeaveLists those of the older one alone, since only a create sends lists.
func mergedList(older, newer listOf) (mapping.Value, bool) {
	switch older.of.Mode {
	case LeaveLists:
		return older.value, true
	case ReplaceLists:
		if !newer.value.Exists() {
			return older.value, true
		}
		return newer.value, !newer.repeats() // an update sends repeats, a create does not
	case MergeLists:
	}
	r := ruleOf(older.name)
	entries := older.value.Members()
	entries = slices.Clip(entries)
	for _, m := range newer.value.Members() {
		latest := lastLike(older.name, entries, m.Value)
		if latest.Exists() && latest.JSON() == m.Value.JSON() && older.of.implies(r, latest) == newer.of.implies(r, m.Value) {
			continue // it changes nothing
		}
		entries = append(entries, m)
	}
	values := make([]mapping.Value, len(entries))
	for i, m := range entries {
		values[i] = m.Value
	}
	return mapping.Arr(values...), true
}

// lastLike is the last of entries that has the value of an entry, or the slot; absent if none has.
func lastLike(list string, entries []mapping.Member, entry mapping.Value) mapping.Value {
	key := EntryKey(list, entry)
	slot, slotted := Slot(list, entry)
	for _, m := range slices.Backward(entries) {
		if key != "" && EntryKey(list, m.Value) == key || slotted && slotOf(m.Value) == slot {
			return m.Value
		}
	}
	return mapping.Value{}
}

// repeats reports whether two entries of the list have one value.
func (l listOf) repeats() bool {
	seen := make(map[string]bool)
	for _, m := range l.value.Members() {
		key := EntryKey(l.name, m.Value)
		if key != "" && seen[key] {
			return true
		}
		seen[key] = true
	}
	return false
}

// impliesAs reports whether the types of u's entries are our default in merged where they are in u.
func (u Upsert) impliesAs(merged Upsert) bool {
	for _, m := range u.Customer.Members() {
		r := ruleOf(m.Name)
		if r == nil {
			continue
		}
		for _, e := range m.Value.Members() {
			if r.members != nil && u.implies(r, e.Value) != merged.implies(r, e.Value) {
				return false
			}
		}
	}
	return true
}

// union is both lists, each text once.
func union(a, b []string) []string {
	all := slices.Clip(a)
	for _, text := range b {
		if !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return all
}

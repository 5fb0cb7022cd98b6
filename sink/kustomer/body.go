package kustomer

import (
	"slices"
	"strconv"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/kustomer"
)

// body is what goes out to a customer.
type body struct {
	members []mapping.Member
	// there are the event's entries that the customer has once the body is accepted.
	there []kustomer.List
	// empty marks a body with nothing of what the event says: its lists are there already,
	// or were taken out.
	empty bool
	// merged marks lists that were joined with what the customer has.
	merged bool
	// rev is the revision that the customer was shown with, if the body carries it.
	rev mapping.Value
}

func (b *body) value() mapping.Value { return mapping.Obj(b.members...) }

func (b *body) add(name string, v mapping.Value) {
	b.members = append(b.members, mapping.Member{Name: name, Value: v})
}

// carriesIdentifiers reports whether the body has what only one customer can have.
func (b *body) carriesIdentifiers() bool {
	v := b.value()
	for _, name := range [...]string{"externalId", "emails", "phones", "whatsapps", "socials"} {
		if v.Get(name).Exists() {
			return true
		}
	}
	return false
}

// newCustomer is the body of a create.
func (u *upsert) newCustomer() body {
	return u.build(u.lists(), func(b *body, l kustomer.List) { u.merge(b, l, mapping.Value{}) })
}

// change is the body of an update, and reports whether it would change anything of what
// the customer was shown with. A company and a revision that are sent back change nothing.
func (u *upsert) change(target match) (body, bool) {
	var b body
	switch {
	case u.merges() && target.shown:
		b = u.build(u.lists(), func(b *body, l kustomer.List) {
			before := len(b.members)
			u.merge(b, l, target.attributes.Get(l.Name))
			b.merged = b.merged || len(b.members) > before
		})
	case u.step.Mode == kustomer.ReplaceLists:
		b = u.build(u.lists(), func(b *body, l kustomer.List) {
			b.add(l.Name, l.Value())
			b.there = append(b.there, l)
		})
	default:
		b = u.build(nil, nil)
	}
	changes := !holds(target.attributes, b.value())
	named := u.step.Customer
	b.empty = len(b.members) == 0 && named.Len() > 0
	if target.company != "" && !named.Get("company").Exists() {
		b.add("company", mapping.Str(target.company))
	}
	if rev := target.attributes.Get("rev"); b.merged && rev.Kind() == mapping.Number && !named.Get("rev").Exists() {
		b.rev = rev
		b.add("rev", rev)
	}
	return b, changes
}

// merges reports whether updates merge lists.
func (u *upsert) merges() bool {
	return u.step.Mode != kustomer.ReplaceLists && u.step.Mode != kustomer.LeaveLists && !u.withoutLists
}

// lists are the event's lists without the entries that others have.
func (u *upsert) lists() []kustomer.List {
	all := u.step.Lists()
	if len(u.held) == 0 {
		return all
	}
	var lists []kustomer.List
	for _, l := range all {
		if l = l.Without(func(e kustomer.Entry) bool { return u.held[entryKey(l.Name, e.Key)] }); len(l.Entries) > 0 {
			lists = append(lists, l)
		}
	}
	return lists
}

// build makes a body of the event's customer, with the lists as add adds each of them.
func (u *upsert) build(lists []kustomer.List, add func(*body, kustomer.List)) body {
	b := body{members: make([]mapping.Member, 0, u.step.Customer.Len()+2)}
	for _, m := range u.step.Customer.Members() {
		switch {
		case m.Name == "externalId" && u.withoutID:
		case kustomer.IsList(m.Name):
			if i := slices.IndexFunc(lists, func(l kustomer.List) bool { return l.Name == m.Name }); i >= 0 {
				add(&b, lists[i])
			}
		default:
			b.members = append(b.members, m)
		}
	}
	return b
}

// merge adds a list joined with what the customer has, if that changes it.
func (u *upsert) merge(b *body, l kustomer.List, have mapping.Value) {
	merged := l.Merge(have)
	if n := len(merged.NoRoom); n > 0 {
		u.warn(l.Name + ": " + strconv.Itoa(n) + " left out, the customer has as many as Kustomer takes")
	}
	b.there = append(b.there, l.Without(func(e kustomer.Entry) bool {
		return slices.ContainsFunc(merged.NoRoom, func(out kustomer.Entry) bool { return out.Key == e.Key })
	}))
	if merged.Changed {
		b.add(l.Name, merged.Value)
	}
}

// warn adds a warning once.
func (u *upsert) warn(text string) {
	if !slices.Contains(u.receipt.Warnings, text) {
		u.receipt.Warnings = append(u.receipt.Warnings, text)
	}
}

package kustomer

import (
	"slices"
	"strings"

	"github.com/deskstream/deskstream/mapping"
)

// ListMode says what becomes of the lists of a customer that exists: an update sets a
// list whole, so one that holds the event's entries alone takes the others away.
type ListMode string

// The modes.
const (
	MergeLists   ListMode = "merge"   // keep what the customer has, and add the event's entries
	ReplaceLists ListMode = "replace" // send the event's entries alone
	LeaveLists   ListMode = "leave"   // send lists with a create only
)

// listRule is what is known of one of a customer's lists. Members and limits are those of
// the customer object in Kustomer's API reference.
type listRule struct {
	limit int
	// members are what an entry may have; nil for a list of texts.
	members []string
	// value are the members by which two entries are the same value.
	value []string
	// form brings a text of value to the form in which it is compared; nil keeps it.
	form func(string) string
}

// listRules are the lists of a customer that events fill.
var listRules = map[string]*listRule{
	"emails":    {maxEntries, []string{"email", "type", "verified"}, []string{"email"}, mapping.EmailKey},
	"phones":    {maxEntries, []string{"phone", "type", "verified"}, []string{"phone"}, phoneKey},
	"whatsapps": {maxEntries, []string{"phone", "type", "verified"}, []string{"phone"}, phoneKey},
	"socials":   {maxEntries, []string{"type", "username", "userid", "url", "verified"}, []string{"type", "username"}, nil},
	"urls":      {maxEntries, []string{"url", "type"}, []string{"url"}, nil},
	locationList: {maxEntries, []string{
		"type", "name", "address", "address2", "address3", "latitude", "longitude", "countryCode", "countryName",
		"regionCode", "regionName", "cityName", "zipCode", "areaCode",
	}, []string{"address"}, mapping.Trim},
	"tags":         {limit: maxTags},
	"facebookIds":  {maxEntries, []string{"pageId", "userId", "name"}, []string{"pageId", "userId"}, nil},
	"instagramIds": {maxEntries, []string{"pageId", "threadId", "username", "instagramId"}, []string{"pageId", "threadId"}, nil},
}

const locationList = "locations"

// phoneKey is a number's digits. What has none is compared as it stands.
func phoneKey(text string) string {
	if digits := mapping.PhoneDigits(text); digits != "" {
		return digits
	}
	return text
}

// IsList reports whether a member of the customer object is one of its lists.
func IsList(name string) bool { return listRules[name] != nil }

// EntryKey returns the form in which two entries of a list are equal when they have the
// same value. It is "" for an entry without a value, which is equal to none.
func EntryKey(list string, entry mapping.Value) string {
	r := listRules[list]
	if r == nil {
		return ""
	}
	if r.members == nil {
		return entry.Str()
	}
	var key string
	for i, name := range r.value {
		part := entry.Get(name).Text()
		if r.form != nil {
			part = r.form(part)
		}
		if part == "" {
			return ""
		}
		if i > 0 {
			part = key + "\x00" + part
		}
		key = part
	}
	return key
}

// List is one of the lists of an event's customer. It has one entry at least.
type List struct {
	Name    string
	Entries []Entry
}

// Entry is one entry of a List.
type Entry struct {
	// Value is the whole entry.
	Value mapping.Value
	// Key is what EntryKey gives of Value.
	Key string
	// Named are the members besides the value that the event itself names.
	Named []mapping.Member
}

// Lists returns the lists of the event's customer.
func (u Upsert) Lists() []List {
	var lists []List
	for _, m := range u.Customer.Members() {
		if r := listRules[m.Name]; r != nil && m.Value.Len() > 0 {
			lists = append(lists, u.list(r, m.Name, m.Value))
		}
	}
	return lists
}

func (u Upsert) list(r *listRule, name string, value mapping.Value) List {
	l := List{Name: name, Entries: make([]Entry, 0, value.Len())}
	for _, e := range value.Members() {
		l.Entries = append(l.Entries, Entry{Value: e.Value, Key: EntryKey(name, e.Value), Named: u.named(r, e.Value)})
	}
	return l
}

// named are the members of an entry that the event names besides its value. Of a location
// it names the address only.
func (u Upsert) named(r *listRule, entry mapping.Value) []mapping.Member {
	if r == listRules[locationList] {
		return nil
	}
	var named []mapping.Member
	for _, m := range entry.Members() {
		if slices.Contains(r.value, m.Name) || m.Name == "type" && slices.Contains(u.Implied, entry.JSON()) {
			continue
		}
		named = append(named, m)
	}
	return named
}

// Merged is what List.Merge gives.
type Merged struct {
	// Value is the whole list.
	Value mapping.Value
	// Changed reports whether Value differs from what the customer has.
	Changed bool
	// NoRoom are the event's entries that did not fit.
	NoRoom []Entry
}

// Merge joins the event's entries with those that the customer has, as an answer shows
// them: the customer's in their order, then the event's new ones, as many as Kustomer
// takes. An entry whose value is there already takes the members that the event names. A
// location replaces the one of its type and name. What goes out has documented members
// only, and no nulls.
func (l List) Merge(have mapping.Value) Merged {
	r := listRules[l.Name]
	entries := r.documented(have)
	before := mapping.Arr(entries...).JSON()
	var merged Merged
	for _, e := range l.Entries {
		switch i := l.place(entries, e); {
		case i >= 0:
			entries[i] = l.put(entries[i], e)
		case len(entries) < r.limit:
			entries = append(entries, e.Value)
		default:
			merged.NoRoom = append(merged.NoRoom, e)
		}
	}
	merged.Value = mapping.Arr(entries...)
	merged.Changed = merged.Value.JSON() != before
	return merged
}

// Has reports whether the entries that the customer has, as an answer shows them, hold one of
// the event's entries with all that the event names of it.
func (l List) Has(have mapping.Value, e Entry) bool {
	return slices.ContainsFunc(have.Members(), func(m mapping.Member) bool {
		return e.Key != "" && EntryKey(l.Name, m.Value) == e.Key && hasAll(m.Value, e.Named)
	})
}

// documented are the entries of a list without what the API shows and does not take.
func (r *listRule) documented(have mapping.Value) []mapping.Value {
	if have.Kind() != mapping.Array {
		return nil
	}
	var entries []mapping.Value
	for _, e := range have.Members() {
		if r.members == nil && e.Value.Str() != "" {
			entries = append(entries, e.Value)
		}
		var kept []mapping.Member
		for _, m := range e.Value.Members() {
			if m.Value.Exists() && slices.Contains(r.members, m.Name) {
				kept = append(kept, m)
			}
		}
		if len(kept) > 0 {
			entries = append(entries, mapping.Obj(kept...))
		}
	}
	return entries
}

// place is where an entry of the event belongs among entries, -1 for a new one. Of several
// of its value one that has all of it already is preferred: it need not change.
func (l List) place(entries []mapping.Value, e Entry) int {
	found := -1
	for i, have := range entries {
		if e.Key == "" || EntryKey(l.Name, have) != e.Key {
			continue
		}
		if hasAll(have, e.Named) {
			return i
		}
		if found < 0 {
			found = i
		}
	}
	if slot, ok := l.Slot(e); ok && found < 0 {
		return slices.IndexFunc(entries, func(have mapping.Value) bool { return slotOf(have) == slot })
	}
	return found
}

// Slot returns what an entry shares with the one that it replaces, and reports false for a
// list whose entries replace none. Only locations do: those that events make have a type and
// no name, those of people have a name.
func (l List) Slot(e Entry) (string, bool) {
	if l.Name != locationList {
		return "", false
	}
	return slotOf(e.Value), true
}

func slotOf(location mapping.Value) string {
	return location.Get("type").Str() + "\x00" + strings.TrimSpace(location.Get("name").Str())
}

func hasAll(have mapping.Value, members []mapping.Member) bool {
	return !slices.ContainsFunc(members, func(m mapping.Member) bool {
		v := have.Get(m.Name)
		return v.Kind() != m.Value.Kind() || v.Text() != m.Value.Text()
	})
}

// put is the entry that the customer has with what the event says of it.
func (l List) put(have mapping.Value, e Entry) mapping.Value {
	if EntryKey(l.Name, have) != e.Key {
		return e.Value // a location that has moved
	}
	members := slices.Clone(have.Members())
	for _, m := range e.Named {
		if i := slices.IndexFunc(members, func(has mapping.Member) bool { return has.Name == m.Name }); i >= 0 {
			members[i].Value = m.Value
		} else {
			members = append(members, m)
		}
	}
	return have.With(members)
}

// Without is the list without the entries that drop reports.
func (l List) Without(drop func(Entry) bool) List {
	return List{Name: l.Name, Entries: slices.DeleteFunc(slices.Clone(l.Entries), drop)}
}

// Value is the list as a customer without one gets it.
func (l List) Value() mapping.Value {
	values := make([]mapping.Value, len(l.Entries))
	for i, e := range l.Entries {
		values[i] = e.Value
	}
	return mapping.Arr(values...)
}

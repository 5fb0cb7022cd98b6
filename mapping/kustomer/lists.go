package kustomer

import (
	"iter"
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

// The lists of a customer that events fill.
var (
	emailList = &listRule{maxEntries, []string{"email", "type", "verified"}, []string{"email"}, mapping.EmailKey}
	phoneList = &listRule{maxEntries, []string{"phone", "type", "verified"}, []string{"phone"}, phoneKey}
	// A whatsapp has the form of a phone.
	socialList = &listRule{maxEntries, []string{"type", "username", "userid", "url", "verified"}, []string{"type", "username"}, nil}
	urlList    = &listRule{maxEntries, []string{"url", "type"}, []string{"url"}, nil}
	placeList  = &listRule{maxEntries, []string{
		"type", "name", "address", "address2", "address3", "latitude", "longitude", "countryCode", "countryName",
		"regionCode", "regionName", "cityName", "zipCode", "areaCode",
	}, []string{"address"}, mapping.Trim}
	tagList       = &listRule{limit: maxTags}
	facebookList  = &listRule{maxEntries, []string{"pageId", "userId", "name"}, []string{"pageId", "userId"}, nil}
	instagramList = &listRule{maxEntries, []string{"pageId", "threadId", "username", "instagramId"}, []string{"pageId", "threadId"}, nil}
)

// ruleOf is the rule of a list, nil for a member of the customer that is none.
func ruleOf(name string) *listRule {
	switch name {
	case "emails":
		return emailList
	case "phones", "whatsapps":
		return phoneList
	case "socials":
		return socialList
	case "urls":
		return urlList
	case locationList:
		return placeList
	case "tags":
		return tagList
	case "facebookIds":
		return facebookList
	case "instagramIds":
		return instagramList
	}
	return nil
}

const locationList = "locations"

// phoneKey is a number's digits. What has none is compared as it is.
func phoneKey(text string) string {
	if digits := mapping.PhoneDigits(text); digits != "" {
		return digits
	}
	return text
}

// IsList reports whether a member of the customer object is one of its lists.
func IsList(name string) bool { return ruleOf(name) != nil }

// EntryKey returns the form in which two entries of a list are equal when they have the
// same value. It is "" for an entry without a value, which is equal to none.
func EntryKey(list string, entry mapping.Value) string {
	r := ruleOf(list)
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
	// Key is what EntryKey returns for Value.
	Key string
	// Named are the members besides the value that the event itself names.
	Named []mapping.Member
}

// Entries are the entries of the event's lists, each with the name of its list.
func (u Upsert) Entries() iter.Seq2[string, Entry] {
	return func(yield func(string, Entry) bool) {
		for _, m := range u.Customer.Members() {
			r := ruleOf(m.Name)
			if r == nil {
				continue
			}
			for _, e := range m.Value.Members() {
				if !yield(m.Name, Entry{Value: e.Value, Key: EntryKey(m.Name, e.Value), Named: u.named(r, e.Value)}) {
					return
				}
			}
		}
	}
}

// Lists returns the lists of the event's customer.
func (u Upsert) Lists() []List {
	var lists []List
	for name, e := range u.Entries() {
		if len(lists) == 0 || lists[len(lists)-1].Name != name {
			lists = append(lists, List{Name: name})
		}
		last := &lists[len(lists)-1]
		last.Entries = append(last.Entries, e)
	}
	return lists
}

// named are the members of an entry that the event names besides its value. Of a location
// it names the address only.
func (u Upsert) named(r *listRule, entry mapping.Value) []mapping.Member {
	if r == placeList {
		return nil
	}
	var named []mapping.Member
	for _, m := range entry.Members() {
		if slices.Contains(r.value, m.Name) || m.Name == "type" && u.implies(r, entry) {
			continue
		}
		named = append(named, m)
	}
	return named
}

// implies reports whether the type of an entry is our default.
func (u Upsert) implies(r *listRule, entry mapping.Value) bool {
	return entry.Len() == 2 && entry.Get("type").Str() == "home" && slices.Contains(u.Implied, entry.Get(r.value[0]).Str())
}

// Merged is what List.Merge returns.
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
	r := ruleOf(l.Name)
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
	if slot, ok := Slot(l.Name, e.Value); ok && found < 0 {
		return slices.IndexFunc(entries, func(have mapping.Value) bool { return slotOf(have) == slot })
	}
	return found
}

// Slot returns what an entry shares with the one that it replaces, and reports false for a
// list whose entries replace none. Only locations do: those that events make have a type and
// no name, those of people have a name.
func Slot(list string, entry mapping.Value) (string, bool) {
	if list != locationList {
		return "", false
	}
	return slotOf(entry), true
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

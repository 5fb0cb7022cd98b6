package unified

import (
	"strconv"
	"strings"
	"time"

	"github.com/deskstream/deskstream/mapping"
)

// The functions of this file read a member of an object that a desk sent. Desks write numbers as
// text, booleans as 0 and 1, and empty objects as lists: what does not fit is none.

// Text is the first of the members that is a text, a number or a boolean and not empty.
func Text(v mapping.Value, names ...string) string {
	for _, name := range names {
		member := v.Get(name)
		if id, ok := member.ID(); ok && id != "" {
			return id
		}
		if text := member.Text(); member.Kind() != mapping.Object && member.Kind() != mapping.Array && text != "" {
			return text
		}
	}
	return ""
}

// IsPlainID reports whether an id may stand in the path of a call: letters, digits and hyphens.
func IsPlainID(id string) bool {
	for _, c := range []byte(id) {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-' && c != '_' {
			return false
		}
	}
	return id != ""
}

// Flag is a boolean, also as 0 and 1 or their texts; nil for anything else.
func Flag(v mapping.Value, name string) *bool {
	switch strings.ToLower(Text(v, name)) {
	case "true", "1":
		return new(true)
	case "false", "0":
		return new(false)
	}
	return nil
}

// Count is a whole number that is not negative; nil for anything else.
func Count(v mapping.Value, name string) *int {
	n, err := strconv.Atoi(Text(v, name))
	if err != nil || n < 0 {
		return nil
	}
	return &n
}

// When is a moment; a wall time without an offset is one of zone.
func When(v mapping.Value, name string, zone *time.Location) Time {
	return ParseTime(Text(v, name), zone)
}

// IDs are the ids in a list: of texts and numbers, or of objects that have an id.
func IDs(v mapping.Value, name string) (ids []string) {
	for _, e := range elements(v.Get(name)) {
		id := Text(e, "id")
		if text, ok := e.ID(); ok {
			id = text
		}
		if id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// Refs are the objects of a list, by id and name; an element that is no object is an id.
func Refs(v mapping.Value, name string) (refs []Ref) {
	for _, e := range elements(v.Get(name)) {
		r := Ref{ID: Text(e, "id"), Name: Text(e, "title", "name"), Type: Text(e, "type")}
		if id, ok := e.ID(); ok {
			r.ID = id
		}
		if r != (Ref{}) {
			refs = append(refs, r)
		}
	}
	return refs
}

// ValuesOf are the members of an object, those that are null left out.
func ValuesOf(v mapping.Value) Values {
	var values Values
	if v.Kind() != mapping.Object {
		return nil
	}
	for _, m := range v.Members() {
		if m.Value.Exists() {
			if values == nil {
				values = make(Values)
			}
			values[m.Name] = m.Value.AppendJSON(nil)
		}
	}
	return values
}

// Elements are those of a list, none for anything else.
func Elements(v mapping.Value) []mapping.Value { return elements(v) }

func elements(v mapping.Value) []mapping.Value {
	if v.Kind() != mapping.Array {
		return nil
	}
	list := make([]mapping.Value, v.Len())
	for i := range list {
		list[i] = v.At(i)
	}
	return list
}

// Direction is in or out for the words that desks have for them.
func Direction(word string) string {
	switch strings.ToLower(word) {
	case "":
		return ""
	case "in", "inbound":
		return In
	case "out", "outbound":
		return Out
	}
	return UnknownWord
}

package mapping

import (
	"iter"
	"slices"
	"strings"
)

// externalIDNames are the members of an event's context that hold ids of other systems:
// RudderStack's name, then Segment's.
var externalIDNames = [...]string{"externalId", "externalIds"}

// ExternalID returns the id of the given type that the event's external ids name, a number
// as the plain integer that it is, and its path for messages. The entries of
// context.externalId come before those of context.externalIds; each is a list of entries or
// one entry. The first entry of the type counts, and if its id is empty there is none. One
// that means nobody, or is no text or whole number, is passed over, with a warning. If no
// other follows, it is returned for the caller to refuse, unless it means nobody.
func (e Event) ExternalID(typ string) (id Value, path string, warnings []string) {
	for place, v := range e.externalIDs(typ) {
		text, ok := v.ID()
		switch {
		case isNothing(v):
			return id, path, warnings
		case ok && !e.IsNoID(v):
			v.text = text
			return v, place, warnings
		case !id.Exists() && !e.IsNoID(v):
			id, path = v, place
		}
		if w := e.noIDWarning(place+" of type "+typ, v); !slices.Contains(warnings, w) { // a list may be long
			warnings = append(warnings, w)
		}
	}
	return id, path, warnings
}

// externalIDs are the ids of the given type, each with its path.
func (e Event) externalIDs(typ string) iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		for _, name := range externalIDNames {
			for _, entry := range entries(e.Body.Get("context", name)) {
				if entry.Value.Get("type").Str() == typ && !yield("context."+name, entry.Value.Get("id")) {
					return
				}
			}
		}
	}
}

// entries are those of a list, or the one that is in its place.
func entries(list Value) []Member {
	if list.kind == Object {
		return []Member{{Value: list}}
	}
	return list.members
}

// isNothing reports whether v says without a word that there is no id: null, false or blank.
func isNothing(v Value) bool {
	return !v.Exists() || v.kind == Bool && !v.IsTrue() || v.kind == String && Trim(v.text) == ""
}

// noIDWarning says why v, which is at path, is no id; "" for an id, and for what says
// without a word that there is none.
func (e Event) noIDWarning(path string, v Value) string {
	switch _, ok := v.ID(); {
	case isNothing(v):
		return ""
	case v.kind == Number && !ok:
		return path + " is a number with a fraction, or a very long one, and was left out"
	case v.IsZeroNumber():
		return path + " is the number 0, which means nobody, and was left out"
	case e.IsNoID(v):
		return path + " is a word that means nobody and was left out"
	case !ok:
		return path + " is " + v.kind.String() + ", no id, and was left out"
	default:
		return ""
	}
}

func dotted(path []string) string { return strings.Join(path, ".") }

package kustomer

import (
	"strings"

	"github.com/deskstream/deskstream/mapping"
)

// Limits of what rules give, in characters. Vendor: bodies of POST /v1/conversations, /notes and
// /klasses/{name}.
const (
	MaxName  = 256 // of a conversation
	MaxTitle = 256 // of an object
)

// MaxTags is how many tags an object takes.
const MaxTags = maxTags

// Attributes makes custom attributes of values, by the suffixes of their names: text becomes a
// number under a name that ends in Num. What does not fit is left out, and a warning under label
// says so. It is absent where nothing is left.
func Attributes(label string, values []mapping.Member) (mapping.Value, []string) {
	var n notes
	fit := custom(&n, label, mapping.Obj(values...))
	if fit.Len() == 0 {
		fit = mapping.Value{}
	}
	return fit, n.texts()
}

// IsAttribute reports whether a name is one that a rule's custom attribute can have: Kustomer refuses
// a whole object for another one. Of trees neither the suffix nor the form of a value is documented:
// what an identify gives goes out as it is, and rules set none.
func IsAttribute(name string) bool {
	for _, t := range customTypes {
		if strings.HasSuffix(name, t.suffix) && name != t.suffix && t.suffix != "Tree" {
			return true
		}
	}
	return false
}

// Suffixes are those of a rule's custom attributes, for people.
const Suffixes = "Num, At, Str, Txt, Bool, Url or Id"

// Tag returns a text as a tag, and reports whether Kustomer takes such a tag.
func Tag(text string) (string, bool) {
	v := tag(new(notes), "", mapping.Str(text))
	return v.Str(), v.Exists()
}

// ValidExternalID reports whether a text may be in a path as an id of its owner's.
func ValidExternalID(id string) bool {
	return id != "" && !longer(id, maxExternalID) && checkLookup(id, "") == nil
}

// Line returns a text of at most limit characters, and reports whether it was cut.
func Line(text string, limit int) (string, bool) {
	return cut(text, limit), longer(text, limit)
}

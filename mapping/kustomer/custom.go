package kustomer

import (
	"strconv"
	"strings"

	"github.com/deskstream/deskstream/mapping"
)

// maxKeys is how many members a customer's custom and an event's meta take.
const maxKeys = 100

// customTypes are the values that a custom attribute takes by the suffix of its name.
// Id is a reference to another object, Tree a path in a list of choices.
var customTypes = []struct {
	suffix string
	take   coerce
}{
	{"Num", number},
	{"At", date},
	{"Str", customText},
	{"Txt", customText},
	{"Bool", boolean},
	{"Url", uri},
	{"Id", reference},
	{"Tree", customText},
}

// custom takes the object of custom attributes. Kustomer refuses the whole customer
// for a name without a suffix that it knows. null clears an attribute, so it is kept.
func custom(n *notes, label string, v mapping.Value) mapping.Value {
	if v.Kind() != mapping.Object {
		n.leftOut(label, "it is "+v.Kind().String()+", not an object")
		return mapping.Value{}
	}
	var kept []mapping.Member
	for _, m := range v.Members() {
		value := attribute(n, label+"."+m.Name, m)
		if value.Kind() == mapping.Absent {
			continue
		}
		if len(kept) == maxKeys {
			n.add(label, "only the first "+strconv.Itoa(maxKeys)+" attributes sent")
			break
		}
		kept = append(kept, mapping.Member{Name: m.Name, Value: value})
	}
	if len(kept) == 0 && v.Len() > 0 {
		return mapping.Value{}
	}
	return mapping.Obj(kept...)
}

func attribute(n *notes, label string, m mapping.Member) mapping.Value {
	for _, t := range customTypes {
		if !strings.HasSuffix(m.Name, t.suffix) || m.Name == t.suffix {
			continue
		}
		if !m.Value.Exists() {
			return m.Value
		}
		return t.take(n, label, m.Value)
	}
	n.leftOut(label, "its name ends in no suffix of Kustomer's")
	return mapping.Value{}
}

// reference takes an id, which a blank is not: Kustomer would look for what it names.
func reference(n *notes, label string, v mapping.Value) mapping.Value {
	if v.Kind() == mapping.String && mapping.Trim(v.Str()) == "" {
		n.leftOut(label, "it is blank")
		return mapping.Value{}
	}
	return code(256)(n, label, v)
}

// customText takes up to 1,024 characters of text.
func customText(n *notes, label string, v mapping.Value) mapping.Value {
	if v.Kind() == mapping.Bool {
		v = mapping.Str(v.Text())
	}
	return prose(1024)(n, label, v)
}

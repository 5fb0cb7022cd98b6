package kustomer

import "github.com/deskstream/deskstream/mapping"

// company takes a text, or an object with a name or an id. Kustomer calls the field a
// link, RudderStack sends a name, and which is right can only be seen in a live account.
func company(n *notes, label string, v mapping.Value) mapping.Value {
	text := mapping.OneLine(v.Str())
	if v.Kind() == mapping.Object {
		text = companyID(v.Get("id")) // its name is a place of its own, asked before
	}
	if text == "" {
		if v.Kind() != mapping.String { // a blank says so itself
			n.leftOut(label, "it is neither text nor has it a name or id")
		}
		return mapping.Value{}
	}
	return code(256)(n, label, mapping.Str(text))
}

func companyID(v mapping.Value) string {
	if v.IsZeroNumber() {
		return ""
	}
	id, _ := v.ID()
	return mapping.OneLine(id)
}

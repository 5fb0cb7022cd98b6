package kustomer

import (
	"strings"

	"github.com/deskstream/deskstream/internal/stub"
)

// field is an attribute of which one value belongs to one customer at the most.
type field string

const (
	byExternalID field = "externalId" // externalId and externalIds alike
	byEmail      field = "email"
	byPhone      field = "phone"
	byWhatsapp   field = "whatsapp"
	bySocial     field = "social"
)

// key is one unique value in the form in which values are compared.
type key struct {
	field field
	value string
}

func keyOf(f field, value string) key {
	switch f {
	case byEmail:
		value = strings.ToLower(strings.TrimSpace(value))
	case byPhone, byWhatsapp:
		value = stub.Digits(value)
	case byExternalID, bySocial: // They are compared as they stand.
	}
	return key{field: f, value: value}
}

// uniqueLists are the lists whose values are unique. Those that customers share, which
// the vendor has for values of several people, are not among them.
var uniqueLists = []struct {
	name  string
	field field
	value func(entry map[string]any) string
}{
	{"externalIds", byExternalID, member("externalId")},
	{"emails", byEmail, member("email")},
	{"phones", byPhone, member("phone")},
	{"whatsapps", byWhatsapp, member("phone")},
	{"socials", bySocial, func(entry map[string]any) string {
		return stub.ScalarText(entry["type"]) + ":" + stub.ScalarText(entry["username"])
	}},
}

func member(name string) func(map[string]any) string {
	return func(entry map[string]any) string { return stub.ScalarText(entry[name]) }
}

// valuesOf lists a customer's unique values: externalId first, then those of the lists.
func valuesOf(attributes map[string]any) []key {
	var keys []key
	if id := stub.ScalarText(attributes["externalId"]); id != "" {
		keys = append(keys, keyOf(byExternalID, id))
	}
	for _, list := range uniqueLists {
		entries, _ := attributes[list.name].([]any)
		for _, e := range entries {
			entry, _ := e.(map[string]any)
			keys = append(keys, keyOf(list.field, list.value(entry)))
		}
	}
	return keys
}

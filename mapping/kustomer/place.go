package kustomer

import (
	"strings"

	"github.com/deskstream/deskstream/mapping"
)

// addressParts are the parts of an address in the order in which they are joined, each
// with the names that RudderStack's specification, Shopify and Stripe have for it.
var addressParts = [][]string{
	{"street", "address1", "line1", "address"},
	{"address2", "line2"},
	{"city"},
	{"state", "province", "region"},
	{"postalCode", "zip", "postal_code"},
	{"country"},
}

// locations takes an address: text, or an object whose known parts are joined.
func locations(n *notes, label string, v mapping.Value) mapping.Value {
	address := mapping.Trim(v.Str())
	if v.Kind() == mapping.Object {
		address = joinedAddress(v)
	}
	if address == "" {
		n.leftOut(label, "it is neither text nor has it a part of an address that is known")
		return mapping.Value{}
	}
	return mapping.Arr(homeEntry("address")(prose(256)(n, label, mapping.Str(address))))
}

func joinedAddress(v mapping.Value) string {
	var words []string
	for _, names := range addressParts {
		for _, name := range names {
			if word := addressPart(v.Get(name)); word != "" {
				words = append(words, word)
				break
			}
		}
	}
	return strings.Join(words, " ")
}

// addressPart is the text of a part; a postal code may be a number.
func addressPart(v mapping.Value) string {
	if v.Kind() != mapping.String && v.Kind() != mapping.Number {
		return ""
	}
	if id, ok := v.ID(); ok {
		return mapping.Trim(id)
	}
	return v.Text()
}

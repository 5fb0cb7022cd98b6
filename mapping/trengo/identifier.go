package trengo

import (
	"strings"

	"github.com/deskstream/deskstream/mapping"
)

// Identifier is the kind of address by which a channel knows its contacts.
type Identifier string

// The kinds of identifier, as they are in the configuration.
const (
	Email Identifier = "email"
	Phone Identifier = "phone"
)

// Where the addresses are looked for, in this order (RudderStack's Trengo destination).
var (
	emailPaths = []string{"traits.email", "context.traits.email", "properties.email"}
	phonePaths = []string{"traits.phone", "context.traits.phone", "properties.phone"}
)

func (k Identifier) paths() []string {
	if k == Phone {
		return phonePaths
	}
	return emailPaths
}

// noun names an address of this kind in messages to people.
func (k Identifier) noun() string {
	if k == Phone {
		return "phone number"
	}
	return "e-mail address"
}

// plain returns the address that text holds in the form in which it is searched and
// created, "" if there is none.
func (k Identifier) plain(text string) string {
	if k == Phone {
		number, ok := mapping.PhoneNumber(text)
		if !ok {
			return ""
		}
		return mapping.International(number)
	}
	address, _ := mapping.EmailAddress(text)
	return address
}

// Normal returns the form in which two spellings of one identifier are equal, an e-mail
// address trimmed and case-folded, a phone number's digits. It is "" for what is no
// identifier of this kind: that equals nothing, itself included.
func (k Identifier) Normal(identifier string) string {
	if k == Phone {
		return mapping.PhoneDigits(identifier)
	}
	if k.plain(identifier) == "" {
		return ""
	}
	return mapping.EmailKey(identifier)
}

// identifier returns the event's first usable address of the kind, "" if it has none.
// What comes before it and is no address is left out with a warning.
func (r *reader) identifier(kind Identifier) string {
	for _, path := range r.own(kind.paths()) {
		v := r.get(path)
		if v.Kind() == mapping.Array {
			if address := r.listed(kind, path, v); address != "" {
				return address
			}
			continue
		}
		address := r.address(kind, v)
		switch {
		case address == "" && !isNothing(v):
			r.warn(path + " is no " + kind.noun() + " and was left out")
		case address != "" && v.Kind() == mapping.Number:
			r.warn(path + " is a number and goes out as text")
		}
		if address != "" {
			return address
		}
	}
	return ""
}

// listed returns the first usable address of a list. It warns once, however many of its
// elements are none.
func (r *reader) listed(kind Identifier, path string, list mapping.Value) (address string) {
	leftOut := false
	for _, m := range list.Members() {
		if address = r.address(kind, m.Value); address != "" {
			break
		}
		leftOut = leftOut || !isNothing(m.Value)
	}
	if leftOut {
		r.warn("what is no " + kind.noun() + " in the list " + path + " was left out")
	}
	return address
}

// address returns the address that v is, "" if it is none. A number below zero, and one
// with a fraction, is no phone number.
func (r *reader) address(kind Identifier, v mapping.Value) string {
	text, ok := v.ID()
	if !ok || r.event.IsNoID(v) || v.Kind() == mapping.Number && strings.HasPrefix(text, "-") {
		return ""
	}
	return kind.plain(text)
}

// isNothing reports whether v is how senders write that they have no value: nothing, a
// blank text or 0. That needs no warning.
func isNothing(v mapping.Value) bool {
	return !v.Exists() || isBlank(v) || v.IsZeroNumber()
}

package trengo

import (
	"errors"
	"strings"
	"unicode"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/trengo"
	"github.com/deskstream/deskstream/sink"
)

// The ways in which the answer to a search is malformed.
var (
	errNoList   = errors.New("its body holds no list of contacts")
	errNoObject = errors.New("its list holds something that is no contact")
	errNoID     = errors.New("a contact that fits has no id")
)

// hit is a contact that a search for this very event found; only then is there a name.
type hit struct{ id, name string }

// acceptHits is a Call's Accept for a search for c.
func acceptHits(c trengo.Contact) func(sink.Reply) error {
	return func(r sink.Reply) error {
		_, err := matches(r.JSON(), c)
		return err
	}
}

// matches gives the contacts of a search's answer whose identifier, e-mail address
// or phone number is that of c: Trengo also finds what merely resembles the term.
func matches(body mapping.Value, c trengo.Contact) ([]mapping.Value, error) {
	list := body.Get("data")
	if list.Kind() != mapping.Array {
		return nil, errNoList
	}
	var found []mapping.Value
	for _, m := range list.Members() {
		if m.Value.Kind() != mapping.Object {
			return nil, errNoObject
		}
		if !isAt(m.Value, c) {
			continue
		}
		if contactID(m.Value) == "" {
			return nil, errNoID
		}
		found = append(found, m.Value)
	}
	return found, nil
}

func isAt(found mapping.Value, c trengo.Contact) bool {
	want := c.Kind.Normal(c.Identifier)
	for _, field := range []string{"identifier", "email", "phone"} {
		if want != "" && c.Kind.Normal(scalar(found.Get(field))) == want {
			return true
		}
	}
	return false
}

// choose gives the one contact to use: of several, the one in the target channel.
// Error: ambiguous_contact.
func choose(found []mapping.Value, channel mapping.Value) (hit, error) {
	if len(found) > 1 {
		var inChannel []mapping.Value
		for _, f := range found {
			if isIn(f, channel) {
				inChannel = append(inChannel, f)
			}
		}
		if len(inChannel) != 1 {
			return hit{}, sink.NotFound(sink.AmbiguousContact, "several contacts have the event's address, and not exactly one of them is in the channel")
		}
		found = inChannel
	}
	return hit{id: contactID(found[0]), name: found[0].Get("name").Str()}, nil
}

func isIn(found, channel mapping.Value) bool {
	for _, m := range found.Get("channels").Members() {
		if id := scalar(m.Value.Get("id")); id != "" && id == channel.Text() {
			return true
		}
	}
	return false
}

// contactID is the id of a contact or ticket with all its digits, "" if it has none.
// Trengo's ids are positive integers; a text that can be one of a path is taken too.
func contactID(v mapping.Value) string {
	id := v.Get("id")
	text := scalar(id)
	if id.Kind() == mapping.Number && strings.Trim(text, "0123456789") != "" {
		return ""
	}
	if strings.Trim(text, "0") == "" || strings.ContainsAny(text, `/\`) || strings.ContainsFunc(text, unicode.IsControl) || text == "." || text == ".." {
		return ""
	}
	return text
}

// idValue is an id as it stands in a body: a number when it is one.
func idValue(id string) mapping.Value {
	if strings.Trim(id, "0123456789") == "" && !strings.HasPrefix(id, "0") {
		return mapping.Num(id)
	}
	return mapping.Str(id)
}

// scalar is the text of a text or a number, "" of anything else.
func scalar(v mapping.Value) string {
	if v.Kind() != mapping.String && v.Kind() != mapping.Number {
		return ""
	}
	return v.Text()
}

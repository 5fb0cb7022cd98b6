package trengo

import (
	"errors"
	"slices"
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
	address := c.Kind.Normal(c.Identifier)
	var found []mapping.Value
	for _, m := range list.Members() {
		if m.Value.Kind() != mapping.Object {
			return nil, errNoObject
		}
		if !isAt(m.Value, c, address) {
			continue
		}
		if contactID(m.Value) == "" {
			return nil, errNoID
		}
		found = append(found, m.Value)
	}
	return found, nil
}

// isAt reports whether a contact of Trengo's has the address of c, given in its normal
// form, which is not empty: as e-mail address, phone number, or as what its own channel
// knows it by.
func isAt(found mapping.Value, c trengo.Contact, address string) bool {
	has := func(field string) bool { return c.Kind.Normal(scalar(found.Get(field))) == address }
	return has("email") || has("phone") || has("identifier") && (c.Kind != trengo.Phone || isPhoneContact(found, c.Channel))
}

// ownIdentifiers are the types of channels that know their contacts by ids of their own,
// or by e-mail address: what looks like a number there is no phone number.
var ownIdentifiers = []string{"EMAIL", "CHAT", "TELEGRAM", "FACEBOOK", "INSTAGRAM", "CUSTOM"}

// isPhoneContact reports whether the identifier of a contact may be a phone number. The
// owner says so of the target channel; of the others the channels' types say it, else
// is_phone does.
func isPhoneContact(found, target mapping.Value) bool {
	own := false
	for _, m := range found.Get("channels").Members() {
		typ := m.Value.Get("type").Str()
		if isChannel(m.Value, target) || typ != "" && !slices.Contains(ownIdentifiers, typ) {
			return true
		}
		own = own || typ != ""
	}
	says := found.Get("is_phone")
	return !own && (!says.Exists() || says.IsTrue() || says.Kind() == mapping.Number && !says.IsZeroNumber())
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
		if isChannel(m.Value, channel) {
			return true
		}
	}
	return false
}

// isChannel reports whether a channel of a contact's is the one with the id.
func isChannel(v, id mapping.Value) bool {
	shown := scalar(v.Get("id"))
	return shown != "" && shown == id.Text()
}

// contactID is the id of a contact or ticket with all its digits, "" if it has none.
// Trengo's ids are positive integers; a text that can be one of a path is taken too.
func contactID(v mapping.Value) string { return idOf(v.Get("id")) }

// idOf is an id that an answer shows, "" for none that can stand in a path.
func idOf(id mapping.Value) string {
	text := scalar(id)
	if id.Kind() == mapping.Number && strings.Trim(text, "0123456789") != "" {
		return ""
	}
	if len(text) > sink.MaxID || strings.Trim(text, "0") == "" || strings.ContainsAny(text, `/\`) || strings.ContainsFunc(text, unicode.IsControl) || text == "." || text == ".." {
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

// scalar is the text of a text or a whole number, "" of anything else.
func scalar(v mapping.Value) string {
	text, _ := v.ID()
	return text
}

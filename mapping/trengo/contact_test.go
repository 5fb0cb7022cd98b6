package trengo_test

import (
	"testing"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/trengo"
)

// The traits of a group event are the group's: its address is nobody's contact.
func TestContact_isWhomAnEventOfAnyTypeIsAbout(t *testing.T) {
	const person = `"context":{"traits":{"email":"nora@example.com","name":"Nora"}}`
	m, err := trengo.New(trengo.Config{ChannelIdentifier: trengo.Email, ChannelID: "1"})
	if err != nil {
		t.Fatal(err)
	}
	for event, want := range map[string]struct{ address, name string }{
		`{"type":"identify","traits":{"email":"nora@example.com","name":"Nora"}}`:                 {"nora@example.com", "Nora"},
		`{"type":"track","event":"E","properties":{"email":"nora@example.com"}}`:                  {"nora@example.com", ""},
		`{"type":"group","traits":{"email":"info@acme.example","name":"Acme"},` + person + `}`:    {"nora@example.com", "Nora"},
		`{"type":"group","traits":{"email":"info@acme.example","firstName":"Acme"}}`:              {"", ""},
		`{"type":"alias","previousId":"a","userId":"b",` + person + `}`:                           {"nora@example.com", "Nora"},
		`{"type":"alias","previousId":"a","userId":"b"}`:                                          {"", ""},
		`{"type":"page","traits":{"email":"nora@example.com"},"context":{"traits":{"name":"N"}}}`: {"nora@example.com", "N"},
	} {
		ev, err := mapping.Decode([]byte(event))
		if err != nil {
			t.Fatal(err)
		}
		c, _, err := m.Contact(ev)
		if c.Identifier != want.address || c.Name != want.name || (err == nil) != (want.address != "") {
			t.Errorf("%s is about %q, %q, %v; want %q, %q", event, c.Identifier, c.Name, err, want.address, want.name)
		}
	}
}

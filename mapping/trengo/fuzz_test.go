package trengo_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/trengo"
)

// FuzzMap tries any event with any template: the answer is the same the second time,
// an error is the event's or a Skip, and each step can be carried out.
func FuzzMap(f *testing.F) {
	f.Add([]byte(`{"type":"track","event":"E","traits":{"email":"a@b","name":"A"},"properties":{"a":[1,{"b":null}]}}`), "{{a}} {{traits.name}}", true)
	f.Add([]byte(`{"type":"identify","traits":{"phone":31},"context":{"externalId":[{"type":"trengoChannelId","id":"../x"}]}}`), "", false)
	f.Fuzz(func(t *testing.T, data []byte, template string, email bool) {
		ev, err := mapping.Decode(data)
		if err != nil {
			return
		}
		c := trengo.Config{ChannelID: "1", ChannelIdentifier: trengo.Phone, Dedup: true, Templates: []trengo.EventTemplate{{Event: "E", Template: template}}}
		if email {
			c.ChannelIdentifier, c.CreateContact = trengo.Email, true
		}
		mapper, err := trengo.New(c)
		if err != nil {
			return
		}
		m, err := mapper.Map(ev)
		again, errAgain := mapper.Map(ev)
		if diff := cmp.Diff(resultOf(t, m, err), resultOf(t, again, errAgain), cmp.AllowUnexported(mapping.Value{})); diff != "" {
			t.Fatalf("Map differs the second time:\n%s", diff)
		}
		if _, skipped := errors.AsType[mapping.Skip](err); err != nil || skipped {
			return
		}
		for _, s := range m.Steps {
			checkStep(t, s)
		}
	})
}

func checkStep(t *testing.T, s trengo.Step) {
	t.Helper()
	var c trengo.Contact
	switch s := s.(type) {
	case trengo.SaveContact:
		c = s.Contact
	case trengo.OpenTicket:
		c = s.Contact
		if !utf8.ValidString(s.Subject) || len(s.Subject) > trengo.MaxSubject {
			t.Errorf("subject %.100q is no text or too long", s.Subject)
		}
	}
	if c.ID.Exists() == (c.Identifier != "") {
		t.Errorf("contact %v has both or neither of id and identifier", c)
	}
	for _, id := range []mapping.Value{c.ID, c.Channel} {
		if text := id.Text(); strings.ContainsAny(text, "/\\\n\x00") || text == ".." || text == "." {
			t.Errorf("id %q may not go into a path", text)
		}
	}
}

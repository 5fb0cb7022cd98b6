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
	f.Add([]byte(`{"type":"identify","traits":{"phone":["tel:0031(0)6-1234.0;ext=1",3.1e10],"name":"A\n B"},"properties":{"email":"A <a@b>, c@d"}}`), "", true)
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
			checkAddress(t, contactOf(s))
		}
	})
}

// FuzzMap_address tries any text as the address of an event.
func FuzzMap_address(f *testing.F) {
	for _, seed := range []string{"tel:0031 (0)6-1234.0;ext=1", "+31(0)", "3,1e8", "31612@c.us", "A \"b, c\" <a@b>, c@d", "+\u0663\u0661\u200b x12"} {
		f.Add(seed)
	}
	mappers := make(map[trengo.Identifier]*trengo.Mapper)
	for _, kind := range []trengo.Identifier{trengo.Email, trengo.Phone} {
		mappers[kind] = newMapper(f, trengo.Config{ChannelID: "1", ChannelIdentifier: kind})
	}
	f.Fuzz(func(t *testing.T, address string) {
		for kind, mapper := range mappers {
			traits := mapping.Obj(mapping.Member{Name: string(kind), Value: mapping.Str(address)})
			m, err := mapper.Map(mapping.Event{Type: "identify", Body: mapping.Obj(
				mapping.Member{Name: "type", Value: mapping.Str("identify")}, mapping.Member{Name: "traits", Value: traits},
			)})
			if err == nil {
				checkAddress(t, contactOf(m.Steps[0]))
			}
		}
	})
}

func contactOf(s trengo.Step) trengo.Contact {
	switch s := s.(type) {
	case trengo.SaveContact:
		return s.Contact
	case trengo.OpenTicket:
		return s.Contact
	default:
		return trengo.Contact{}
	}
}

func checkStep(t *testing.T, s trengo.Step) {
	t.Helper()
	c := contactOf(s)
	if s, ok := s.(trengo.OpenTicket); ok {
		if !utf8.ValidString(s.Subject) || len(s.Subject) > trengo.MaxSubject || s.Subject != mapping.OneLine(s.Subject) {
			t.Errorf("subject %.100q is no text, no line or too long", s.Subject)
		}
	}
	if c.ID.Exists() == (c.Identifier != "") {
		t.Errorf("contact %v has both or neither of id and identifier", c)
	}
	if c.Name != mapping.OneLine(c.Name) {
		t.Errorf("name %q is no line", c.Name)
	}
	for _, id := range []mapping.Value{c.ID, c.Channel} {
		if text := id.Text(); strings.ContainsAny(text, "/\\\n\x00") || text == ".." || text == "." {
			t.Errorf("id %q may not go into a path", text)
		}
		if id.Kind() == mapping.Number && strings.ContainsAny(id.Text(), ".eE") {
			t.Errorf("id %s is not written as a whole number", id.Text())
		}
	}
}

// checkAddress asks that an address can be compared, and that nothing is left around it.
func checkAddress(t *testing.T, c trengo.Contact) {
	t.Helper()
	if c.Identifier == "" {
		return
	}
	if c.Kind.Normal(c.Identifier) == "" {
		t.Errorf("%s %q has no normal form", c.Kind, c.Identifier)
	}
	if plain, _ := mapping.EmailAddress(c.Identifier); c.Kind == trengo.Email && plain != c.Identifier || mapping.OneLine(c.Identifier) != c.Identifier {
		t.Errorf("%s %q is not plain", c.Kind, c.Identifier)
	}
}

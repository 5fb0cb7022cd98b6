package trengo_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/mapping"
	mapped "github.com/deskstream/deskstream/mapping/trengo"
	"github.com/deskstream/deskstream/sink"
)

// FuzzCall tries any event and any answer to its searches: nothing in them changes
// the host, the shape of a path or the parameters of a query, and bodies are JSON.
func FuzzCall(f *testing.F) {
	f.Add([]byte(`{"type":"identify","traits":{"email":"a&page=9#x@b","name":"A"},"context":{"externalId":[{"type":"trengoChannelId","id":"a?b"}]}}`), []byte(`{"data":[]}`), false)
	f.Add([]byte(`{"type":"track","event":"E","traits":{"email":"a@b"}}`), []byte(`{"data":[{"id":"%2e%2e","email":"a@b"}]}`), false)
	f.Add([]byte(`{"type":"identify","traits":{"name":"A"},"context":{"externalId":[{"type":"trengoContactId","id":"@h:1 //x"}]}}`), []byte(``), false)
	f.Add([]byte(`{"type":"identify","traits":{"phone":"tel:0031(0)6 12&page=9#x","name":"A"}}`), []byte(`{"data":[{"id":7,"identifier":"+3161","channels":[{"id":1,"type":"CUSTOM"}]}]}`), true)
	mappers := make(map[bool]*mapped.Mapper)
	for phone, kind := range map[bool]mapped.Identifier{false: mapped.Email, true: mapped.Phone} {
		mapper, err := mapped.New(mapped.Config{
			ChannelID: "1", ChannelIdentifier: kind, Dedup: true, CreateContact: true,
			Templates: []mapped.EventTemplate{{Event: "E", Template: "{{traits}}"}},
		})
		if err != nil {
			f.Fatal(err)
		}
		mappers[phone] = mapper
	}
	f.Fuzz(func(t *testing.T, event, found []byte, phone bool) {
		ev, err := mapping.Decode(event)
		if err != nil {
			return
		}
		m, err := mappers[phone].Map(ev)
		if err != nil {
			return
		}
		do := script([]answer{{200, string(found)}}, []answer{{200, string(found)}}, []answer{{201, string(found)}})
		receipt, _ := send(t, newIDs(), do, m.Steps...)
		for _, call := range do.calls {
			checkCall(t, call, m)
		}
		for name := range receipt.IDs {
			if name != "contact_id" && name != "ticket_id" {
				t.Errorf("receipt has an id %q", name)
			}
		}
	})
}

func checkCall(t *testing.T, call sink.Call, m mapped.Message) {
	t.Helper()
	u, err := url.Parse("https://desk.example/api/v2" + call.Path + "?" + call.Query)
	if err != nil || u.Host != "desk.example" || u.User != nil || u.Fragment != "" {
		t.Fatalf("%s %q: %v, URL %v", call.Op, call.Path, err, u)
	}
	method, template, _ := strings.Cut(call.Op, " ")
	want, got := strings.Split(template, "/"), strings.Split(strings.TrimPrefix(u.EscapedPath(), "/api/v2"), "/")
	same := slices.EqualFunc(want, got, func(want, got string) bool {
		return want == got || want == "{id}" && got != "" && got != "." && got != ".."
	})
	if !same || call.Method != method || u.Path != u.JoinPath().Path {
		t.Errorf("call %s %q is not of the shape %q", call.Method, call.Path, call.Op)
	}
	if query := u.Query(); call.Lookup && (len(query) != 2 || len(query["page"]) != 1 || !slices.Equal(query["term"], []string{identifierOf(m)})) {
		t.Errorf("query = %q", call.Query)
	}
	if _, err := mapping.ParseObject([]byte(call.Body.JSON())); call.Body.Exists() && err != nil {
		t.Errorf("body %q: %v", call.Body.JSON(), err)
	}
}

func identifierOf(m mapped.Message) string {
	switch step := m.Steps[0].(type) {
	case mapped.SaveContact:
		return step.Identifier
	case mapped.OpenTicket:
		return step.Identifier
	}
	return ""
}

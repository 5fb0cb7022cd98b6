package trengo_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/rules"
	mapped "github.com/deskstream/deskstream/mapping/trengo"
	"github.com/deskstream/deskstream/sink/trengo"
)

// FuzzAct tries any text of a rule and any answers to its calls: they end, nothing in them changes
// the host or the shape of a path, and bodies are JSON.
func FuzzAct(f *testing.F) {
	f.Add("Billing", "a/../b", []byte(`{"data":[{"id":"%2e%2e","name":"Billing"}]}`), []byte(`{"id":"a?b"}`))
	f.Add("7", "<b>\n\x00", []byte(`{"data":[{"id":7,"status":"OPEN","contact_id":7,"channel_id":1}],"links":{"next":"x"}}`), []byte(`{"message":{"id":1}}`))
	f.Add("VIP", "t", []byte(`[{"id":9,"name":"VIP","archived":"no"}]`), []byte(``))
	f.Fuzz(func(t *testing.T, name, text string, list, made []byte) {
		if name == "" {
			return // a rule has none
		}
		named := []rules.Named{{Name: name, Value: text}}
		for _, open := range []rules.Opening{rules.OpenAlways, rules.OpenOnce, rules.OpenNever} {
			do := script([]answer{{200, string(list)}}, nil, []answer{{200, string(made)}})
			do.script["DELETE"] = do.script["POST"]
			_, _ = trengo.New(newIDs()).Act(t.Context(), do, trengo.Actions{
				Contact: mapped.Contact{ID: mapping.Int(7), Channel: mapping.Int(1)},
				Decision: rules.Decision{Actions: []rules.Action{
					rules.SaveContact{Fields: named},
					rules.NoteContact{Text: text},
					rules.UseTicket{Open: open, Subject: text, Channel: name},
					rules.Assign{Team: name, User: name},
					rules.Label{Names: []string{name}},
					rules.Label{Names: []string{name}, Off: true},
					rules.SetFields{Fields: named},
					rules.Note{Text: text},
					rules.Message{Text: text},
					rules.SetStatus{Closed: true, Result: name},
				}},
			})
			if len(do.calls) > 200 {
				t.Errorf("%d calls", len(do.calls))
			}
			for _, call := range do.calls {
				u, err := url.Parse("https://desk.example/api/v2" + call.Path + "?" + call.Query)
				if err != nil || u.Host != "desk.example" || u.User != nil || u.Fragment != "" {
					t.Fatalf("%s %q: %v, URL %v", call.Op, call.Path, err, u)
				}
				method, template, _ := strings.Cut(call.Op, " ")
				want, got := strings.Split(template, "/"), strings.Split(strings.TrimPrefix(u.EscapedPath(), "/api/v2"), "/")
				if method != call.Method || !slices.EqualFunc(want, got, func(want, got string) bool {
					return want == got || strings.HasPrefix(want, "{") && got != "" && got != "." && got != ".."
				}) {
					t.Errorf("call %s %q is not of the shape %q", call.Method, call.Path, call.Op)
				}
				if _, err := mapping.ParseObject([]byte(call.Body.JSON())); call.Body.Exists() && err != nil {
					t.Errorf("body %q: %v", call.Body.JSON(), err)
				}
			}
		}
	})
}

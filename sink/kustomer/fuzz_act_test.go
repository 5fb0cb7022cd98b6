package kustomer_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/mapping"
	mapper "github.com/deskstream/deskstream/mapping/kustomer"
	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/kustomer"
	"github.com/deskstream/deskstream/sink/sinktest"
)

// shaped reports whether a path has the shape of a template, whose braces stand for the rest of a
// segment.
func shaped(template, path string) bool {
	return slices.EqualFunc(strings.Split(template, "/"), strings.Split(path, "/"), func(want, got string) bool {
		prefix, _, open := strings.Cut(want, "{")
		rest, ok := strings.CutPrefix(got, prefix)
		return ok && (open && rest != "" && rest != "." && rest != ".." || rest == "")
	})
}

// FuzzAct tries any text of a rule and any answers to its calls: they end, nothing in them changes
// the host or the shape of a path, and bodies are JSON.
func FuzzAct(f *testing.F) {
	f.Add("Billing", "a/../b", 200, []byte(`{"data":[{"id":"..","attributes":{"name":"Billing","status":"open"}}],"links":{"next":"/v1/x?page=2"}}`))
	f.Add("7", "<b>\n\x00", 409, []byte(`{"data":{"id":"a?b","attributes":{"externalId":"7","title":7,"data":[],"rev":1}}}`))
	f.Add("order", "\\..\\", 404, []byte(`{"data":[{"id":"%2e%2e","attributes":{"name":"order"}},{"id":"%2e%2e"}],"links":{"next":"?%zz"}}`))
	f.Add("x", "t", 400, []byte(``))
	f.Fuzz(func(t *testing.T, name, text string, status int, body []byte) {
		if name == "" {
			return // a rule has none
		}
		named := []rules.Named{{Name: name, Value: text}, {Name: "sumNum", Value: text}, {Name: "aStr", Value: text}}
		for n, use := range []rules.UseTicket{
			{Open: rules.OpenAlways, Subject: text}, {Find: rules.ByNewest, Open: rules.OpenOnce}, {Find: rules.ByID, ID: text, Open: rules.OpenNever},
		} {
			var calls []sink.Call
			do := sinktest.DoerFunc(func(_ context.Context, call sink.Call) (sink.Reply, error) {
				calls = append(calls, call)
				reply := sink.Reply{Status: http.StatusOK, Body: body}
				if !call.Lookup && len(calls)%2 == n%2 {
					reply.Status = status
				}
				return judged(call, reply)
			})
			_, _ = kustomer.New(newIDs()).Act(t.Context(), do, kustomer.Actions{
				Person: mapper.Upsert{
					Lookups: []mapper.Lookup{{By: mapper.ByExternalID, Value: "u-1"}}, ExternalIDs: []string{"u-1"},
					Customer: mapping.Obj(mapping.Member{Name: "externalId", Value: mapping.Str("u-1")}),
				},
				Decision: rules.Decision{Rule: "r", Actions: []rules.Action{
					rules.SaveContact{Create: true, Fields: named},
					rules.JoinGroups{Names: []string{name}},
					rules.SetProfile{Name: name},
					rules.UpsertObject{Class: name, ID: text, Title: text, Data: named},
					use,
					rules.Assign{Team: name, User: text},
					rules.SetQueue{Name: name},
					rules.Label{Names: []string{name}},
					rules.Label{Names: []string{text}, Off: true},
					rules.SetFields{Fields: named},
					rules.Note{Text: text},
					rules.Message{Text: text, App: name, Channel: name},
					rules.SetStatus{Closed: true},
				}},
			})
			if len(calls) > 300 {
				t.Errorf("%d calls", len(calls))
			}
			for _, call := range calls {
				u, err := url.Parse("https://desk.example" + call.Path + "?" + call.Query)
				if err != nil || u.Host != "desk.example" || u.User != nil || u.Fragment != "" {
					t.Fatalf("%s %q: %v, URL %v", call.Op, call.Path, err, u)
				}
				if method, template, _ := strings.Cut(call.Op, " "); method != call.Method || !shaped(template, u.EscapedPath()) {
					t.Errorf("call %s %q is not of the shape %q", call.Method, call.Path, call.Op)
				}
				if _, err := mapping.ParseJSON([]byte(call.Body.JSON())); err != nil {
					t.Errorf("body %q: %v", call.Body.JSON(), err)
				}
			}
		}
	})
}

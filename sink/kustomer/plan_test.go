package kustomer_test

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
	"github.com/deskstream/deskstream/sink/sinktest"
)

// plans plans a decision about ada, or somebody unknown, and returns the calls.
func (s *deskScene) plans(mode sink.Plan, user string, d rules.Decision) (sink.Outcome, []string) {
	s.t.Helper()
	d.Rule = "r"
	rate := budget.Rate{Requests: 1_000_000, Per: time.Second}
	dest := sink.NewDestination(sink.Config{
		Name: "crm", BaseURL: "http://desk.example", Credential: sink.NewSecret("key-of-the-desk"), MaxInFlight: 4, Rate: rate,
		Timeout: 10 * time.Second, Version: "test", Transport: s.wire,
	}, budget.New(rate), slog.New(slog.DiscardHandler))
	defer dest.Close()
	s.ids = newIDs()
	o, err := s.route(d).Deliver(s.t.Context(), dest.PlanSession(s.t.Context(), mode, nil), []byte(strings.ReplaceAll(eventOf("track", ""), "ada", user)))
	if err != nil {
		s.t.Fatal(err)
	}
	calls := []string{}
	for _, c := range o.Calls {
		line := c.Method + " " + strings.TrimPrefix(c.URL, "http://desk.example/v1")
		if !c.Request.IsZero() {
			line += " " + c.Request.String()
		}
		calls = append(calls, strings.ReplaceAll(externalIDs(line), s.customer, "{A}"))
	}
	return o, calls
}

// A plan shows every step, with placeholders for what is not known before it is made.
func TestAct_isPlanned(t *testing.T) {
	d := everything
	d.Actions = append([]rules.Action(nil), d.Actions...)
	d.Actions[len(d.Actions)-1] = rules.SetStatus{Snooze: 24 * time.Hour}
	const customer, conversation = "%3Cid%20of%20the%20customer%3E", "%3Cid%20of%20the%20conversation%3E"
	rest := func(customer, team, tag string) []string {
		return []string{
			`GET /klasses/order/externalId=A-7`,
			`POST /customers/` + customer + `/klasses/order {"externalId":"A-7","title":"Order 7","data":{"sum":"7"}}`,
			`POST /customers/` + customer + `/conversations {"externalId":"{x}","name":"Payment failed","assignedTeams":["` + team + `"],"custom":{"invoiceStr":"I-7"},"tags":[` + tag + `]}`,
			`POST /conversations/` + conversation + `/notes {"externalId":"{x}","body":"Card declined"}`,
			`POST /conversations/` + conversation + `/messages {"externalId":"{x}","channel":"email","app":"shop","direction":"out","preview":"Sorry"}`,
			`PATCH /conversations/` + conversation + ` {"status":"snoozed","snooze":{"time":"<in 24h0m0s>","status":"scheduled"}}`,
		}
	}
	lists := []string{
		"GET /klasses?page=1&pageSize=100&status=enabled", "GET /teams", "GET /tags?deleted=false&page=1&pageSize=100",
	}
	onStub(t, "offline", func(s *deskScene) {
		o, calls := s.plans(sink.PlanOffline, "ada", d)
		want := append(append(lists[:3:3], "GET /customers/externalId=ada", "GET /companies?filter=Acme", `POST /companies {"externalId":"{x}","name":"Acme"}`,
			`POST /customers {"externalId":"ada","company":"<id of the company>","tags":["vip"],"custom":{"planStr":"pro"}}`),
			rest(customer, "<id of the team>", `"<id of the tag>"`)...)
		if diff := cmp.Diff(want, calls); diff != "" || o.Outcome != sink.Planned {
			s.t.Errorf("%s (-want +got):\n%s", verdictOf(o), diff)
		}
		if len(s.wire.calls) > 0 {
			s.t.Errorf("calls %q", s.wire.calls)
		}
	})
	onStub(t, "with lookups", func(s *deskScene) {
		o, calls := s.plans(sink.PlanWithLookup, "bob", d)
		billing, tag := "", ""
		for _, m := range s.call("GET", "/teams", "").Members() {
			if m.Value.Get("attributes", "name").Str() == "Billing" {
				billing = id(m.Value)
			}
		}
		for _, m := range s.call("GET", "/tags", "").Members() {
			if m.Value.Get("attributes", "name").Str() == "billing" {
				tag = id(m.Value)
			}
		}
		all := rest(customer, billing, `"`+tag+`"`)
		want := append(append(lists[:3:3], "GET /customers/externalId=bob", "GET /companies?filter=Acme",
			`POST /companies {"externalId":"{x}","name":"Acme"}`,
			`POST /customers {"externalId":"bob","company":"<id of the company>","tags":["vip"],"custom":{"planStr":"pro"}}`),
			append(append(all[:3:3], `POST /conversations/`+conversation+`/tags ["brand new"]`), all[3:]...)...)
		if diff := cmp.Diff(want, calls); diff != "" || verdictOf(o) != "planned" {
			s.t.Errorf("%s %+v (-want +got):\n%s", verdictOf(o), o.Error, diff)
		}
		if writes := s.wire.writes(); len(writes) > 0 {
			s.t.Errorf("writes %q", writes)
		}
	})
}

// Events of one customer that come together open one conversation, and make one company.
func TestAct_eventsOfOneCustomerTogether(t *testing.T) {
	onStub(t, "twenty", func(s *deskScene) {
		s.wire.takes = 10 * time.Millisecond
		var all sync.WaitGroup
		for n := range 20 {
			all.Go(func() {
				each := *s
				each.offset, each.ledger = n, &sinktest.Ledger{}
				o := each.does(rules.Decision{Actions: []rules.Action{
					rules.SetProfile{Name: "Acme"},
					rules.UseTicket{Find: rules.ByNewest, Open: rules.OpenOnce},
					rules.Note{Text: fmt.Sprint("Note ", n)},
				}})
				if verdictOf(o) != "delivered" {
					s.t.Errorf("%s: %+v", verdictOf(o), o.Error)
				}
			})
		}
		all.Wait()
		want := map[string]int{"customers": 1, "conversations": 1, "notes": 20, "companies": 1, "objects": 0}
		if diff := cmp.Diff(want, s.held()); diff != "" {
			s.t.Errorf("the desk holds (-want +got):\n%s", diff)
		}
	})
}

// What the event says stays data, within the limits of its place.
func TestAct_hostileValues(t *testing.T) {
	values := []string{
		"<script>alert(1)</script>", "a\nb\r\n\x00c", "../../v1/users", "x%2F..%2F", `"}],"status":"done`, strings.Repeat("é", 5000), "{{ name }}", "日本 語", "ds-", "?page=2&x=#",
	}
	for i, value := range values {
		onStub(t, fmt.Sprint(i), func(s *deskScene) {
			body := value
			if len(body) > rules.MaxBody {
				body = body[:rules.MaxBody]
			}
			o := s.does(rules.Decision{Actions: []rules.Action{
				rules.SaveContact{Fields: []rules.Named{{Name: "planStr", Value: value}, {Name: "sumNum", Value: value}, {Name: "whenAt", Value: value}}},
				rules.JoinGroups{Names: []string{value}},
				rules.UpsertObject{Class: "order", ID: "A-7", Title: value, Data: []rules.Named{{Name: value, Value: value}}},
				rules.UseTicket{Open: rules.OpenAlways, Subject: value},
				rules.Assign{Team: value, User: value},
				rules.Label{Names: []string{value}},
				rules.Label{Names: []string{value}, Off: true},
				rules.SetFields{Fields: []rules.Named{{Name: "invoiceStr", Value: value}}},
				rules.Note{Text: body},
			}})
			if verdictOf(o) != "delivered" {
				s.t.Fatalf("%s: %+v", verdictOf(o), o.Error)
			}
			notes := s.call("GET", "/conversations/"+o.IDs["conversation_id"]+"/notes", "")
			if got := notes.At(0).Get("attributes", "body").Str(); notes.Len() != 1 || got != strings.ToValidUTF8(body, "\uFFFD") && got != body {
				s.t.Errorf("%d notes, the first is %.60q", notes.Len(), got)
			}
			if s.conversation(o.IDs["conversation_id"]).Get("status").Str() != "open" {
				s.t.Error("the conversation has another status")
			}
		})
	}
}

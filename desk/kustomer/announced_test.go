package kustomer_test

import (
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/desk/kustomer"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
)

// What was announced by a rule that no longer asks for it is looked for by its externalId.
func TestRoute_looksForWhatTheRuleNoLongerAsksFor(t *testing.T) {
	server := httptest.NewServer(newStub())
	t.Cleanup(server.Close)
	s := settings(server.URL + stubkustomer.Path)
	rate := budget.Rate{Requests: 1_000_000, Per: time.Minute}
	d := sink.NewDestination(sink.Config{
		Name: "crm", BaseURL: s.Endpoint().URL, Credential: s.Credential().Secret, MaxInFlight: 4, Rate: rate, Timeout: 10 * time.Second,
		Alone: true, Version: "test", Retry: sink.Policy{MaxAttempts: 1, Initial: time.Millisecond, Max: time.Millisecond},
	}, budget.New(rate), slog.New(slog.DiscardHandler))
	t.Cleanup(d.Close)
	deliver := func(r rules.Rule, before *sink.Progress) sink.Outcome {
		t.Helper()
		compiled, err := rules.Compile([]rules.Rule{r})
		if err != nil {
			t.Fatal(err)
		}
		route, err := kustomer.Kind().Route(desk.Destination{Name: "crm", Rules: compiled}, s, sink.NewIDs(100, time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		pass, err := d.Gate().Enter(t.Context(), "l")
		if err != nil {
			t.Fatal(err)
		}
		session := d.Session(pass, sink.Stop{Soft: t.Context(), Hard: t.Context()})
		session.Inherited = before
		o, err := route.Deliver(t.Context(), session, []byte(refund))
		if err != nil || o.Outcome != sink.Delivered {
			t.Fatalf("outcome %s, %+v, %v", o.Outcome, o.Error, err)
		}
		return o
	}
	asks := rule("r", func(r *rules.Rule) {
		r.Contact.Create, r.Contact.Profile, r.Ticket.Note = true, "Acme", "Refund"
		r.Ticket.Message, r.Ticket.App, r.Ticket.MessageChannel = "Refunded", "gmail", "email"
	})
	first := deliver(asks, nil)
	asks.Contact.Profile, asks.Ticket = "", rules.Ticket{KeyTTL: time.Hour}
	asks.Contact.Fields = map[string]string{"planStr": "vip"}
	ids := map[string]string{"company": "company_id", "conversation": "conversation_id", "note": "note_id", "message": "message_id"}
	for step, id := range ids {
		mark := sink.Mark{"on": first.IDs["conversation_id"]}
		for _, c := range first.Calls {
			if path := strings.TrimPrefix(c.URL, s.Endpoint().URL); !c.Lookup && strings.HasSuffix(path, "/"+map[string]string{"company": "companies"}[step]) || strings.HasSuffix(path, "/"+step+"s") {
				request, err := mapping.ParseJSON([]byte(c.Request.String()))
				if err != nil {
					t.Fatal(err)
				}
				mark["external_id"] = request.Get("externalId").Str()
			}
		}
		for what, external := range map[string]string{"adopted": mark["external_id"], "nothing": "ds-of-nothing"} {
			asked := sink.Mark{"on": mark["on"], "external_id": external}
			asks.Contact.Fields["planStr"] += "+"
			o := deliver(asks, &sink.Progress{Rule: "r", RuleHash: "as it was", Next: &sink.Announcement{
				Step: step, Mark: asked, At: sink.Time{Time: time.Now().Add(-time.Hour)},
			}})
			got := "nothing"
			for _, i := range o.Steps {
				if i.Name == step {
					got = string(i.State)
				}
			}
			if got != what || len(o.Warnings) != 1 || what == "adopted" && o.IDs[id] != first.IDs[id] {
				t.Errorf("%s of %q: %s, ids %v, warnings %q; want %s, %s", step, external, got, o.IDs, o.Warnings, what, first.IDs[id])
			}
		}
	}
}

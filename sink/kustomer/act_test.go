package kustomer_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/sink"
)

var failedPayment = rules.Decision{Actions: []rules.Action{
	rules.UseTicket{Open: rules.OpenAlways, Subject: "Payment failed"},
	rules.Assign{Team: "Billing"},
	rules.Label{Names: []string{"billing"}},
	rules.SetFields{Fields: []rules.Named{{Name: "invoiceStr", Value: "I-7"}}},
	rules.Note{Text: "Card declined"},
}}

const opened = `POST /customers/{A}/conversations {"externalId":"{x}","name":"Payment failed","assignedTeams":["{Billing}"],"custom":{"invoiceStr":"I-7"},"tags":["{billing}"]}`

func TestAct_carriesOutARule(t *testing.T) {
	onStub(t, "with warm caches", func(s *deskScene) {
		s.warm()
		o := s.does(failedPayment)
		conversation := o.IDs["conversation_id"]
		s.same(conversation, opened, `POST /conversations/{T}/notes {"externalId":"{x}","body":"Card declined"}`)
		if diff := cmp.Diff([]string{"conversation done", "note done"}, stepsOf(o)); diff != "" {
			t.Errorf("steps (-want +got):\n%s", diff)
		}
		if o.IDs["customer_id"] != s.customer || o.IDs["note_id"] == "" {
			t.Errorf("ids %v", o.IDs)
		}
	})
	onStub(t, "with cold ones", func(s *deskScene) {
		o := s.does(failedPayment)
		s.same(o.IDs["conversation_id"],
			"GET /teams", "GET /tags?deleted=false&page=1&pageSize=100", "GET /customers/externalId=ada",
			opened, `POST /conversations/{T}/notes {"externalId":"{x}","body":"Card declined"}`,
		)
	})
	onStub(t, "a paid one", func(s *deskScene) {
		s.warm()
		conversation := s.open()
		o := s.does(rules.Decision{Actions: []rules.Action{rules.UseTicket{Find: rules.ByNewest, Open: rules.OpenNever}, rules.SetStatus{Closed: true}}})
		s.same(conversation, "GET /customers/{A}/conversations?page=1&pageSize=100", `PATCH /conversations/{T} {"status":"done"}`)
		if got := s.conversation(conversation).Get("status").Str(); got != "done" || o.Outcome != sink.Delivered {
			t.Errorf("%s, and the conversation is %s", verdictOf(o), got)
		}
	})
	onStub(t, "all that a conversation takes", func(s *deskScene) {
		s.warm()
		conversation := s.open()
		s.call("POST", "/conversations/"+conversation+"/tags", `["urgent","agents"]`)
		o := s.does(rules.Decision{Actions: []rules.Action{
			rules.UseTicket{Find: rules.ByNewest, Open: rules.OpenOnce},
			rules.Assign{Team: "Billing", User: "Noor de Vries"},
			rules.SetQueue{Name: "Deliveries"},
			rules.SetUrgency{Level: 5},
			rules.Label{Names: []string{"vip", "brand new"}},
			rules.Label{Names: []string{"urgent"}, Off: true},
			rules.SetFields{Fields: []rules.Named{{Name: "sumNum", Value: "7.5"}}},
			rules.Note{Text: "Look"},
			rules.Message{Text: "We look", App: "shop", Channel: "email"},
			rules.SetStatus{Snooze: 86400e9},
		}})
		s.same(conversation,
			"GET /customers/{A}/conversations?page=1&pageSize=100",
			`PATCH /conversations/{T} {"assignedTeams":["{Billing}"],"assignedUsers":["{Noor de Vries}"],"queue":{"id":"{Deliveries}"},"priority":5,"custom":{"sumNum":7.5}}`,
			`POST /conversations/{T}/tags ["{vip}","brand new"]`,
			`DELETE /conversations/{T}/tags ["{urgent}"]`,
			`POST /conversations/{T}/notes {"externalId":"{x}","body":"Look"}`,
			`POST /conversations/{T}/messages {"externalId":"{x}","channel":"email","app":"shop","direction":"out","preview":"We look"}`,
			`PATCH /conversations/{T} {"status":"snoozed","snooze":{"time":"2000-01-02T00:00:01.000Z","status":"scheduled"}}`,
		)
		if got := s.conversation(conversation).Get("tags").Len(); got != 3 || verdictOf(o) != "delivered" {
			t.Errorf("%s with %d tags, want the agents' beside two new ones", verdictOf(o), got)
		}
	})
}

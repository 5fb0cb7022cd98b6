package trengo_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/rules"
	mapped "github.com/deskstream/deskstream/mapping/trengo"
	"github.com/deskstream/deskstream/sink/trengo"
)

var bob = mapped.Contact{Kind: mapped.Email, Identifier: "bob@example.test", Channel: mapping.Str("123456")}

// What an answer for the event has just shown needs no call.
func TestAct_whatALookShowsNeedsNoCall(t *testing.T) {
	newest := rules.UseTicket{Find: rules.ByNewest, Open: rules.OpenNever}
	onStub(t, "labels of the ticket", func(s *scene) {
		ticket := s.open()
		s.warm()
		s.call("POST", "/tickets/"+ticket+"/labels", `{"label_id":4001}`)
		o := s.does(actions(newest,
			rules.Label{Names: []string{"4001", "4002"}}, rules.Label{Names: []string{"4001", "4003"}, Off: true}, rules.Label{Names: []string{"4001"}},
		))
		s.same(ticket, "GET /tickets?contact_id={C}&page=1", `POST /tickets/{T}/labels {"label_id":4002}`,
			"DELETE /tickets/{T}/labels/4001", `POST /tickets/{T}/labels {"label_id":4001}`)
		if diff := cmp.Diff([]string{
			"ticket skipped", "label:4001 skipped", "label:4002 done", "unlabel:4001 done", "unlabel:4003 skipped",
		}, slices.DeleteFunc(stepsOf(o), func(step string) bool { return step == "label:4001 done" })); diff != "" {
			s.t.Errorf("steps (-want +got):\n%s", diff)
		}
	})
	onStub(t, "a label that is named twice", func(s *scene) {
		s.warm()
		o := s.does(actions(rules.UseTicket{Open: rules.OpenAlways}, rules.Label{Names: []string{"billing", "4001", "billing"}}))
		s.same(o.IDs["ticket_id"], `POST /tickets {"contact_id":{C},"channel_id":"123456"}`, `POST /tickets/{T}/labels {"label_id":4001}`)
	})
	onStub(t, "groups of a contact that was just created", func(s *scene) {
		s.warm()
		o := s.doesTo(bob, rules.SaveContact{Create: true}, rules.JoinGroups{Names: []string{"7001"}}, rules.SetProfile{Name: "Acme"})
		s.contact = o.IDs["contact_id"]
		want := []string{
			"GET /contacts?page=1&term=bob%40example.test", `POST /channels/123456/contacts {"identifier":"bob@example.test","channel_id":"123456"}`,
			`PUT /contacts/{C} {"contact_group_ids":[7001]}`, "GET /profiles?page=1&term=Acme", `POST /profiles {"name":"Acme"}`,
		}
		s.wire.calls = slices.DeleteFunc(s.wire.calls, func(call string) bool { return strings.HasSuffix(call, `"type":"EMAIL"}`) })
		s.same("", want...)
	})
	onStub(t, "unless another event has changed them", func(s *scene) {
		s.warm()
		s.wire.takes = 10 * time.Millisecond
		fields := []rules.Named{{Name: "5001", Value: "a"}, {Name: "5003", Value: "b"}, {Name: "5004", Value: "c"}}
		var both sync.WaitGroup
		both.Go(func() {
			s.doesTo(bob, rules.SaveContact{Create: true, Fields: fields}, rules.JoinGroups{Names: []string{"7001"}})
		})
		both.Go(func() {
			time.Sleep(time.Millisecond) // so that the other one makes the contact
			s.doesTo(bob, rules.SaveContact{Create: true}, rules.JoinGroups{Names: []string{"7002"}})
		})
		both.Wait()
		s.contact = s.doesTo(bob, rules.SaveContact{Create: true}).IDs["contact_id"]
		if got := s.call("GET", "/contacts/"+s.contact, "").Get("groups").Len(); got != 2 {
			s.t.Errorf("%d groups, want those of both events: %q", got, s.wire.calls)
		}
	})
}

// Where the rule creates the contact, what the destination does without rules creates it.
func TestAct_theDefaultPartCreatesTheContactOfTheRule(t *testing.T) {
	for create, want := range map[bool]string{true: "delivered", false: "dead invalid contact_not_found"} {
		onStub(t, want, func(s *scene) {
			o, err := s.acts(s.t.Context(), nil, trengo.Actions{
				Contact:  bob,
				Default:  mapped.Message{Steps: []mapped.Step{mapped.OpenTicket{Contact: bob, Subject: "Hello"}}},
				Decision: rules.Decision{Default: true, Actions: []rules.Action{rules.SaveContact{Create: create}, rules.UseTicket{Open: rules.OpenOnce}, rules.Note{Text: "x"}}},
			})
			if err != nil || verdictOf(o) != want {
				s.t.Errorf("%s, %v, want %s", verdictOf(o), err, want)
			}
		})
	}
}

// An outcome names what was sent.
func TestAct_theIDsOfWhatIsSent(t *testing.T) {
	onStub(t, "a template in the ticket", func(s *scene) {
		o := s.doesTo(grace, rules.SaveContact{Create: true}, rules.UseTicket{Open: rules.OpenOnce}, rules.Message{Template: &rules.Approved{ID: "81"}})
		if o.IDs["message_id"] == "" || o.IDs["ticket_id"] == "" {
			s.t.Errorf("ids %v", o.IDs)
		}
	})
	onStub(t, "a template without one", func(s *scene) {
		o := s.doesTo(grace, rules.SendMessage{Template: &rules.Approved{ID: "81"}})
		tickets := s.server.Desk(stubtrengo.Name).Tickets()
		if o.IDs["sent_message_id"] == "" || o.IDs["sent_ticket_id"] != tickets[len(tickets)-1].ID {
			s.t.Errorf("ids %v, want those of a message in %+v", o.IDs, tickets)
		}
	})
	onStub(t, "a message whose answer says nothing", func(s *scene) {
		if o := s.doesTo(bob, rules.SendMessage{Text: "Hello"}); verdictOf(o) != "delivered" || len(o.IDs) != 0 {
			s.t.Errorf("%s with the ids %v", verdictOf(o), o.IDs)
		}
	})
}

// Names that are left out cost nothing where nothing else is asked for.
func TestAct_onlyNamesThatAreLeftOut(t *testing.T) {
	onStub(t, "", func(s *scene) {
		o := s.does(actions(rules.JoinGroups{Names: []string{"No group"}}))
		if diff := cmp.Diff([]string{"groups skipped"}, stepsOf(o)); diff != "" || verdictOf(o) != "skipped nothing_to_update" || len(o.Warnings) != 1 {
			s.t.Errorf("%s, warnings %q, steps (-want +got):\n%s", verdictOf(o), o.Warnings, diff)
		}
		for _, call := range s.wire.calls {
			if !strings.HasPrefix(call, "GET /contact_groups") {
				s.t.Errorf("call %s", call)
			}
		}
	})
}

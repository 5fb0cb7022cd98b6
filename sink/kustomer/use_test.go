package kustomer_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/sink"
)

func TestAct_usesAConversation(t *testing.T) {
	urgent := rules.SetUrgency{Level: 5}
	newest := func(open rules.Opening) rules.UseTicket { return rules.UseTicket{Find: rules.ByNewest, Open: open} }
	never := newest(rules.OpenNever)
	tests := map[string]struct {
		use     rules.UseTicket
		there   func(s *deskScene) string // the conversation that is to be used, "" for a new one
		outcome string
		steps   []string
	}{
		"the newest open one": {newest(rules.OpenOnce), func(s *deskScene) string {
			s.open()
			conversation := s.open()
			s.call("PATCH", "/conversations/"+s.open(), `{"status":"done"}`)
			return conversation
		}, "delivered", []string{"conversation skipped", "update done"}},
		"the newest of many pages": {never, func(s *deskScene) string {
			for range 119 {
				s.open()
			}
			return s.open()
		}, "delivered", []string{"conversation skipped", "update done"}},
		"one that is snoozed": {never, func(s *deskScene) string {
			conversation := s.open()
			s.call("PATCH", "/conversations/"+conversation, `{"status":"snoozed"}`)
			return conversation
		}, "delivered", []string{"conversation skipped", "update done"}},
		"none that is done": {newest(rules.OpenOnce), func(s *deskScene) string {
			s.call("PATCH", "/conversations/"+s.open(), `{"status":"done"}`)
			return ""
		}, "delivered", []string{"conversation done"}},
		"always a new one": {newest(rules.OpenAlways), func(s *deskScene) string { s.open(); return "" }, "delivered", []string{"conversation done"}},
		"never a new one":  {never, func(*deskScene) string { return "" }, "skipped ticket_not_found", []string{"conversation skipped"}},
		"never, but there": {never, (*deskScene).open, "delivered", []string{"conversation skipped", "update done"}},
		"that of an id": {rules.UseTicket{Find: rules.ByID, Open: rules.OpenNever}, func(s *deskScene) string {
			conversation := s.open()
			s.open()
			s.call("PATCH", "/conversations/"+conversation, `{"status":"done"}`)
			return conversation
		}, "delivered", []string{"conversation skipped", "update done"}},
		"that of an id of another customer": {rules.UseTicket{Find: rules.ByID, Open: rules.OpenNever}, func(s *deskScene) string {
			bob := id(s.call("POST", "/customers", `{"externalId":"bob"}`))
			return id(s.call("POST", "/customers/"+bob+"/conversations", `{}`))
		}, "skipped ticket_not_found", []string{"conversation skipped"}},
		"that of an id that is gone": {
			rules.UseTicket{Find: rules.ByID, Open: rules.OpenNever, ID: "5f0000000000000000000000"},
			func(*deskScene) string { return "" },
			"skipped ticket_not_found",
			[]string{"conversation skipped"},
		},
		"that of an id that leads elsewhere": {
			rules.UseTicket{Find: rules.ByID, Open: rules.OpenNever, ID: "../customers"},
			func(*deskScene) string { return "" },
			"dead invalid invalid_id", nil,
		},
		"one that goes": {never, func(s *deskScene) string {
			target, source := s.open(), s.open()
			s.wire.before = func(call string) fate {
				if strings.Contains(call, "/conversations/"+source) {
					s.call("PATCH", "/conversations/"+source, `{"status":"done"}`) // it is merged
					return refused(404)
				}
				return fate{}
			}
			return target
		}, "delivered", []string{"conversation skipped", "conversation:again skipped", "update done"}},
		"one that goes without another": {newest(rules.OpenOnce), func(s *deskScene) string {
			source := s.open()
			s.wire.before = func(call string) fate {
				if strings.Contains(call, "/conversations/"+source) {
					s.call("PATCH", "/conversations/"+source, `{"status":"done"}`)
					return refused(404)
				}
				return fate{}
			}
			return ""
		}, "delivered", []string{"conversation skipped", "conversation:again done"}},
		"one of which a list lags": {newest(rules.OpenOnce), func(s *deskScene) string {
			conversation := s.does(rules.Decision{Actions: []rules.Action{newest(rules.OpenAlways)}}).IDs["conversation_id"]
			s.offset++
			s.ledger.Last = nil
			s.wire.before = func(call string) fate {
				if strings.Contains(call, "/conversations?page") {
					return fate{status: 200, body: `{"data":[],"links":{"next":null}}`}
				}
				return fate{}
			}
			return conversation
		}, "delivered", []string{"conversation skipped", "update done"}},
	}
	for name, tt := range tests {
		onStub(t, name, func(s *deskScene) {
			want := tt.there(s)
			if tt.use.Find == rules.ByID && tt.use.ID == "" {
				tt.use.ID = want
			}
			known := len(s.server.Desk(stubkustomer.Name).Tickets())
			o := s.does(rules.Decision{Actions: []rules.Action{tt.use, urgent}})
			if got := verdictOf(o); got != tt.outcome {
				s.t.Fatalf("%s, want %s: %+v", got, tt.outcome, o.Error)
			}
			if diff := cmp.Diff(tt.steps, stepsOf(o)); diff != "" {
				s.t.Errorf("steps (-want +got):\n%s", diff)
			}
			if o.Outcome != sink.Delivered {
				if writes := s.wire.writes(); len(writes) > 0 {
					s.t.Errorf("writes %q", writes)
				}
				return
			}
			used := o.IDs["conversation_id"]
			if made := s.server.Desk(stubkustomer.Name).Tickets()[known:]; want != "" && used != want || want == "" && (len(made) == 0 || made[len(made)-1].ID != used) {
				s.t.Errorf("conversation %s, want %q", used, want)
			}
			if s.conversation(used).Get("priority").Text() != "5" {
				s.t.Error("the conversation has another priority")
			}
		})
	}
}

func TestAct_statuses(t *testing.T) {
	closed, open, snoozed := rules.SetStatus{Closed: true}, rules.SetStatus{}, rules.SetStatus{Snooze: time.Hour}
	tests := map[string]struct {
		status rules.SetStatus
		before string // "" for a new conversation
		noted  bool
		writes int // beside the note
		steps  []string
		after  string
	}{
		"a new one is done":           {closed, "", false, 1, []string{"conversation done", "status skipped"}, "done"},
		"a new one is done at last":   {closed, "", true, 2, []string{"conversation done", "note done", "status done"}, "done"},
		"a new one is open":           {open, "", false, 1, []string{"conversation done", "status skipped"}, "open"},
		"a new one is snoozed":        {snoozed, "", false, 2, []string{"conversation done", "status done"}, "snoozed"},
		"an open one is done":         {closed, "open", false, 1, []string{"conversation skipped", "update done"}, "done"},
		"an open one is open":         {open, "open", false, 0, []string{"conversation skipped", "status skipped"}, "open"},
		"a done one is opened":        {open, "done", false, 1, []string{"conversation skipped", "update done"}, "open"},
		"a done one is noted, and so": {closed, "done", true, 0, []string{"conversation skipped", "note done", "status skipped"}, "done"},
		"a snoozed one is snoozed":    {snoozed, "snoozed", false, 1, []string{"conversation skipped", "update done"}, "snoozed"},
	}
	for name, tt := range tests {
		onStub(t, name, func(s *deskScene) {
			use := rules.UseTicket{Open: rules.OpenAlways}
			if tt.before != "" {
				use = rules.UseTicket{Find: rules.ByID, Open: rules.OpenNever, ID: s.open()}
				s.call("PATCH", "/conversations/"+use.ID, `{"status":"`+tt.before+`"}`)
			}
			actions := []rules.Action{use}
			writes := tt.writes
			if tt.noted {
				actions, writes = append(actions, rules.Note{Text: "Look"}), writes+1
			}
			o := s.does(rules.Decision{Actions: append(actions, tt.status)})
			if diff := cmp.Diff(tt.steps, stepsOf(o)); diff != "" {
				s.t.Errorf("steps (-want +got):\n%s", diff)
			}
			if got := s.wire.writes(); len(got) != writes {
				s.t.Errorf("writes %q, want %d", got, writes)
			}
			if got := s.conversation(o.IDs["conversation_id"]).Get("status").Str(); got != tt.after {
				s.t.Errorf("the conversation is %s, want %s", got, tt.after)
			}
		})
	}
}

// What is so already is done, although the desk refuses it.
func TestAct_aRefusalOfWhatIsSo(t *testing.T) {
	for name, tt := range map[string]struct {
		action rules.Action
		change string // of the conversation, a moment before
		part   string // of the call that is refused
		step   string
	}{
		"a status": {rules.SetStatus{Closed: true}, "", "PATCH", "update done"},
		"a team":   {rules.Assign{Team: "Billing"}, "", "PATCH", "update done"},
		"a tag":    {rules.Label{Names: []string{"vip"}}, `["vip"]`, "POST", "labels done"},
		"no tag":   {rules.Label{Names: []string{"vip"}, Off: true}, `["vip"]`, "DELETE", "remove_labels done"},
	} {
		for _, status := range []int{400, 409, 422} {
			onStub(t, name, func(s *deskScene) {
				conversation := s.open()
				if tt.part == "DELETE" {
					s.call("POST", "/conversations/"+conversation+"/tags", tt.change)
				}
				s.wire.before = func(call string) fate {
					if strings.HasPrefix(call, tt.part) {
						if tt.change != "" { // an agent is faster
							s.call(tt.part, "/conversations/"+conversation+"/tags", tt.change)
						}
						f := refused(status) // it has taken effect
						f.never = false
						return f
					}
					return fate{}
				}
				d := rules.Decision{Actions: []rules.Action{rules.UseTicket{Find: rules.ByNewest, Open: rules.OpenNever}, tt.action}}
				if o := s.does(d); verdictOf(o) != "delivered" || stepsOf(o)[1] != tt.step {
					s.t.Errorf("%s, steps %q", verdictOf(o), stepsOf(o))
				}
			})
		}
	}
	onStub(t, "too many tags", func(s *deskScene) {
		conversation := s.open()
		var full []string
		for n := range 20 {
			full = append(full, fmt.Sprintf("%q", fmt.Sprint("t", n)))
		}
		s.call("POST", "/conversations/"+conversation+"/tags", "["+strings.Join(full, ",")+"]")
		s.wire.before = func(call string) fate {
			if strings.HasSuffix(call, "]") {
				return refused(400)
			}
			return fate{}
		}
		d := rules.Decision{Actions: []rules.Action{rules.UseTicket{Find: rules.ByNewest, Open: rules.OpenNever}, rules.Label{Names: []string{"vip"}}, rules.Note{Text: "x"}}}
		o := s.does(d)
		if verdictOf(o) != "delivered" || len(o.Warnings) != 1 || stepsOf(o)[1] != "labels skipped" {
			s.t.Errorf("%s, steps %q, warnings %q", verdictOf(o), stepsOf(o), o.Warnings)
		}
		s.offset++
		d.Strict = true
		if o = s.does(d); verdictOf(o) != "dead rejected http_400" {
			s.t.Error(verdictOf(o))
		}
	})
	onStub(t, "what is not so", func(s *deskScene) {
		s.open()
		s.wire.before = func(call string) fate {
			if strings.HasPrefix(call, "PATCH") {
				return refused(422)
			}
			return fate{}
		}
		o := s.does(rules.Decision{Actions: []rules.Action{rules.UseTicket{Find: rules.ByNewest, Open: rules.OpenNever}, rules.SetStatus{Closed: true}}})
		if verdictOf(o) != "dead rejected http_422" || stepsOf(o)[1] != "update failed" {
			s.t.Errorf("%s, steps %q", verdictOf(o), stepsOf(o))
		}
	})
}

func TestAct_aNameThatTheDeskLacks(t *testing.T) {
	d := rules.Decision{Actions: []rules.Action{
		rules.JoinGroups{Names: []string{"a&b"}},
		rules.SetProfile{Name: "IT"},
		rules.UpsertObject{Class: "invoice", ID: "I-7"},
		rules.UseTicket{Open: rules.OpenAlways},
		rules.Assign{Team: "Nobody", User: "Mila Jansen"},
		rules.SetQueue{Name: "No queue"},
		rules.Label{Names: []string{"brand new", "a&b"}},
		rules.Label{Names: []string{"no tag"}, Off: true},
		rules.SetFields{Fields: []rules.Named{{Name: "sumNum", Value: "a lot"}}},
	}}
	onStub(t, "is left out", func(s *deskScene) {
		o := s.does(d)
		if verdictOf(o) != "delivered" || len(o.Warnings) != 9 {
			s.t.Errorf("%s with the warnings %q, want one for each of nine", verdictOf(o), o.Warnings)
		}
		s.same(o.IDs["conversation_id"], append(s.wire.calls[:len(s.wire.calls)-2:len(s.wire.calls)-2],
			`POST /customers/{A}/conversations {"externalId":"{x}","assignedUsers":["{Mila Jansen}"]}`,
			`POST /conversations/{T}/tags ["brand new"]`)...)
	})
	onStub(t, "also where there is no list", func(s *deskScene) {
		s.wire.before = func(call string) fate {
			if strings.HasPrefix(call, "GET /routing/queues") {
				return refused(404)
			}
			return fate{}
		}
		o := s.does(rules.Decision{Actions: []rules.Action{rules.UseTicket{Open: rules.OpenAlways}, rules.SetQueue{Name: "Payments"}}})
		if verdictOf(o) != "delivered" || len(o.Warnings) != 1 {
			s.t.Errorf("%s with the warnings %q", verdictOf(o), o.Warnings)
		}
	})
	onStub(t, "kills where the rule says so, before anything is written", func(s *deskScene) {
		for _, action := range d.Actions[2:8] {
			strict := rules.Decision{Strict: true, Actions: []rules.Action{rules.UseTicket{Open: rules.OpenAlways}, action}}
			if _, ticket := action.(rules.UseTicket); ticket {
				continue
			}
			o := s.does(strict)
			if got := verdictOf(o); got != "dead invalid unknown_name" || len(s.wire.writes()) > 0 {
				s.t.Errorf("%T: %s with the writes %q", action, got, s.wire.writes())
			}
		}
	})
}

// A field that the desk refuses is left out like one that it does not have.
func TestAct_fieldsThatAreRefused(t *testing.T) {
	field := rules.SetFields{Fields: []rules.Named{{Name: "sumNum", Value: "7"}}}
	for name, tt := range map[string]struct {
		use    rules.UseTicket
		strict bool
		want   string
		writes int
	}{
		"opening":           {rules.UseTicket{Open: rules.OpenAlways}, false, "delivered", 2},
		"updating":          {rules.UseTicket{Find: rules.ByNewest, Open: rules.OpenNever}, false, "delivered", 2},
		"opening strictly":  {rules.UseTicket{Open: rules.OpenAlways}, true, "dead rejected http_400", 1},
		"updating strictly": {rules.UseTicket{Find: rules.ByNewest, Open: rules.OpenNever}, true, "dead rejected http_400", 1},
	} {
		onStub(t, name, func(s *deskScene) {
			s.open()
			s.wire.before = func(call string) fate {
				if strings.Contains(call, `"custom":`) {
					return refused(400)
				}
				return fate{}
			}
			o := s.does(rules.Decision{Strict: tt.strict, Actions: []rules.Action{tt.use, rules.SetUrgency{Level: 5}, field}})
			if got := verdictOf(o); got != tt.want || len(s.wire.writes()) != tt.writes {
				s.t.Errorf("%s with the writes %q", got, s.wire.writes())
			}
			if o.Outcome == sink.Delivered && (len(o.Warnings) != 1 || s.conversation(o.IDs["conversation_id"]).Get("priority").Text() != "5") {
				s.t.Errorf("warnings %q", o.Warnings)
			}
		})
	}
}

// So is a field of the customer.
func TestAct_fieldsOfTheCustomerThatAreRefused(t *testing.T) {
	plan := rules.SaveContact{Create: true, Fields: []rules.Named{{Name: "planStr", Value: "pro"}}}
	for name, tt := range map[string]struct {
		user   string
		more   []rules.Action
		strict bool
		want   string
		writes int
	}{
		"a new customer":           {"bob", nil, false, "delivered", 2},
		"one that is there":        {"ada", nil, false, "skipped nothing_to_update", 1},
		"with tags":                {"ada", []rules.Action{rules.JoinGroups{Names: []string{"vip"}}}, false, "delivered", 2},
		"a new customer, strictly": {"bob", nil, true, "dead rejected http_400", 1},
		"a known one, strictly":    {"ada", nil, true, "dead rejected http_400", 1},
	} {
		onStub(t, name, func(s *deskScene) {
			s.wire.before = func(call string) fate {
				if strings.Contains(call, `"custom":`) {
					return refused(400)
				}
				return fate{}
			}
			d := rules.Decision{Strict: tt.strict, Actions: append([]rules.Action{plan}, tt.more...)}
			o, err := s.delivers(s.t.Context(), strings.ReplaceAll(eventOf("track", ""), "ada", tt.user), d, nil)
			if err != nil {
				s.t.Fatal(err)
			}
			if got := verdictOf(o); got != tt.want || len(s.wire.writes()) != tt.writes || !tt.strict && len(o.Warnings) != 1 || tt.strict && stepsOf(o)[0] != "contact failed" {
				s.t.Errorf("%s, warnings %q, writes %q", got, o.Warnings, s.wire.writes())
			}
		})
	}
}

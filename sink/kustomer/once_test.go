package kustomer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/sink"
)

// held is what the desk holds that the program can have made.
func (s *deskScene) held() map[string]int {
	s.t.Helper()
	n := map[string]int{"customers": s.server.Stats().Holds["kustomer"]["customers"]}
	for _, c := range s.server.Desk(stubkustomer.Name).Tickets() {
		n["conversations"]++
		n["notes"] += s.call("GET", "/conversations/"+c.ID+"/notes", "").Len()
	}
	n["companies"] = s.call("GET", "/companies", "").Len()
	n["objects"] = s.call("GET", "/customers/"+s.customer+"/klasses/order", "").Len()
	return n
}

func TestAct_makesThingsOnce(t *testing.T) {
	const lost, never = 0, -1
	lookedFor := func(n int, more ...string) []string {
		return slices.Concat([]string{"write"}, slices.Repeat([]string{"look"}, n), more)
	}
	type made struct {
		after  time.Duration // when it takes effect, -1 for never
		status int           // of the answer, 0 for none
	}
	tests := map[string]struct {
		fates   []made
		dies    bool // the process, with the first write
		calls   []string
		made    int
		outcome string
	}{
		"answered":                  {nil, false, lookedFor(0), 1, "delivered done"},
		"lost, but there":           {[]made{{0, lost}}, false, lookedFor(1), 1, "delivered adopted"},
		"lost, and late":            {[]made{{9 * time.Second, lost}}, false, lookedFor(5), 1, "delivered adopted"},
		"lost, without effect":      {[]made{{never, lost}}, false, lookedFor(6, "write"), 1, "delivered done"},
		"a gateway's 502":           {[]made{{0, 502}}, false, lookedFor(1), 1, "delivered adopted"},
		"refused as a duplicate":    {[]made{{0, 409}}, false, lookedFor(1), 1, "delivered adopted"},
		"refused as bad, though":    {[]made{{0, 400}}, false, lookedFor(1), 1, "delivered adopted"},
		"refused twice, then there": {[]made{{never, 409}, {0, 409}}, false, lookedFor(1, "write", "look"), 1, "delivered adopted"},
		"refused as bad":            {[]made{{never, 400}}, false, lookedFor(1), 0, "dead rejected http_400 failed"},
		"taken over":                {[]made{{0, lost}}, true, lookedFor(1), 1, "delivered adopted"},
		"taken over, not there":     {[]made{{never, lost}}, true, lookedFor(6, "write"), 1, "delivered done"},
	}
	kinds := map[string]struct {
		write, look string
		actions     func(conversation string) []rules.Action
	}{
		"conversations": {"POST /customers/", "GET /conversations/externalId=", func(string) []rules.Action {
			return []rules.Action{rules.UseTicket{Open: rules.OpenAlways, Subject: "Order 7"}}
		}},
		"notes": {"POST /conversations/", "GET /conversations/", func(c string) []rules.Action {
			return []rules.Action{rules.UseTicket{Find: rules.ByID, ID: c, Open: rules.OpenNever}, rules.Note{Text: "Look"}}
		}},
		"messages": {"POST /conversations/", "GET /messages/", func(c string) []rules.Action {
			return []rules.Action{rules.UseTicket{Find: rules.ByID, ID: c, Open: rules.OpenNever}, rules.Message{Text: "Look", App: "shop", Channel: "sms"}}
		}},
		"companies": {"POST /companies", "GET /companies?externalId", func(string) []rules.Action {
			return []rules.Action{rules.SetProfile{Name: "Acme"}}
		}},
	}
	for name, tt := range tests {
		for kind, of := range kinds {
			onStub(t, kind+", "+name, func(s *deskScene) {
				var calls []string
				conversation, number := "", 0
				if kind == "notes" || kind == "messages" {
					conversation = s.open()
				}
				s.wire.before = func(call string) (f fate) {
					switch {
					case strings.HasPrefix(call, of.write):
						calls = append(calls, "write")
					case strings.HasPrefix(call, of.look) && (kind != "notes" || strings.Contains(call, "/notes?")):
						calls = append(calls, "look")
						return fate{}
					default:
						return fate{}
					}
					if number++; number <= len(tt.fates) {
						next := tt.fates[number-1]
						f = fate{never: next.after == never, after: max(next.after, 0), lost: next.status == lost}
						if next.status != lost {
							f.status, f.body = next.status, `{"errors":[{"title":"no"}]}`
						}
					}
					return f
				}
				d := rules.Decision{Actions: of.actions(conversation)}
				if tt.dies {
					ctx, cancel := context.WithCancel(s.t.Context())
					time.AfterFunc(500*time.Millisecond, cancel)
					if _, err := s.tries(ctx, d, nil); !errors.Is(err, sink.ErrInterrupted) {
						s.t.Fatalf("the first owner's delivery ended with %v", err)
					}
				}
				o, err := s.tries(s.t.Context(), d, s.ledger.Last)
				if err != nil {
					s.t.Fatal(err)
				}
				state := ""
				for _, step := range o.Steps {
					if strings.HasPrefix(kind, step.Name) || kind == "companies" && step.Name == "company" {
						state = string(step.State)
					}
				}
				if got := verdictOf(o) + " " + state; got != tt.outcome {
					s.t.Errorf("%s, want %s", got, tt.outcome)
				}
				if diff := cmp.Diff(tt.calls, calls); diff != "" {
					s.t.Errorf("calls (-want +got):\n%s", diff)
				}
				if kind != "messages" && s.held()[kind] != tt.made {
					s.t.Errorf("the desk has %d, want %d", s.held()[kind], tt.made)
				}
			})
		}
	}
}

// everything is a rule that makes all that can be made, with one call for each.
var everything = rules.Decision{Actions: []rules.Action{
	rules.SaveContact{Create: true, Fields: []rules.Named{{Name: "planStr", Value: "pro"}}},
	rules.JoinGroups{Names: []string{"vip"}},
	rules.SetProfile{Name: "Acme"},
	rules.UpsertObject{Class: "order", ID: "A-7", Title: "Order 7", Data: []rules.Named{{Name: "sum", Value: "7"}}},
	rules.UseTicket{Find: rules.ByNewest, Open: rules.OpenOnce, Subject: "Payment failed"},
	rules.Assign{Team: "Billing"},
	rules.Label{Names: []string{"billing", "brand new"}},
	rules.Label{Names: []string{"urgent"}, Off: true},
	rules.SetFields{Fields: []rules.Named{{Name: "invoiceStr", Value: "I-7"}}},
	rules.Note{Text: "Card declined"},
	rules.Message{Text: "Sorry", App: "shop", Channel: "email"},
	rules.SetStatus{Closed: true},
}}

// A process that dies at any call, with and without its effect, leaves an event that the next one
// brings to its end: all is there, once.
func TestAct_aProcessThatDiesAtAnyCall(t *testing.T) {
	for _, effect := range []bool{true, false} {
		total := 100
		for at := 0; at < total; at++ {
			onStub(t, fmt.Sprintf("%d, with its effect %v", at, effect), func(s *deskScene) {
				ctx, die := context.WithCancel(s.t.Context())
				defer die()
				n := 0
				s.wire.before = func(string) fate {
					if n++; n-1 == at {
						die()
						return fate{never: !effect, lost: true}
					}
					return fate{}
				}
				o, err := s.tries(ctx, everything, nil)
				if err == nil && verdictOf(o) == "delivered" {
					total = n // it made no more calls
				} else if !errors.Is(err, sink.ErrInterrupted) {
					s.t.Fatalf("%s, %v", verdictOf(o), err)
				} else {
					s.ids = newIDs()
					if o, err = s.tries(s.t.Context(), everything, s.ledger.Last); err != nil {
						s.t.Fatal(err)
					}
				}
				if verdictOf(o) != "delivered" {
					s.t.Fatalf("%s: %+v, steps %q, calls %q", verdictOf(o), o.Error, stepsOf(o), s.wire.calls)
				}
				want := map[string]int{"customers": 1, "conversations": 1, "notes": 1, "companies": 1, "objects": 1}
				if diff := cmp.Diff(want, s.held()); diff != "" {
					s.t.Errorf("the desk holds (-want +got):\n%s", diff)
				}
				c := s.conversation(o.IDs["conversation_id"])
				if c.Get("status").Str() != "done" || c.Get("tags").Len() != 2 || c.Get("custom", "invoiceStr").Str() != "I-7" || c.Get("assignedTeams").Len() != 1 {
					s.t.Errorf("the conversation is %s", c.JSON())
				}
				ada := s.call("GET", "/customers/"+s.customer, "")
				if ada.Get("attributes", "tags").Len() != 2 || ada.Get("attributes", "custom", "planStr").Str() != "pro" || !ada.Get("relationships", "company").Exists() {
					s.t.Errorf("the customer is %s", ada.JSON())
				}
				if n := messagesOf(s); n != 1 {
					s.t.Errorf("%d messages were recorded, want 1", n)
				}
			})
		}
		if total < 15 || total == 100 {
			t.Errorf("%d calls were tried", total)
		}
	}
}

// messagesOf is how many messages the stub took.
func messagesOf(s *deskScene) (n int) {
	for _, c := range s.server.Desk(stubkustomer.Name).Received() {
		if c.Op == "POST /v1/conversations/{id}/messages" && c.Status == 201 {
			n++
		}
	}
	return n
}

// An event that goes on by a rule that asks for more than it did gets the rest of it.
func TestAct_aRuleThatHasChanged(t *testing.T) {
	before := rules.Decision{Actions: []rules.Action{rules.UseTicket{Open: rules.OpenAlways}, rules.Note{Text: "Look"}}}
	now := rules.Decision{Actions: []rules.Action{
		rules.UseTicket{Open: rules.OpenAlways}, rules.Assign{Team: "Billing"}, rules.Label{Names: []string{"vip"}}, rules.Note{Text: "Look here"}, rules.SetStatus{Closed: true},
	}}
	for name, call := range map[string]string{"after the conversation": "/notes", "with the conversation": "/conversations {"} {
		onStub(t, name, func(s *deskScene) {
			ctx, die := context.WithCancel(s.t.Context())
			defer die()
			s.wire.before = func(made string) fate {
				if strings.Contains(made, call) {
					die()
					return fate{lost: true}
				}
				return fate{}
			}
			if _, err := s.tries(ctx, before, nil); !errors.Is(err, sink.ErrInterrupted) {
				s.t.Fatal(err)
			}
			s.wire.before, s.changed = nil, true
			o, err := s.tries(s.t.Context(), now, s.ledger.Last)
			if err != nil {
				s.t.Fatal(err)
			}
			c := s.conversation(o.IDs["conversation_id"])
			if s.held()["conversations"] != 1 || s.held()["notes"] != 1 || c.Get("assignedTeams").Len() != 1 || c.Get("tags").Len() != 1 || c.Get("status").Str() != "done" {
				s.t.Errorf("%s, steps %q: the desk holds %v, the conversation is %s", verdictOf(o), stepsOf(o), s.held(), c.JSON())
			}
		})
	}
}

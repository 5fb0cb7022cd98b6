package trengo_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/mapping/rules"
)

// What Trengo has nothing of, given by id, is left out, whichever refusal says so. A 404 is no sign
// that the ticket is gone when a look shows it.
func TestAct_anIDThatTheDeskLacks(t *testing.T) {
	const unknown = "987654"
	for what, action := range map[string]rules.Action{
		"a team":             rules.Assign{Team: unknown},
		"a user":             rules.Assign{User: unknown},
		"a label":            rules.Label{Names: []string{unknown}},
		"a field":            rules.SetFields{Fields: []rules.Named{{Name: unknown, Value: "x"}}},
		"a contact's field":  rules.SaveContact{Fields: []rules.Named{{Name: unknown, Value: "x"}}},
		"a group":            rules.JoinGroups{Names: []string{unknown}},
		"a result":           rules.SetStatus{Closed: true, Result: unknown},
		"a label of several": rules.Label{Names: []string{"vip", unknown}},
	} {
		for _, status := range []int{400, 404, 422} {
			d := rules.Decision{Actions: []rules.Action{rules.UseTicket{Find: rules.ByNewest, Open: rules.OpenNever}, action}}
			onStub(t, fmt.Sprint(what, " ", status), func(s *scene) {
				ticket := s.open()
				s.call("POST", "/tickets/"+ticket+"/labels", `{"label_id":4002}`)
				refused := 0
				s.wire.before = func(call string) fate {
					if !strings.HasPrefix(call, "GET ") && strings.Contains(call, unknown) {
						refused++
						return fate{never: true, status: status, body: `{"message":"no"}`}
					}
					return fate{}
				}
				d.Actions = append(d.Actions, rules.Note{Text: "Look"})
				o := s.does(d)
				if verdictOf(o) != "delivered" || len(o.Warnings) != 1 || refused != 1 {
					s.t.Fatalf("%s after %d refusals with the warnings %q: %+v", verdictOf(o), refused, o.Warnings, o.Error)
				}
				if o.IDs["ticket_id"] != ticket || o.IDs["note_id"] == "" {
					s.t.Errorf("ids %v, want a note at ticket %s", o.IDs, ticket)
				}
				if _, closes := action.(rules.SetStatus); closes && s.ticket(ticket).Get("status").Str() != "CLOSED" {
					s.t.Error("the ticket was not closed without the result")
				}
				s.offset++
				s.ledger.Last = nil
				s.call("POST", "/tickets/"+ticket+"/reopen", "{}")
				d.Strict = true
				if o := s.does(d); verdictOf(o) != fmt.Sprint("dead rejected http_", status) {
					s.t.Errorf("strictly: %s", verdictOf(o))
				}
			})
		}
	}
}

// A ticket that was found instead of one that is gone, and that is gone as well, ends the event.
func TestAct_aTicketThatGoesTwice(t *testing.T) {
	onStub(t, "", func(s *scene) {
		s.open()
		s.wire.before = func(call string) fate {
			if strings.Contains(call, "/labels") || strings.HasPrefix(call, "GET /tickets/") {
				return fate{never: true, status: 404, body: `{"message":"no"}`}
			}
			return fate{}
		}
		o := s.does(rules.Decision{Actions: []rules.Action{rules.UseTicket{Find: rules.ByNewest, Open: rules.OpenNever}, rules.Label{Names: []string{"4001"}}}})
		if verdictOf(o) != "dead rejected http_404" {
			s.t.Errorf("%s with the warnings %q", verdictOf(o), o.Warnings)
		}
	})
}

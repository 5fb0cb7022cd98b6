package kustomer_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping/rules"
)

const unknownID = "5f00000000000000000000aa"

var byUnknownID = map[string]rules.Action{
	"a team":           rules.Assign{Team: unknownID},
	"a user":           rules.Assign{User: unknownID},
	"a queue":          rules.SetQueue{Name: unknownID},
	"a tag":            rules.Label{Names: []string{unknownID}},
	"a tag to be off":  rules.Label{Names: []string{unknownID}, Off: true},
	"a tag of several": rules.Label{Names: []string{"vip", unknownID}},
}

// What the desk has nothing of is left out, given by id as given by name.
func TestAct_anIDThatTheDeskLacks(t *testing.T) {
	uses := map[string]rules.UseTicket{
		"opening":  {Open: rules.OpenAlways},
		"updating": {Find: rules.ByNewest, Open: rules.OpenNever},
	}
	for what, action := range byUnknownID {
		for how, use := range uses {
			d := rules.Decision{Actions: []rules.Action{use, action, rules.SetUrgency{Level: 5}}}
			onStub(t, how+" with "+what, func(s *deskScene) {
				s.open()
				refuseUnknown(s, 400)
				o := s.does(d)
				if verdictOf(o) != "delivered" || len(o.Warnings) != 1 || !strings.Contains(o.Warnings[0], unknownID) {
					s.t.Fatalf("%s with the warnings %q: %+v", verdictOf(o), o.Warnings, o.Error)
				}
				if s.conversation(o.IDs["conversation_id"]).Get("priority").Text() != "5" {
					s.t.Error("what comes beside it was left out as well")
				}
				for _, tag := range s.call("GET", "/tags", "").Members() {
					if tag.Value.Get("attributes", "name").Str() == unknownID {
						s.t.Error("a tag was made that is called like the id")
					}
				}
				s.offset++
				d.Strict = true
				s.wire.calls = nil
				if o := s.does(d); verdictOf(o) != "dead invalid unknown_name" || len(s.wire.writes()) > 0 {
					s.t.Errorf("strictly: %s with the writes %q", verdictOf(o), s.wire.writes())
				}
			})
		}
	}
}

// refuseUnknown has the desk refuse what names an id that it does not have.
func refuseUnknown(s *deskScene, status int) {
	s.wire.before = func(call string) fate {
		if !strings.HasPrefix(call, "GET ") && strings.Contains(call, unknownID) {
			return refused(status)
		}
		return fate{}
	}
}

// An id that the list had a while ago is looked up once the desk refuses it.
func TestAct_anIDThatIsGone(t *testing.T) {
	for _, use := range []rules.UseTicket{{Open: rules.OpenAlways}, {Find: rules.ByNewest, Open: rules.OpenNever}} {
		for _, status := range []int{400, 404, 422} {
			onStub(t, fmt.Sprint(use.Open, " ", status), func(s *deskScene) {
				s.open()
				billing := ""
				for _, team := range s.call("GET", "/teams", "").Members() {
					if team.Value.Get("attributes", "name").Str() == "Billing" {
						billing = id(team.Value)
					}
				}
				d := rules.Decision{Actions: []rules.Action{use, rules.Assign{Team: "Billing", User: "Noor de Vries"}, rules.SetUrgency{Level: 5}}}
				if o := s.does(d); verdictOf(o) != "delivered" || len(o.Warnings) > 0 {
					s.t.Fatalf("%s with the warnings %q", verdictOf(o), o.Warnings)
				}
				time.Sleep(2 * time.Minute) // the list is kept for longer
				s.open()
				s.offset++
				s.ledger.Last = nil
				s.wire.before = func(call string) fate {
					switch {
					case strings.HasPrefix(call, "GET /teams"):
						return fate{never: true, status: 200, body: `{"data":[],"links":{"next":null}}`}
					case !strings.HasPrefix(call, "GET ") && strings.Contains(call, billing):
						return refused(status)
					}
					return fate{}
				}
				o := s.does(d)
				if verdictOf(o) != "delivered" || len(o.Warnings) != 1 || !strings.Contains(o.Warnings[0], "team") {
					s.t.Errorf("%s with the warnings %q: %+v", verdictOf(o), o.Warnings, o.Error)
				}
				if got := s.conversation(o.IDs["conversation_id"]).Get("assignedUsers").Len(); got != 1 {
					s.t.Errorf("%d users, want the one that is there", got)
				}
			})
		}
	}
}

// A list that the key may not read, or that has no end, says nothing of an id.
func TestAct_anIDOfAListThatTellsNothing(t *testing.T) {
	for _, status := range []int{403, 404} {
		onStub(t, fmt.Sprint(status), func(s *deskScene) {
			billing := id(s.call("GET", "/teams", "").At(0))
			s.wire.before = func(call string) fate {
				if strings.HasPrefix(call, "GET /teams") {
					return refused(status)
				}
				return fate{}
			}
			o := s.does(rules.Decision{Actions: []rules.Action{rules.UseTicket{Open: rules.OpenAlways}, rules.Assign{Team: billing}}})
			if verdictOf(o) != "delivered" || len(o.Warnings) > 0 || s.conversation(o.IDs["conversation_id"]).Get("assignedTeams").Len() != 1 {
				s.t.Errorf("%s with the warnings %q", verdictOf(o), o.Warnings)
			}
		})
	}
}

// Of a customer that the desk refuses that is left out which it refuses, and no more.
func TestAct_aCustomerThatIsRefusedForItsTags(t *testing.T) {
	d := rules.Decision{Actions: []rules.Action{
		rules.SaveContact{Create: true, Fields: []rules.Named{{Name: "planStr", Value: "pro"}}},
		rules.JoinGroups{Names: []string{"vip"}},
	}}
	for name, tt := range map[string]struct {
		refused []string // parts of the body
		want    string   // of the body that is taken
		warning string
	}{
		"the tags":  {[]string{`"tags"`}, `{"externalId":"bob","custom":{"planStr":"pro"}}`, "contact.groups: left out"},
		"the field": {[]string{`"custom"`}, `{"externalId":"bob","tags":["vip"]}`, "contact.fields: left out"},
		"both":      {[]string{`"tags"`, `"custom"`}, `{"externalId":"bob"}`, "contact.fields, contact.groups: left out"},
	} {
		onStub(t, name, func(s *deskScene) {
			s.wire.before = func(call string) fate {
				for _, part := range tt.refused {
					if strings.HasPrefix(call, "POST /customers ") && strings.Contains(call, part) {
						return refused(400)
					}
				}
				return fate{}
			}
			o, err := s.delivers(s.t.Context(), strings.ReplaceAll(eventOf("track", ""), "ada", "bob"), d, nil)
			if err != nil || verdictOf(o) != "delivered" {
				s.t.Fatalf("%v, %s: %+v", err, verdictOf(o), o.Error)
			}
			writes := s.wire.writes()
			if diff := cmp.Diff("POST /customers "+tt.want, writes[len(writes)-1]); diff != "" {
				s.t.Errorf("the body (-want +got):\n%s", diff)
			}
			if len(o.Warnings) != 1 || !strings.HasPrefix(o.Warnings[0], tt.warning) {
				s.t.Errorf("warnings %q", o.Warnings)
			}
		})
	}
}

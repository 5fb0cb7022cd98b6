package kustomer_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping/rules"
)

// The steps on a conversation that was found: assigned, labels, fields, note, message, status, in as
// few calls as there can be. What is one call is done where its last part belongs.
func TestAct_theOrderOfSteps(t *testing.T) {
	newest := rules.UseTicket{Find: rules.ByNewest, Open: rules.OpenNever}
	team, on, off := rules.Assign{Team: "Billing"}, rules.Label{Names: []string{"vip"}}, rules.Label{Names: []string{"urgent"}, Off: true}
	note, closed := rules.Note{Text: "Look"}, rules.SetStatus{Closed: true}
	const (
		tagsOn  = `POST /conversations/{T}/tags ["{vip}"]`
		tagsOff = `DELETE /conversations/{T}/tags ["{urgent}"]`
	)
	for name, tt := range map[string]struct {
		actions []rules.Action
		calls   []string
		steps   []string
	}{
		"without a status": {
			[]rules.Action{team, on, off},
			[]string{`PATCH /conversations/{T} {"assignedTeams":["{Billing}"]}`, tagsOn, tagsOff},
			[]string{"conversation skipped", "update done", "labels done", "remove_labels done"},
		},
		"with a status": {
			[]rules.Action{team, on, off, closed},
			[]string{tagsOn, tagsOff, `PATCH /conversations/{T} {"assignedTeams":["{Billing}"],"status":"done"}`},
			[]string{"conversation skipped", "labels done", "remove_labels done", "update done"},
		},
		"with a status that it has": {
			[]rules.Action{team, on, rules.SetStatus{}},
			[]string{`PATCH /conversations/{T} {"assignedTeams":["{Billing}"]}`, tagsOn},
			[]string{"conversation skipped", "update done", "labels done", "status skipped"},
		},
		"with a note before the status": {
			[]rules.Action{team, on, note, closed},
			[]string{
				`PATCH /conversations/{T} {"assignedTeams":["{Billing}"]}`, tagsOn,
				`POST /conversations/{T}/notes {"externalId":"{x}","body":"Look"}`, `PATCH /conversations/{T} {"status":"done"}`,
			},
			[]string{"conversation skipped", "update done", "labels done", "note done", "status done"},
		},
		"with names that the desk lacks": {
			[]rules.Action{rules.Assign{Team: "Nobody", User: "No one"}, rules.SetQueue{Name: "None"}, on},
			[]string{tagsOn},
			[]string{"conversation skipped", "assign:team skipped", "assign:user skipped", "queue skipped", "labels done"},
		},
	} {
		onStub(t, name, func(s *deskScene) {
			conversation := s.open()
			s.call("POST", "/conversations/"+conversation+"/tags", `["urgent"]`)
			s.warm()
			s.does(rules.Decision{Actions: []rules.Action{newest, rules.Assign{Team: "Nobody", User: "No one"}, rules.SetQueue{Name: "None"}}}) // the lists
			s.wire.calls, s.ledger.Last = nil, nil
			s.offset++
			o := s.does(rules.Decision{Actions: append([]rules.Action{newest}, tt.actions...)})
			if diff := cmp.Diff(tt.steps, stepsOf(o)); diff != "" {
				s.t.Errorf("%s, steps (-want +got):\n%s", verdictOf(o), diff)
			}
			s.same(conversation, append([]string{"GET /customers/{A}/conversations?page=1&pageSize=100"}, tt.calls...)...)
		})
	}
}

// What the look for the conversation shows to be so is not sent.
func TestAct_whatALookShowsNeedsNoCall(t *testing.T) {
	onStub(t, "", func(s *deskScene) {
		conversation := s.open()
		s.warm()
		d := rules.Decision{Actions: []rules.Action{
			rules.UseTicket{Find: rules.ByNewest, Open: rules.OpenNever},
			rules.Assign{Team: "Billing"},
			rules.SetUrgency{Level: 4},
			rules.Label{Names: []string{"vip", "vip"}},
			rules.Label{Names: []string{"urgent"}, Off: true},
			rules.SetStatus{},
		}}
		for _, want := range []string{"delivered", "skipped nothing_to_update"} {
			s.wire.calls = nil
			if o := s.does(d); verdictOf(o) != want {
				s.t.Errorf("%s, want %s", verdictOf(o), want)
			}
			s.offset++
			s.ledger.Last = nil
		}
		s.same(conversation, "GET /customers/{A}/conversations?page=1&pageSize=100")
		s.call("DELETE", "/conversations/"+conversation+"/tags", `["vip"]`)
		s.wire.calls = nil
		s.does(d)
		s.same(conversation, "GET /customers/{A}/conversations?page=1&pageSize=100", `POST /conversations/{T}/tags ["{vip}"]`)
	})
}

// A conversation is opened again by the call that gives it what the rule asks for, and the key names it
// as open only then.
func TestAct_opensAgainInOneCall(t *testing.T) {
	for name, tt := range map[string]struct {
		actions []rules.Action
		calls   []string
	}{
		"with nothing else": {nil, []string{`PATCH /conversations/{T} {"status":"open"}`}},
		"with a team and a tag": {
			[]rules.Action{rules.Assign{Team: "Billing"}, rules.Label{Names: []string{"vip"}}},
			[]string{`PATCH /conversations/{T} {"assignedTeams":["{Billing}"],"status":"open"}`, `POST /conversations/{T}/tags ["{vip}"]`},
		},
		"as one that is snoozed": {
			[]rules.Action{rules.Assign{Team: "Billing"}, rules.SetStatus{Snooze: 24 * time.Hour}},
			[]string{`PATCH /conversations/{T} {"assignedTeams":["{Billing}"],"status":"snoozed","snooze":{"time":"2000-01-02T00:00:00.000Z","status":"scheduled"}}`},
		},
		"to be noted and closed": {
			[]rules.Action{rules.Note{Text: "Look"}, rules.SetStatus{Closed: true}},
			[]string{
				`PATCH /conversations/{T} {"status":"open"}`, `POST /conversations/{T}/notes {"externalId":"{x}","body":"Look"}`,
				`PATCH /conversations/{T} {"status":"done"}`,
			},
		},
	} {
		onStub(t, name, func(s *deskScene) {
			s.warm()
			first := s.next(use(reopening, rules.Label{Names: []string{"urgent"}})).IDs["conversation_id"]
			s.next(use(func(u *rules.UseTicket) { u.Open, u.KeepClosed = rules.OpenNever, true }, closing))
			s.next(use(reopening, tt.actions...))
			s.same(first, append([]string{"GET /conversations/{T}"}, tt.calls...)...)
		})
	}
}

package redrive

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/internal/journal/journaltest"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// A letter whose event has begun by a rule goes on with it, as the rule is now: what was done
// stays done by the names of its steps, and the outcome says what has become of the rule.
func TestApply_goesOnWithTheRuleOfALetter(t *testing.T) {
	t.Parallel()
	named := func(name string) rules.Rule {
		r := rules.Rule{Name: name, Match: rules.Pattern{Type: "track", Event: []string{"Order"}}, OnMissing: "warn"}
		r.Ticket.Note = "late"
		return r
	}
	elsewhere := named("orders")
	elsewhere.Match.Event = []string{"Another Event"}
	for name, tt := range map[string]struct {
		now  []rules.Rule
		goes string // the rule of the outcome
		warn string
		note bool
	}{
		"the rule has changed":               {[]rules.Rule{named("orders")}, "orders", "rule orders has changed", true},
		"it is for other events by now":      {[]rules.Rule{named("others"), elsewhere}, "orders", "rule orders has changed", true},
		"it is gone, another one matches":    {[]rules.Rule{named("others")}, "others", "rule orders, by which the event began, is gone", true},
		"it is gone, and no rule is left":    {nil, "", "rule orders, by which the event began, is gone", false},
		"it is gone, and none of them is it": {[]rules.Rule{func() rules.Rule { r := named("others"); r.Match.Type = "page"; return r }()}, "", "goes on without a rule", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTicketWorld(t)
			ticket := w.open(t, "Order 1")
			p := opened(ticket)
			p.Rule, p.RuleHash = "orders", "as it was"
			w.settle(t, 1, sink.Dead, p)
			w.Config.Destinations[0].Rules = tt.now
			before := w.tickets()
			w.plan(w.every())
			if err := w.apply(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := w.tickets() - before; n != 0 {
				t.Errorf("%d tickets were opened, want none", n)
			}
			o := w.outcomeOf(t, 1)
			said := slices.ContainsFunc(o.Warnings, func(text string) bool { return strings.Contains(text, tt.warn) })
			if o.Outcome != sink.Delivered || o.Rule != tt.goes || !said {
				t.Errorf("outcome %s by rule %q, warnings %q; want delivered by %q, %q", o.Outcome, o.Rule, o.Warnings, tt.goes, tt.warn)
			}
			steps := fmt.Sprint(o.Steps)
			if !strings.Contains(steps, "ticket done") || strings.Contains(steps, "note done") != tt.note {
				t.Errorf("steps %s, want the ticket's, and the note's: %v", steps, tt.note)
			}
			for id, status := range w.statuses() {
				if status != letters.Delivered {
					t.Errorf("letter %s is %s", id, status)
				}
			}
		})
	}
}

// A ticket that was announced by a rule that no longer asks for one is looked for, and not opened.
func TestApply_looksForWhatTheRuleOfALetterNoLongerAsksFor(t *testing.T) {
	t.Parallel()
	for name, there := range map[string]bool{"it was opened": true, "it was not": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTicketWorld(t)
			if there {
				w.open(t, "Order 1")
			}
			p := w.announced()
			p.Rule, p.RuleHash = "orders", "as it was"
			w.settle(t, 1, sink.Dead, p)
			now := rules.Rule{Name: "orders", Match: rules.Pattern{Type: "track"}, OnMissing: "warn"}
			now.Contact.Note = "has ordered"
			w.Config.Destinations[0].Rules = []rules.Rule{now}
			before := w.tickets()
			w.plan(w.every())
			if err := w.apply(t.Context()); err != nil {
				t.Fatal(err)
			}
			o := w.outcomeOf(t, 1)
			steps := fmt.Sprint(o.Steps)
			if w.tickets() != before || o.Outcome != sink.Delivered || len(o.Warnings) != 1 || !strings.Contains(steps, "contact_note done") {
				t.Errorf("%d tickets were opened, outcome %s, steps %s, warnings %q", w.tickets()-before, o.Outcome, steps, o.Warnings)
			}
			if found := strings.Contains(steps, "ticket adopted"); found != there || there && o.IDs["ticket_id"] != w.newest() {
				t.Errorf("steps %s, ids %v; want the ticket's: %v", steps, o.IDs, there)
			}
		})
	}
}

// outcomeOf is the outcome of a round.
func (w *ticketWorld) outcomeOf(t *testing.T, round int) (o sink.Outcome) {
	t.Helper()
	for _, r := range w.Consume(t, journaltest.Responses) {
		if e, ok := topics.ParseEntry(r); !ok || e.Round != round || topics.IsForOwners(r) {
			continue
		}
		if err := json.Unmarshal(r.Value, &o); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

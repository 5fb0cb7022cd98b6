package sink_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

// marked is a message of a rule.
type marked mapping.RuleMark

func (m marked) RuleMark() mapping.RuleMark { return mapping.RuleMark(m) }

func (marked) Answers() (desk, own bool) { return false, false }

// An event that has begun by a rule goes on, and says when the rule has changed since or is gone;
// what it puts on record names the rule by which it goes now.
func TestRoute_goesOnWithTheRuleOfItsProgress(t *testing.T) {
	step := []sink.StepRecord{{StepInfo: sink.StepInfo{Name: "a", State: "done"}}}
	for name, tt := range map[string]struct {
		before *sink.Progress
		now    mapping.RuleMark
		begun  string // as the mapping is told
		warns  string
	}{
		"not begun":                          {nil, mapping.RuleMark{Name: "r", Hash: "1"}, "", ""},
		"nothing on record but it":           {&sink.Progress{Rule: "r", RuleHash: "0"}, mapping.RuleMark{Name: "r", Hash: "1"}, "", ""},
		"the same":                           {&sink.Progress{Rule: "r", RuleHash: "1", Steps: step}, mapping.RuleMark{Name: "r", Hash: "1"}, "r 1", ""},
		"changed":                            {&sink.Progress{Rule: "r", RuleHash: "0", Steps: step}, mapping.RuleMark{Name: "r", Hash: "1"}, "r 0", "rule r has changed"},
		"announced, and no longer asked for": {&sink.Progress{Rule: "r", RuleHash: "0", Next: &sink.Announcement{Step: "a"}}, mapping.RuleMark{Name: "r", Hash: "1"}, "r 0", "step a, which the event no longer asks for, had been announced"},
		"announced, and asked for":           {&sink.Progress{Rule: "r", RuleHash: "0", Next: &sink.Announcement{Step: "b"}}, mapping.RuleMark{Name: "r", Hash: "1"}, "r 0", "rule r has changed"},
		"gone, another one matches":          {&sink.Progress{Rule: "q", RuleHash: "0", Steps: step}, mapping.RuleMark{Name: "r", Hash: "1"}, "q 0", "rule q, by which the event began, is gone: what was done stays, and the event goes on by rule r"},
		"gone, none matches":                 {&sink.Progress{Rule: "q", RuleHash: "0", Steps: step}, mapping.RuleMark{}, "q 0", "goes on without a rule"},
		"begun without a rule":               {&sink.Progress{Steps: step}, mapping.RuleMark{Name: "r", Hash: "1"}, "", ""},
	} {
		bubble(t, name, func(t *testing.T) {
			desk := &onceDesk{t: t, began: time.Now(), mu: new(sync.Mutex)}
			d := destination(t, config(desk))
			stop := newStops()
			defer stop.last()
			s := d.Session(enter(t, d.Gate(), "l"), stop.stop)
			ledger := &memory{desk: desk}
			s.Ledger, s.Inherited = ledger, tt.before
			begun := ""
			route := sink.NewRoute(sink.DestinationInfo{Name: "desk", Type: "test"}, mapping.Filter{},
				func(ev mapping.Event) (marked, error) {
					if ev.Begun != nil {
						begun = ev.Begun.Name + " " + ev.Begun.Hash
					}
					return marked(tt.now), nil
				},
				func(ctx context.Context, do sink.Doer, _ marked) (sink.Receipt, error) {
					_, err := do.Once(ctx, ticketEffect(do, "b"))
					return sink.Receipt{}, err
				})
			o, err := route.Deliver(stop.ctx, s, []byte(track))
			if err != nil {
				t.Fatal(err)
			}
			if begun != tt.begun || o.Rule != tt.now.Name {
				t.Errorf("the mapping was told %q, the outcome names %q; want %q and %q", begun, o.Rule, tt.begun, tt.now.Name)
			}
			warned := slices.ContainsFunc(o.Warnings, func(w string) bool { return strings.Contains(w, tt.warns) })
			if tt.warns == "" && len(o.Warnings) > 0 || tt.warns != "" && !warned {
				t.Errorf("warnings %q, want %q", o.Warnings, tt.warns)
			}
			if strings.Contains(tt.warns, "has changed") && len(o.Warnings) != 1 && tt.before.Next != nil && tt.before.Next.Step == "b" {
				t.Errorf("warnings %q, want one: the step is asked for", o.Warnings)
			}
			p := s.Progress()
			if p == nil || p.Rule != tt.now.Name || p.RuleHash != tt.now.Hash {
				t.Errorf("on record: %+v, want rule %+v", p, tt.now)
			}
		})
	}
}

// The progress of an event without a rule has no member more than before there were rules.
func TestProgress_ofNoRule(t *testing.T) {
	text, err := json.Marshal(sink.Progress{Claim: 7, Rule: "r", RuleHash: "1"})
	if want := `{"claim":7,"rule":"r","rule_hash":"1"}`; err != nil || string(text) != want {
		t.Errorf("%s, %v; want %s", text, err, want)
	}
	if text, _ = json.Marshal(sink.Progress{Claim: 7}); string(text) != `{"claim":7}` {
		t.Errorf("without a rule: %s", text)
	}
}

package processor

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/deskstream/deskstream/sink"
)

func TestRuleUses_countHitsAndKindsOfWarnings(t *testing.T) {
	c := newRuleCounts("inbox", []string{"a", "b"})
	for _, o := range []sink.Outcome{
		{Outcome: sink.Delivered, Warnings: []string{"x"}},
		{Outcome: sink.Delivered, Rule: "b"},
		{Outcome: sink.Dead, Rule: "b", Warnings: []string{`the desk has no team "grace@example.com": it was left out`, "lists: 12 left out"}},
		{Outcome: sink.Skipped, Rule: "a", Warnings: []string{`the desk has no team "vip \"1\" x": it was left out`, "y"}},
		{Outcome: sink.Delivered, Rule: "a", Warnings: []string{`the desk has no team "": it was left out`}},
	} {
		c.settled(&o)
	}
	before := time.Now()
	got := c.uses.list()
	want := []RuleUse{
		{Rule: "a", Delivered: 1, Skipped: 1, Warnings: []WarningCount{{"the desk has no team …: it was left out", 2}, {"y", 1}}},
		{Rule: "b", Delivered: 1, Dead: 1, Warnings: []WarningCount{{"lists: … left out", 1}, {"the desk has no team …: it was left out", 1}}},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(RuleUse{}, "Last")); diff != "" {
		t.Errorf("uses (-want +got):\n%s", diff)
	}
	for _, u := range got {
		if u.Last.IsZero() || u.Last.After(before) {
			t.Errorf("rule %s was last used at %v", u.Rule, u.Last)
		}
	}
}

func TestRuleUses_areBounded(t *testing.T) {
	var u ruleUses
	for i := range 1000 {
		u.settled(&sink.Outcome{Outcome: sink.Delivered, Rule: "a", Warnings: []string{strings.Repeat("é", i+1)}})
	}
	got := u.list()[0]
	if got.Delivered != 1000 || len(got.Warnings) > maxKinds+1 || got.Warnings[0].Kind != otherKinds {
		t.Errorf("%d kinds of %d events, the first %q", len(got.Warnings), got.Delivered, got.Warnings[0].Kind)
	}
	for _, w := range got.Warnings {
		if len(w.Kind) > maxKind {
			t.Errorf("a kind has %d bytes", len(w.Kind))
		}
	}
}

func BenchmarkRuleUses(b *testing.B) {
	var u ruleUses
	outcomes := make([]sink.Outcome, 100)
	for i := range outcomes {
		outcomes[i] = sink.Outcome{Outcome: sink.Delivered, Rule: fmt.Sprint("rule-", i)}
	}
	for i := 0; b.Loop(); i++ {
		u.settled(&outcomes[i%len(outcomes)])
	}
}

package config_test

import (
	"strings"
	"testing"
)

const prioritised = `
destinations:
  - name: inbox
    type: trengo
    events: [identify, track]
    trengo: {api_token: token-of-the-inbox-0123}
    rules:
      - {name: paid, match: {event: [Paid]}, priority: high, ticket: {note: x}}
      - {name: rest, match: {type: track}, ticket: {note: x}}
    delivery: {priority: {identify: low}}
`

func TestParse_warnsWhereEverythingIsHigh(t *testing.T) {
	for change, want := range map[string]string{
		"{identify: low}|{identify: low}":                            "",
		"{type: track}|{type: track}, priority: high":                "destinations[0].rules[1].priority: makes every track event high",
		"{type: track}|{type: track}, when: 1 > 0.0, priority: high": "",
		"{identify: low}|{identify: high, track: high}":              "destinations[0].delivery.priority: makes every event high",
		"{identify: low}|{identify: high, track: normal}":            "",
	} {
		from, to, _ := strings.Cut(change, "|")
		got := parse(t, strings.Replace(prioritised, from, to, 1), nil).Warnings().Error()
		if !strings.Contains(got, want) || want == "" && strings.Contains(got, "high") {
			t.Errorf("%s: the warnings are %q, want %q", change, got, want)
		}
	}
}

func TestReach_isSaidWherePrioritiesAreGiven(t *testing.T) {
	c := parse(t, prioritised+"limits: {records: 200000, bytes: 256MiB}\n", nil)
	if got := c.Reach(c.Destinations[0]); !strings.Contains(got, "at most 200000 records, 268435456 bytes and 50000 lanes") {
		t.Errorf("the reach is %q", got)
	}
	c = parse(t, strings.NewReplacer("priority: high, ", "", "delivery: {priority: {identify: low}}", "").Replace(prioritised), nil)
	if got := c.Reach(c.Destinations[0]); got != "" {
		t.Errorf("without priorities the reach is %q", got)
	}
}

// Priorities say when an event goes, not what becomes of it.
func TestHash_prioritiesMakeNoDifference(t *testing.T) {
	first := parse(t, prioritised, nil)
	for _, change := range []string{"identify: low|identify: high", "priority: high, |"} {
		from, to, _ := strings.Cut(change, "|")
		changed := parse(t, strings.Replace(prioritised, from, to, 1), nil)
		if first.Hash(first.Destinations[0]) != changed.Hash(changed.Destinations[0]) {
			t.Errorf("%q makes a difference", change)
		}
	}
}

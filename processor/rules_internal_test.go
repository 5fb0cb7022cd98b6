package processor

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/deskstream/deskstream/sink"
)

func TestRuleCounts_countEventsOfRules(t *testing.T) {
	c := newRuleCounts("inbox", []string{"a", "b"})
	for _, o := range []sink.Outcome{
		{Outcome: sink.Delivered},
		{Outcome: sink.Delivered, Warnings: []string{"x"}},
		{Outcome: sink.Delivered, Rule: "a"},
		{Outcome: sink.Dead, Rule: "a", Warnings: []string{"x", "y"}},
		{Outcome: sink.Skipped, Rule: "gone"},
	} {
		c.settled(&o)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(c.events, c.warned)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			words := []string{strings.TrimPrefix(f.GetName(), "deskstream_rule_")}
			for _, l := range m.GetLabel() { // sorted by their names
				words = append(words, l.GetValue())
			}
			got[strings.Join(words, " ")] = m.GetCounter().GetValue()
		}
	}
	want := map[string]float64{
		"events_total inbox delivered a": 1, "events_total inbox skipped a": 0, "events_total inbox dead a": 1, "warnings_total inbox a": 1,
		"events_total inbox delivered b": 0, "events_total inbox skipped b": 0, "events_total inbox dead b": 0, "warnings_total inbox b": 0,
		"events_total inbox skipped gone": 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

func TestRuleWarnings_areLoggedNowAndThen(t *testing.T) {
	var log bytes.Buffer
	w := ruleWarnings{log: slog.New(slog.NewTextHandler(&log, nil))}
	for range 150 {
		w.note(&sink.Outcome{Rule: "a", Warnings: []string{"the desk has no team \"of the event\""}})
	}
	w.note(&sink.Outcome{Rule: "b", Warnings: []string{"x"}})
	w.note(&sink.Outcome{Rule: "c"})
	w.note(&sink.Outcome{Warnings: []string{"x"}})
	for _, want := range []string{"rule=a events=1\n", "rule=a events=10\n", "rule=a events=100\n", "rule=b events=1\n"} {
		if strings.Count(log.String(), want) != 1 {
			t.Errorf("the log lacks %q:\n%s", want, log.String())
		}
	}
	if strings.Count(log.String(), "\n") != 4 || strings.Contains(log.String(), "of the event") {
		t.Errorf("the log:\n%s", log.String())
	}
}

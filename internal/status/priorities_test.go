package status

import (
	"strings"
	"testing"

	"github.com/deskstream/deskstream/internal/config/configtest"
)

// Two instances with different priorities are a mistake, or an update under way: status says which one
// goes by others, and where priorities put nothing first.
func TestPriorityWarnings(t *testing.T) {
	of := func(url, priorities string) Instance {
		return Instance{URL: url, Answer: Answer{Pipelines: []Pipeline{{Destination: "crm", Priorities: priorities}, {Destination: "other", Priorities: "call=low"}}}}
	}
	for name, tt := range map[string]struct {
		delivery  string
		instances []Instance
		want      []string
	}{
		"none at all":             {"{}", []Instance{of("a", "")}, nil},
		"all go by the file":      {"{priority: {track: high, identify: low}}", []Instance{of("a", "identify=low, track=high"), of("b", "identify=low, track=high")}, nil},
		"one goes by another":     {"{priority: {track: high, identify: low}}", []Instance{of("a", "identify=low, track=high"), of("b", "track=high")}, []string{"b goes by other priorities than this file"}},
		"both go by another":      {"{priority: {track: high}}", []Instance{of("b", ""), of("a", "call=low")}, []string{"a, b goes by other priorities"}},
		"everything is high":      {"{priority: {identify: high, track: high, page: high, screen: high, group: high, alias: high}}", nil, []string{"every event is high"}},
		"one that does not reply": {"{priority: {track: high}}", []Instance{{URL: "c", Error: "no"}}, nil},
	} {
		cfg := configtest.Parse(t, `
destinations:
  - {name: crm, type: kustomer, kustomer: {api_key: key-for-kustomer}, delivery: %s}
`, tt.delivery)
		got := priorityWarnings(cfg.Destinations[0], tt.instances)
		if len(got) != len(tt.want) {
			t.Errorf("%s: warnings %q, want %q", name, got, tt.want)
			continue
		}
		for i, want := range tt.want {
			if !strings.Contains(got[i], want) {
				t.Errorf("%s: warning %q, want %q", name, got[i], want)
			}
		}
	}
}

func TestReport_saysWhatPrioritiesSeeAndWhatTheLagMeans(t *testing.T) {
	r := Report{Destinations: []Destination{{Name: "crm", Lag: 12, Reach: "among the events that are read", Warnings: []string{"every event is high"}, prioritised: true}, {Name: "inbox", Lag: 3}}}
	text := r.Text()
	for _, want := range []string{"crm: priorities and coalescing choose among the events that are read", "crm: the lag counts what is settled behind", "crm: warning: every event is high"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if strings.Contains(text, "inbox: the lag") {
		t.Errorf("the text is\n%s", text)
	}
}

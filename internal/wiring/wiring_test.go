package wiring

import (
	"log/slog"
	"testing"

	"github.com/deskstream/deskstream/internal/config"
)

// Destinations of one host and credential have one budget, of which each has its part
// though it runs elsewhere.
func TestPipelines_dividesTheBudgetOfACredentialOverAllDestinationsOfTheFile(t *testing.T) {
	cfg, err := config.Parse("c.yaml", []byte(`
source: {topics: [a, b]}
destinations:
  - {name: one, type: kustomer, kustomer: {api_key: the-same-for-both}}
  - {name: two, type: kustomer, kustomer: {api_key: the-same-for-both}}
  - {name: three, type: kustomer, kustomer: {api_key: another-than-both}}
`), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		names []string
		opts  Options
		want  float64 // once the first of names has 6 of 12 partitions
	}{
		{[]string{"one"}, Options{Sources: map[string]int32{"a": 8, "b": 4}}, 0.25},
		{[]string{"one", "two", "three"}, Options{Sources: map[string]int32{"a": 12}}, 0.25},
		{[]string{"three"}, Options{Sources: map[string]int32{"a": 12}}, 0.5},
	} {
		pipelines, err := Pipelines(cfg, tt.names, tt.opts, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		p := pipelines[0]
		if p.Budget.Share() != 0 {
			t.Errorf("%v: share = %v before there is a partition, want 0", tt.names, p.Budget.Share())
		}
		if p.Budget.Divide(p.Config.Name, 6, 12); p.Budget.Share() != tt.want {
			t.Errorf("%v: share = %v, want %v", tt.names, p.Budget.Share(), tt.want)
		}
	}
	pipelines, err := Pipelines(cfg, []string{"one"}, Options{Alone: true}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if own, _ := pipelines[0].Budget.Own(); own != 100 {
		t.Errorf("the part of deliver is %v calls, want the reserve, a tenth of 1,000", own)
	}
}

package main

import (
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/cmd/deskstream/config"
	mapkustomer "github.com/deskstream/deskstream/mapping/kustomer"
)

func TestKustomerMapping_modesOfLists(t *testing.T) {
	for text, want := range map[string]mapkustomer.ListMode{
		"merge": mapkustomer.MergeLists, "replace": mapkustomer.ReplaceLists, "leave": mapkustomer.LeaveLists,
	} {
		if diff := cmp.Diff(mapkustomer.Config{Lists: want}, kustomerMapping(&config.Kustomer{Lists: text})); diff != "" {
			t.Errorf("lists: %s (-want +got):\n%s", text, diff)
		}
	}
}

// Destinations of one host and credential have one budget, of which each has its part
// though it runs elsewhere.
func TestWire_dividesTheBudgetOfACredentialOverAllDestinationsOfTheFile(t *testing.T) {
	cfg, err := config.Parse("c.yaml", []byte(`
destinations:
  - {name: one, type: kustomer, kustomer: {api_key: the-same-for-both}}
  - {name: two, type: kustomer, kustomer: {api_key: the-same-for-both}}
  - {name: three, type: kustomer, kustomer: {api_key: another-than-both}}
`), docsEnv)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		names []string
		opts  wireOptions
		want  float64 // once the first of names has 6 of 12 partitions
	}{
		{[]string{"one"}, wireOptions{sources: map[string]int32{"a": 8, "b": 4}}, 0.25},
		{[]string{"one", "two", "three"}, wireOptions{sources: map[string]int32{"a": 12}}, 0.25},
		{[]string{"three"}, wireOptions{sources: map[string]int32{"a": 12}}, 0.5},
	} {
		pipelines, err := wire(cfg, tt.names, tt.opts, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		p := pipelines[0]
		if p.budget.Share() != 0 {
			t.Errorf("%v: share = %v before there is a partition, want 0", tt.names, p.budget.Share())
		}
		if p.budget.Divide(p.config.Name, 6, 12); p.budget.Share() != tt.want {
			t.Errorf("%v: share = %v, want %v", tt.names, p.budget.Share(), tt.want)
		}
	}
	pipelines, err := wire(cfg, []string{"one"}, wireOptions{alone: true}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if own, _ := pipelines[0].budget.Own(); own != 100 {
		t.Errorf("the part of deliver is %v calls, want the reserve, a tenth of 1,000", own)
	}
}

package sample_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/sample"
)

func generate(cfg sample.Config, n int) []sample.Record {
	g := sample.New(cfg)
	records := make([]sample.Record, n)
	for i := range records {
		records[i] = g.Next()
	}
	return records
}

func TestNext_sameSeedGivesSameBytes(t *testing.T) {
	cfg := sample.Config{Seed: 7, OddShare: 0.2}
	again := generate(cfg, 2000)
	for i, want := range generate(cfg, 2000) {
		if got := again[i]; string(got.Value) != string(want.Value) || string(got.Key) != string(want.Key) || got.Time != want.Time {
			t.Fatalf("event %d of the second run is %s, want %s", i, got.Value, want.Value)
		}
	}
	other := cfg
	other.Seed = 8
	if cmp.Equal(generate(cfg, 20), generate(other, 20)) {
		t.Error("another seed gives the same events")
	}
}

func TestNext_eventsLookLikeEvents(t *testing.T) {
	for i, r := range generate(sample.Config{Seed: 1}, 5000) {
		if len(r.Value) < 400 || len(r.Value) > 1500 {
			t.Fatalf("event %d has %d bytes, want 400 to 1500: %s", i, len(r.Value), r.Value)
		}
		var e struct {
			Type, UserID, AnonymousID, MessageID, Event string
			Context                                     map[string]any
		}
		if err := json.Unmarshal(r.Value, &e); err != nil {
			t.Fatalf("event %d is not JSON: %v", i, err)
		}
		if e.Type != r.Kind || e.MessageID == "" || e.AnonymousID == "" || e.Context["library"] == nil {
			t.Fatalf("event %d lacks something of kind %s: %s", i, r.Kind, r.Value)
		}
		if want := e.UserID; want != "" && want != string(r.Key) || want == "" && e.AnonymousID != string(r.Key) {
			t.Fatalf("event %d has the key %q, want the user id, else the anonymous id: %s", i, r.Key, r.Value)
		}
		if e.Type == "track" && e.Event == "" {
			t.Fatalf("event %d is a track event without a name", i)
		}
		if e.Type != "alias" && sample.FindMark(r.Value) != r.Mark {
			t.Fatalf("event %d shows the mark %q, want %q: %s", i, sample.FindMark(r.Value), r.Mark, r.Value)
		}
	}
}

func TestNext_givesAllTypesInShares(t *testing.T) {
	const n = 20000
	got := map[string]int{}
	for _, r := range generate(sample.Config{Seed: 3, OddShare: 0.05}, n) {
		kind, _, _ := strings.Cut(r.Kind, ":")
		got[kind]++
	}
	want := map[string][2]float64{ // least and most share
		"track": {0.4, 0.6}, "identify": {0.1, 0.2}, "page": {0.15, 0.3}, "screen": {0.03, 0.1},
		"group": {0.005, 0.03}, "alias": {0.002, 0.02}, "odd": {0.04, 0.06},
	}
	for kind, bounds := range want {
		if share := float64(got[kind]) / n; share < bounds[0] || share > bounds[1] {
			t.Errorf("%s has a share of %.3f, want %v", kind, share, bounds)
		}
	}
}

func TestNext_visitorsBecomeKnown(t *testing.T) {
	anonymous, known := map[string]bool{}, map[string]string{}
	for _, r := range generate(sample.Config{Seed: 5, Users: 50}, 3000) {
		var e struct{ Type, UserID, AnonymousID string }
		if err := json.Unmarshal(r.Value, &e); err != nil {
			t.Fatal(err)
		}
		switch {
		case e.UserID == "":
			if known[e.AnonymousID] != "" {
				t.Fatalf("%s is anonymous again after an identify", known[e.AnonymousID])
			}
			anonymous[e.AnonymousID] = true
		case known[e.AnonymousID] == "":
			if e.Type != "identify" {
				t.Fatalf("%s became known by a %s, want identify", e.UserID, e.Type)
			}
			known[e.AnonymousID] = e.UserID
		}
	}
	both := 0
	for id := range anonymous {
		if known[id] != "" {
			both++
		}
	}
	if both < 10 {
		t.Errorf("%d of 50 visitors became known, want at least 10", both)
	}
}

func TestNext_zipfMakesFewUsersBusy(t *testing.T) {
	busiest := func(uniform bool) int {
		count, most := map[string]int{}, 0
		for _, r := range generate(sample.Config{Seed: 9, Users: 500, Uniform: uniform}, 5000) {
			count[string(r.Key)]++
			most = max(most, count[string(r.Key)])
		}
		return most
	}
	if z, u := busiest(false), busiest(true); z < 150 || u > 50 {
		t.Errorf("the busiest user has %d of 5000 events by Zipf and %d uniformly, want at least 150 and at most 50", z, u)
	}
}

func TestNext_oddEventsAreAllThere(t *testing.T) {
	got := map[string]int{}
	for _, r := range generate(sample.Config{Seed: 11, OddShare: 1}, 3000) {
		got[r.Kind]++
		switch r.Kind {
		case "odd:tombstone":
			if r.Value != nil {
				t.Errorf("a tombstone has the value %q", r.Value)
			}
		case "odd:empty":
			if r.Value == nil || len(r.Value) > 0 {
				t.Errorf("an empty event has the value %#v", r.Value)
			}
		case "odd:cut off", "odd:list", "odd:number":
			var m map[string]any
			if json.Unmarshal(r.Value, &m) == nil {
				t.Errorf("%s is a JSON object: %s", r.Kind, r.Value)
			}
		}
	}
	if len(got) != 28 {
		t.Errorf("%d oddities in 3000 odd events, want 28: %v", len(got), got)
	}
}

func TestNext_marksNamesWhenAsked(t *testing.T) {
	for _, r := range generate(sample.Config{Seed: 2, MarkNames: true}, 300) {
		var e struct{ Traits struct{ Name string } }
		if err := json.Unmarshal(r.Value, &e); err != nil {
			t.Fatal(err)
		}
		if r.Kind == "identify" && sample.FindMark([]byte(e.Traits.Name)) != r.Mark {
			t.Fatalf("the name %q lacks the mark %s", e.Traits.Name, r.Mark)
		}
	}
}

func TestNext_goesOnAfterEarlierEvents(t *testing.T) {
	first := generate(sample.Config{Seed: 4}, 500)
	later := generate(sample.Config{Seed: 4, After: 500}, 1)[0]
	if later.Mark != sample.Mark(501) {
		t.Errorf("the event after 500 has the mark %s, want %s", later.Mark, sample.Mark(501))
	}
	if last := first[499].Time; later.Time.Sub(last).Abs() > time.Minute {
		t.Errorf("the event after 500 is of %v, far from the one before, %v", later.Time, last)
	}
}

func TestFindMark_findsOnlyMarks(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "",
		"ev-":                            "",
		"ev-1234567":                     "",
		"ev-1234567x":                    "",
		sample.Mark(12):                  "ev-00000012",
		`{"a":"Order ev-00000012 paid"}`: "ev-00000012",
		"ev-x ev-00000012 ev-00000013":   "ev-00000012",
		"ev-ev-00000012":                 "ev-00000012",
	} {
		if got := sample.FindMark([]byte(text)); got != want {
			t.Errorf("FindMark(%q) = %q, want %q", text, got, want)
		}
	}
}

func ExampleGenerator() {
	g := sample.New(sample.Config{Seed: 1})
	for range 3 {
		r := g.Next()
		fmt.Println(r.Kind, r.Mark)
	}
	// Output:
	// track ev-00000001
	// track ev-00000002
	// track ev-00000003
}

func BenchmarkNext(b *testing.B) {
	g := sample.New(sample.Config{Seed: 1, OddShare: 0.02})
	for b.Loop() {
		g.Next()
	}
}

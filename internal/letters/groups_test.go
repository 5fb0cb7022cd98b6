package letters_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/letters"
)

func TestGroups_areBoundedWhateverTheFingerprints(t *testing.T) {
	g := letters.NewGroups()
	for i := range 30_000 {
		l := letters.Letter{ID: fmt.Sprintf("%032x", i), Fingerprint: fmt.Sprint(i), Destination: "crm", Code: fmt.Sprint(i % 2)}
		g.Add(&l, letters.Open)
	}
	list := g.List()
	if len(list) != 10_002 || list[0].Count != 10_000 || list[1].Count != 10_000 {
		t.Errorf("%d groups, the largest of %d and %d: want 10,002, 10,000 and 10,000", len(list), list[0].Count, list[1].Count)
	}
}

func TestGroups_countFromTheFirstToTheLast(t *testing.T) {
	g := letters.NewGroups()
	for _, minute := range []int{5, 2, 9} {
		l := letters.Letter{Fingerprint: "f", At: letters.Place{Timestamp: time.Unix(int64(60*minute), 0)}}
		g.Add(&l, letters.Open)
	}
	if got := g.List()[0]; got.First.Unix() != 120 || got.Last.Unix() != 540 {
		t.Errorf("from %v to %v", got.First, got.Last)
	}
}

func TestGroups_countTheHoursOfTheLastDay(t *testing.T) {
	g := letters.NewGroups()
	now := time.Now()
	for _, ago := range []time.Duration{-time.Hour, 0, 59 * time.Minute, 61 * time.Minute, 23*time.Hour + 59*time.Minute, 25 * time.Hour, 1000 * time.Hour} {
		l := letters.Letter{Fingerprint: "f", At: letters.Place{Timestamp: now.Add(-ago)}}
		g.Add(&l, letters.Open)
	}
	if got, want := g.List()[0].Hours, [24]int{0: 1, 22: 1, 23: 3}; got != want {
		t.Errorf("by hour %v, want %v", got, want)
	}
}

func TestStates_theLatestCounts(t *testing.T) {
	id, at := fmt.Sprintf("%032x", 7), time.Unix(1000, 0)
	states := letters.States{}
	for _, s := range []letters.State{
		{ID: id, Status: letters.Sending, At: at}, {ID: id, Status: letters.Delivered, At: at.Add(2)}, {ID: id, Status: letters.Sending, At: at.Add(1)},
	} {
		rec, err := s.Record("state", 5)
		if err != nil {
			t.Fatal(err)
		}
		if origin := states.Take(rec); origin != letters.Ours {
			t.Fatalf("a state of ours is of origin %d", origin)
		}
	}
	if got := states.Status(id); got != letters.Delivered {
		t.Errorf("status %s, want delivered: one of an older time came last", got)
	}
	if got := states.Status("x"); got != letters.Open {
		t.Errorf("status of no id is %s", got)
	}
}

// One record of another program must not keep anybody from reading the letters.
func TestStates_foreignRecordsAreLeftOut(t *testing.T) {
	id := fmt.Sprintf("%032x", 7)
	for _, c := range []struct {
		key, value string
		origin     letters.Origin
		status     letters.Status
	}{
		{"foreign", "hello", letters.Foreign, letters.Open},
		{"", `{"id":""}`, letters.Foreign, letters.Open},
		{id, "hello", letters.Foreign, letters.Open},
		{id, `{"id":"x","status":"discarded","schema":1}`, letters.Foreign, letters.Open},
		{id, `{"id":"` + id + `","status":"discarded"}`, letters.Foreign, letters.Open},
		{id, `{"id":"` + id + `","status":"discarded","schema":1}`, letters.Ours, letters.Discarded},
		{id, `{"id":"` + id + `","status":"archived","schema":2,"more":[]}`, letters.Newer, "archived"},
	} {
		states := letters.States{}
		origin := states.Take(&kgo.Record{Key: []byte(c.key), Value: []byte(c.value)})
		if got := states.Status(id); origin != c.origin || got != c.status {
			t.Errorf("record %q: %q is of origin %d and makes the letter %s; want %d, %s", c.key, c.value, origin, got, c.origin, c.status)
		}
	}
	if !letters.Status("archived").Closed() {
		t.Error("a status of a newer version leaves its letter open: it would be sent again")
	}
}

func TestParseRange(t *testing.T) {
	for text, want := range map[string]letters.Range{
		"118": {From: 118, To: 118}, "118-200": {From: 118, To: 200}, "118-": {From: 118, To: 1<<63 - 1}, "-200": {From: 0, To: 200},
	} {
		if got, err := letters.ParseRange(text); err != nil || !cmp.Equal(got, want) {
			t.Errorf("%q gives %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-", "x", "9-2", "1-2-3"} {
		if got, err := letters.ParseRange(text); err == nil {
			t.Errorf("%q is taken as %v", text, got)
		}
	}
}

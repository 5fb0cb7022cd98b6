package sink_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/hold"
)

// names is what the namesRoute tells the desk.
type names string

// namesRoute joins the names of users; the desk refuses all that has the name bad.
func namesRoute() sink.Route {
	return sink.Way[names]{
		Map: func(ev mapping.Event) (names, error) {
			name := names(ev.Get("userId").Text())
			switch name {
			case "skipped":
				return name, mapping.NothingToUpdate
			case "faulty":
				panic("x")
			}
			return name, nil
		},
		Send: func(ctx context.Context, do sink.Doer, n names) (sink.Receipt, error) {
			_, err := do.Do(ctx, sink.Call{Op: "PUT /n", Method: http.MethodPut, Path: "/n", Body: mapping.Obj(mapping.Member{Name: "n", Value: mapping.Str(string(n))})})
			return sink.Receipt{IDs: map[string]string{"id": "7"}, Warnings: []string{"of the calls"}}, err
		},
		Merge:    func(older, newer names) (names, bool) { return older + "+" + newer, newer != "other" },
		Warnings: func(n names) []string { return []string{"of " + string(n)} },
	}.Route(sink.DestinationInfo{Name: "desk", Type: "test"}, mapping.Filter{Types: []string{"identify", "track"}})
}

func named(name string) []byte {
	return fmt.Appendf(nil, `{"type":"identify","userId":%q,"messageId":"m-%s","timestamp":"2026-01-02T03:04:05Z"}`, name, name)
}

// following gives records in turn.
func following(values ...[]byte) *sink.Group {
	return &sink.Group{Following: func(i int) (sink.Follower, bool) {
		if i >= len(values) {
			return sink.Follower{}, false
		}
		return sink.Follower{Value: values[i]}, true
	}}
}

// deliverGroup delivers the first of values with the others behind it.
func deliverGroup(t *testing.T, d *sink.Destination, first []byte, g *sink.Group) sink.Outcome {
	t.Helper()
	s := d.Session(enter(t, d.Gate(), "l"), forever())
	s.Lane, s.Group = "l", g
	o, err := namesRoute().Deliver(t.Context(), s, first)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestGroup_joinsWhatFollowsUntilSomethingCannotJoin(t *testing.T) {
	for name, tt := range map[string]struct {
		first  []byte
		behind [][]byte
		joined int
		id     string // of the event that is sent
	}{
		"nothing behind":      {named("a"), nil, 0, "m-a"},
		"two":                 {named("a"), [][]byte{named("b"), named("c")}, 2, "m-c"},
		"one that does not":   {named("a"), [][]byte{named("b"), named("other"), named("c")}, 1, "m-b"},
		"another type":        {named("a"), [][]byte{[]byte(`{"type":"track","userId":"b"}`), named("c")}, 0, "m-a"},
		"a type not taken":    {named("a"), [][]byte{[]byte(`{"type":"page","userId":"b"}`), named("c")}, 0, "m-a"},
		"nothing to update":   {named("a"), [][]byte{named("skipped"), named("c")}, 0, "m-a"},
		"no event":            {named("a"), [][]byte{[]byte("x"), named("c")}, 0, "m-a"},
		"a tombstone":         {named("a"), [][]byte{nil, named("c")}, 0, "m-a"},
		"a track at the head": {[]byte(`{"type":"track","userId":"a","messageId":"m-a"}`), [][]byte{named("b")}, 0, "m-a"},
	} {
		t.Run(name, func(t *testing.T) {
			d := destination(t, config(exchange(func(*http.Request) (*http.Response, error) { return answer(200, "{}") })))
			g := following(tt.behind...)
			o := deliverGroup(t, d, tt.first, g)
			if len(g.Joined()) != tt.joined || *o.Event.ID != tt.id || g.Apart(&o) != 0 || o.Outcome != sink.Delivered || len(o.Calls) != 1 {
				t.Errorf("%d joined, outcome %s of %s with %d calls, apart %d", len(g.Joined()), o.Outcome, *o.Event.ID, len(o.Calls), g.Apart(&o))
			}
		})
	}
}

func TestGroup_eachHasTheOutcomeOfTheCalls(t *testing.T) {
	d := destination(t, config(exchange(func(*http.Request) (*http.Response, error) { return answer(200, "{}") })))
	g := following(named("b"), named("c"))
	o := deliverGroup(t, d, named("a"), g)
	at := int64(9)
	var got []string
	for _, j := range g.Joined() {
		other := j.OutcomeOf(&o, &at)
		got = append(got, fmt.Sprint(*other.Event.ID, " ", other.Outcome, " ", other.IDs, " ", other.Warnings, " in ", *other.MergedInto.ID, " at ", *other.MergedInto.Offset, " ", other.Calls, " ", j.Time.Unix()))
	}
	want := []string{
		"m-a delivered map[id:7] [of a] in m-c at 9 [] 1767323045", "m-b delivered map[id:7] [of b] in m-c at 9 [] 1767323045",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if !cmp.Equal(o.Warnings, []string{"of the calls"}) || o.MergedInto != nil || g.NewestTime().Unix() != 1767323045 {
		t.Errorf("the sent event's outcome: %+v", o)
	}
}

// What comes to nothing for several is of none of them, whatever it was.
func TestGroup_whatComesToNothingIsTakenApart(t *testing.T) {
	d := destination(t, config(exchange(func(*http.Request) (*http.Response, error) { return answer(422, `{"message":"no"}`) })))
	for name, tt := range map[string]struct {
		behind [][]byte
		apart  int
	}{
		"refused":             {[][]byte{named("b"), named("other")}, 2},
		"a panic":             {[][]byte{named("b"), named("faulty"), named("c")}, 3},
		"a panic at once":     {[][]byte{named("faulty")}, 2},
		"an event for itself": {[][]byte{named("other")}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			g := following(tt.behind...)
			o := deliverGroup(t, d, named("a"), g)
			if got := g.Apart(&o); o.Outcome != sink.Dead || got != tt.apart {
				t.Errorf("outcome %s, apart %d, want %d", o.Outcome, got, tt.apart)
			}
		})
	}
}

// A refused call for several counts for none of them at the breaker: each is judged alone.
func TestGroup_aRefusedCallForSeveralIsNoVerdictOfTheBreaker(t *testing.T) {
	c := config(exchange(func(*http.Request) (*http.Response, error) { return answer(422, `{"message":"no"}`) }))
	c.Breaker = hold.Breaker{Share: 0.5, Of: 4}
	d := destination(t, c)
	for range 10 {
		deliverGroup(t, d, named("a"), following(named("b")))
	}
	if d.Gate().Held().Active() {
		t.Error("the breaker holds")
	}
	for range 2 {
		deliverGroup(t, d, named("a"), following())
	}
	if d.Gate().Held().Active() {
		t.Error("the breaker holds after two of four")
	}
}

// A record that gets too old while the call for several waits dies alone: the call is not made.
func TestGroup_whatGetsTooOldIsTakenApart(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		c := config(exchange(func(*http.Request) (*http.Response, error) { return answer(200, "{}") }))
		c.MaxAge = time.Hour
		d := destination(t, c)
		g := &sink.Group{Following: func(i int) (sink.Follower, bool) {
			return sink.Follower{Value: named("b"), Timestamp: time.Now().Add(-59 * time.Minute)}, i == 0
		}}
		pass := enter(t, d.Gate(), "l")
		s := d.Session(pass, forever())
		s.Group, s.Timestamp = g, time.Now()
		if err := d.Gate().Halt(); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(2*time.Minute, func() { _, _ = d.Gate().Resume() })
		o, err := namesRoute().Deliver(t.Context(), s, named("a"))
		if err != nil || g.Apart(&o) != 2 || o.Error.Class != sink.Expired {
			t.Errorf("outcome %s, %v, apart %d: %v", o.Outcome, o.Error, g.Apart(&o), err)
		}
	})
}

package desktest

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/stub"
	"github.com/deskstream/deskstream/sink"
)

// Groups are random identifies of a person or two, in one lane.
type Groups struct {
	// Rounds is how many to try.
	Rounds int
	// Events returns the events of a round.
	Events func(*rand.Rand) []string
	// State is the path of the list that shows what they have left at the desk.
	State string
	// Unlike are the members of what it shows that count writes, or say when they were made.
	Unlike []string
}

// SameAsOneByOne checks that events which may go out together leave the desk as they do one by one,
// with fewer writes, and that each has an outcome.
func SameAsOneByOne(t *testing.T, d Desk, g Groups) {
	synctest.Test(t, func(t *testing.T) { sameAsOneByOne(t, d, g) }) // back-offs take no time
}

func sameAsOneByOne(t *testing.T, d Desk, g Groups) {
	alone, together := 0, 0
	for seed := range g.Rounds {
		rng := rand.New(rand.NewPCG(uint64(seed), 25))
		events := g.Events(rng)
		known := rng.IntN(len(events)) * rng.IntN(2) // that the desk has before
		forgets := rng.IntN(2) == 0
		states := make([]any, 2)
		for i, group := range []bool{false, true} {
			w := newLocal(t, d)
			w.deliverEach(t, events[:known], false)
			if forgets {
				w.connect(t, w.change)
			}
			before := len(w.writes())
			w.deliverEach(t, events[known:], group)
			states[i] = w.state(t, g)
			if group {
				together += len(w.writes()) - before
			} else {
				alone += len(w.writes()) - before
			}
		}
		if diff := cmp.Diff(states[0], states[1]); diff != "" {
			t.Fatalf("seed %d: the desk differs (-one by one +together), %d of the events known before:\n%s\n%s", seed, known, diff, lines(events))
		}
	}
	t.Logf("%d writes one by one, %d together", alone, together)
	if together >= alone*3/4 {
		t.Errorf("%d writes together, %d one by one", together, alone)
	}
}

func lines(events []string) string {
	var text strings.Builder
	for _, event := range events {
		text.WriteString(event + "\n")
	}
	return text.String()
}

// local is a world whose API is reached without a connection.
type local struct {
	*world
	handler http.Handler
	change  []func(*sink.Config)
}

func newLocal(t *testing.T, d Desk) *local {
	l := &local{world: &world{desk: d, ops: make(map[string]bool), url: "http://desk.test"}, handler: d.stub(stub.Config{Seed: 1})}
	l.change = []func(*sink.Config){func(c *sink.Config) {
		c.Transport, c.Rate.Requests = l, 1e9
		c.BaseURL = "http://desk.test" // below which the stub's routes are
	}}
	l.connect(t, l.change)
	return l
}

// RoundTrip implements http.RoundTripper.
func (l *local) RoundTrip(r *http.Request) (*http.Response, error) {
	l.requests = append(l.requests, r)
	r = r.Clone(r.Context())
	if r.Body == nil { // a server's request has one
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	l.handler.ServeHTTP(w, r)
	w.Flush()
	return w.Result(), nil
}

// deliverEach delivers a lane of events as the processor does.
func (l *local) deliverEach(t *testing.T, events []string, group bool) {
	t.Helper()
	for first, alone := 0, 0; first < len(events); {
		var g *sink.Group
		if group && first >= alone {
			g = &sink.Group{Following: func(i int) (sink.Follower, bool) {
				if first+1+i >= len(events) {
					return sink.Follower{}, false
				}
				return sink.Follower{Value: []byte(events[first+1+i])}, true
			}}
		}
		o, err := l.deliverGroup(t.Context(), events[first], g)
		if err != nil {
			t.Fatalf("%s: %v", events[first], err)
		}
		if n := g.Apart(&o); n > 0 {
			alone = first + n
			continue
		}
		if last := events[first+len(g.Joined())]; !strings.Contains(last, `"`+*o.Event.ID+`"`) {
			t.Errorf("the outcome is of %s, want that of %s", *o.Event.ID, last)
		}
		first += 1 + len(g.Joined())
	}
}

func (l *local) deliverGroup(ctx context.Context, event string, g *sink.Group) (sink.Outcome, error) {
	pass, err := l.dest.Gate().Enter(ctx, "lane")
	if err != nil {
		return sink.Outcome{}, err
	}
	s := l.dest.Session(pass, sink.Stop{Soft: ctx, Hard: ctx})
	s.Lane, s.Group = "lane", g
	return l.route.Deliver(ctx, s, []byte(event))
}

// state is what the desk shows.
func (l *local) state(t *testing.T, g Groups) any {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, g.State, http.NoBody)
	r.Header.Set("Authorization", "Bearer "+Token)
	w := httptest.NewRecorder()
	l.handler.ServeHTTP(w, r)
	var shown any
	if err := json.Unmarshal(w.Body.Bytes(), &shown); err != nil || w.Code != http.StatusOK {
		t.Fatalf("GET %s: %d %s", g.State, w.Code, w.Body)
	}
	return without(shown, g.Unlike)
}

// without leaves members of all objects out.
func without(v any, names []string) any {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range names {
			delete(v, name)
		}
		for name, part := range v {
			v[name] = without(part, names)
		}
	case []any:
		for i, part := range v {
			v[i] = without(part, names)
		}
	}
	return v
}

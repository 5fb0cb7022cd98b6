//go:build synctests

package processor_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/processor"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
)

// byWord has a priority for each event whose text has the priority's name in it.
type byWord struct{}

func (byWord) Of(_ *mapping.Reader, _ mapping.Decoder, value []byte, _ *mapping.RuleMark) mapping.Priority {
	for _, p := range mapping.Priorities {
		if strings.Contains(string(value), p.String()+"-") {
			return p
		}
	}
	return mapping.Normal
}

func (byWord) OfCalls() mapping.Priority { return mapping.Normal }

// prioritised has 60 calls a minute.
func prioritised(c *processor.Config, s *sink.Config) {
	c.Priorities = byWord{}
	s.Priorities, s.Rate = true, budget.Rate{Requests: 60, Per: time.Minute}
}

// of is an event of a user with a text of its own in its message id.
func of(user, id string) []byte {
	return fmt.Appendf(nil, `{"type":"track","userId":%q,"messageId":"%s-%s","event":"E"}`, user, user, id)
}

// backlog sends n events of a priority, each of a user of its own.
func (w *world) backlog(p mapping.Priority, n int) {
	var events [][]byte
	for i := range n {
		events = append(events, of(fmt.Sprint(p, "-user", i), "1"))
	}
	w.send(0, events...)
}

func TestPriority_urgentEventsGoFirstAndTheOthersKeepATenth(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		in := w.start(prioritised)
		w.backlog(mapping.Low, 500)
		time.Sleep(20 * time.Second)
		sent := time.Now()
		w.send(1, of("payer", "high-1"))
		w.eventually("the urgent event is delivered", func() bool { return len(w.desk.of("payer")) == 1 })
		if took := time.Since(sent); took > 3*time.Second {
			t.Errorf("an urgent event took %v behind 480 others", took)
		}
		before := len(w.desk.calls())
		w.backlog(mapping.High, 200)
		time.Sleep(100 * time.Second)
		high, low := 0, 0
		for _, c := range w.desk.calls()[before:] {
			if strings.HasPrefix(c.User, "high-") {
				high++
			} else {
				low++
			}
		}
		if high+low < 98 || low < high/11 || low > high/8 {
			t.Errorf("%d urgent ones went, and %d others", high, low)
		}
		f := in.Figures()
		oldest := f.ByPriority[mapping.Low.Rank()].Oldest
		if f.ByPriority[mapping.High.Rank()].Open != int64(200-high) || oldest < 120*time.Second || f.Open != f.ByPriority[0].Open+f.ByPriority[1].Open+f.ByPriority[2].Open {
			t.Errorf("figures: %+v", f.ByPriority)
		}
		w.settledAll()
		f = in.Figures()
		if f.ByPriority != [3]processor.PriorityFigures{{Settled: 201}, {}, {Settled: 500}} {
			t.Errorf("figures at the end: %+v", f.ByPriority)
		}
		in.check()
		in.stop()
	})
}

// otherWay has what is high to byWord low, and what is low high.
type otherWay struct{ byWord }

func (o otherWay) Of(r *mapping.Reader, d mapping.Decoder, value []byte, rule *mapping.RuleMark) mapping.Priority {
	return mapping.Priorities[2-o.byWord.Of(r, d, value, rule).Rank()]
}

// transport makes exchanges.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// Two instances with different priorities, as in an update: each goes by its own, nothing is lost or
// repeated when a partition goes from one to the other, and lanes keep their order.
func TestPriority_instancesWithOthersGoEachByItsOwn(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		first := w.start(prioritised)
		for i := range 20 {
			for p := range int32(4) {
				w.send(p, of(fmt.Sprintf("high-%d-%d", p, i), "1"), of(fmt.Sprintf("low-%d-%d", p, i), "1"), of(fmt.Sprintf("high-%d-%d", p, i), "2"))
			}
		}
		time.Sleep(20 * time.Second)
		var users []string // of the second instance's calls
		second := w.start(prioritised, func(c *processor.Config, s *sink.Config) {
			c.Priorities = otherWay{}
			s.Transport = transport(func(req *http.Request) (*http.Response, error) {
				body, err := io.ReadAll(req.Body)
				if err != nil {
					return nil, err
				}
				req.Body = io.NopCloser(bytes.NewReader(body))
				if call, err := read(req); err == nil {
					users = append(users, call.User) // one at a time: it has a call a second
				}
				req.Body = io.NopCloser(bytes.NewReader(body))
				return w.desk.RoundTrip(req)
			})
		})
		w.settledAll()
		low := 0
		for _, user := range users[:min(15, len(users))] {
			if strings.HasPrefix(user, "low-") {
				low++
			}
		}
		if low < 12 {
			t.Errorf("of its first 15 calls %d were for what is high to it: %v", low, users)
		}
		for i := range 20 {
			for p := range int32(4) {
				if got := w.desk.of(fmt.Sprintf("high-%d-%d", p, i)); len(got) != 2 || !strings.HasSuffix(got[0], "-1") || !strings.HasSuffix(got[1], "-2") {
					t.Errorf("the events of a lane were sent as %v", got)
				}
			}
		}
		first.check()
		second.check()
		first.stop()
		second.stop()
	})
}

// A lane is as urgent as its most urgent event, from its first on: nothing is drawn past that.
func TestPriority_aLaneKeepsItsOrderAndGoesAsItsMostUrgentEvent(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		in := w.start(prioritised, func(_ *processor.Config, s *sink.Config) { s.MaxInFlight = 1 }) // or a longer lane begins earlier
		w.backlog(mapping.Low, 100)
		w.send(1, of("payer", "low-1"), of("payer", "low-2"), of("payer", "low-3"))
		time.Sleep(5 * time.Second)
		if n := len(w.desk.of("payer")); n > 0 {
			t.Fatalf("%d events of a lane that is low went before those that came first", n)
		}
		w.send(1, of("payer", "high-4"), of("payer", "low-5"))
		time.Sleep(6 * time.Second)
		want := []string{"payer-low-1", "payer-low-2", "payer-low-3", "payer-high-4"}
		if got := w.desk.of("payer"); !slices.Equal(got, want) {
			t.Errorf("delivered: %q, want %q", got, want)
		}
		w.settledAll()
		if got := w.desk.of("payer"); !slices.Equal(got, append(want, "payer-low-5")) {
			t.Errorf("delivered: %q", got)
		}
		in.check()
		in.stop()
	})
}

// The first event of a lane is on its way, and becomes urgent with what comes behind it.
func TestPriority_anEventOnItsWayHurriesForWhatIsBehindIt(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.route = lookupRoute
		in := w.start(prioritised)
		w.desk.answers(func(s seen) (int, time.Duration) {
			if s.User == "payer" {
				return 200, 5 * time.Second
			}
			return 200, 0
		})
		w.send(1, of("payer", "low-1")) // its lookup takes 5 s, its write waits then
		time.Sleep(time.Second)
		w.backlog(mapping.Normal, 100)
		time.Sleep(time.Second)
		w.send(1, of("payer", "high-2"))
		w.eventually("the urgent event is looked up", func() bool { return slices.Contains(w.desk.of("payer"), "payer-high-2") })
		if n := len(w.desk.ids()); n > 15 {
			t.Errorf("the urgent event's turn came after %d calls", n)
		}
		in.check()
		in.stop()
	})
}

// What is beyond the places' needs is read too, or it could not be urgent.
func TestPriority_intakeReadsUpToTheLimits(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		in := w.start(prioritised, func(c *processor.Config, s *sink.Config) { c.Limits.Records, s.MaxInFlight = 600, 1 })
		w.backlog(mapping.Low, 550)
		time.Sleep(5 * time.Second)
		sent := time.Now()
		w.send(1, of("payer", "high-1"))
		w.eventually("the urgent event is delivered", func() bool { return len(w.desk.of("payer")) == 1 })
		if took := time.Since(sent); took > 3*time.Second {
			t.Errorf("an urgent event took %v behind what fits into the limits", took)
		}
		if f := in.Figures(); f.Open < 500 {
			t.Errorf("%d records are read of 550", f.Open)
		}
		in.check()
		in.stop()
	})
}

// Events that make no call are not held to the pace of calls.
func TestPriority_eventsWithoutACallCostNoCall(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		in := w.start(prioritised)
		var events [][]byte
		for i := range 300 {
			events = append(events, fmt.Appendf(nil, `{"type":"track","userId":"low-%d","messageId":"m-%d","event":"skip"}`, i, i))
		}
		w.send(0, events...)
		began := time.Now()
		w.settledAll()
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("300 events without a call took %v at one call a second", took)
		}
		in.check()
		in.stop()
	})
}

func TestPriority_aReleasedPartitionLeavesNothingWaiting(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		first := w.start(prioritised)
		w.backlog(mapping.Low, 50)
		w.send(1, of("payer", "high-1"), of("payer", "low-2"))
		time.Sleep(5 * time.Second)
		second := w.start(prioritised)
		time.Sleep(10 * time.Second)
		first.stop()
		w.settledAll()
		second.check()
		second.stop()
	})
}

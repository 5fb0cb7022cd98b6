package sink_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
)

// hurried are events of one destination with 60 calls a minute, of which one is there at once.
type hurried struct {
	t     *testing.T
	d     *sink.Destination
	ids   *sink.IDs
	began time.Time
	mu    sync.Mutex
	calls []string // path and second
	group sync.WaitGroup
}

func newHurried(t *testing.T, change func(*sink.Config)) *hurried {
	h := &hurried{t: t, ids: sink.NewIDs(10, time.Minute), began: time.Now()}
	c := config(exchange(func(req *http.Request) (*http.Response, error) {
		h.mu.Lock()
		h.calls = append(h.calls, fmt.Sprintf("%s %.0f", req.URL.Path[1:], time.Since(h.began).Seconds()))
		h.mu.Unlock()
		return answer(200, "{}")
	}))
	c.Rate, c.Priorities = budget.Rate{Requests: 60, Per: time.Minute}, true
	change(&c)
	h.d = destination(t, c)
	return h
}

// event delivers an event of a priority, whose calls are steps.
func (h *hurried) event(p mapping.Priority, steps func(ctx context.Context, do sink.Doer) error) {
	h.group.Go(func() {
		pass, err := h.d.Gate().EnterAs(context.Background(), p)
		if err != nil {
			h.t.Error(err)
			return
		}
		pass.For(fmt.Sprint(p, len(h.calls)))
		o, err := sending(steps).Deliver(context.Background(), h.d.Session(pass, forever()), []byte(track))
		if err != nil || o.Outcome != sink.Delivered {
			h.t.Errorf("outcome %s, %v", o.Outcome, err)
		}
	})
	synctest.Wait()
}

func get(name string) sink.Call { return sink.Lookup("GET /"+name, "/"+name) }

func asks(names ...string) func(context.Context, sink.Doer) error {
	return func(ctx context.Context, do sink.Doer) error {
		for _, name := range names {
			if _, err := do.Do(ctx, get(name)); err != nil {
				return err
			}
		}
		return nil
	}
}

// shared needs a lookup that others need as well, which takes two calls, and then makes one.
func (h *hurried) shared(own string) func(context.Context, sink.Doer) error {
	return func(ctx context.Context, do sink.Doer) error {
		_, _, err := h.ids.Find(ctx, do, "contact", func(ctx context.Context) (string, error) {
			return "7", asks("find1", "find2")(ctx, do)
		})
		if err != nil {
			return err
		}
		return asks(own)(ctx, do)
	}
}

func (h *hurried) want(calls ...string) {
	h.t.Helper()
	h.group.Wait()
	if !slices.Equal(h.calls, calls) {
		h.t.Errorf("calls: %q\n want: %q", h.calls, calls)
	}
}

func TestSession_secondCallOfAnUrgentEventGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHurried(t, func(c *sink.Config) { c.MaxInFlight = 2 })
		for i := range 3 {
			h.event(mapping.Low, asks(fmt.Sprint("low", i), fmt.Sprint("then", i)))
		}
		time.Sleep(1500 * time.Millisecond)
		if n := h.d.Gate().InUse(); n > 0 {
			t.Errorf("%d places are held by events that wait for a call", n)
		}
		h.event(mapping.High, asks("find", "open"))
		h.want("low0 0", "then0 1", "find 2", "open 3", "low1 4", "low2 5", "then1 6", "then2 7")
	})
}

// Without it, the urgent event would wait with the one that makes its lookup: for 10 s here. Once it is
// made, what that one does besides waits for its own turn.
func TestIDs_aLookupIsAsUrgentAsWhoWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHurried(t, func(*sink.Config) {})
		h.event(mapping.Low, h.shared("low")) // its first call is made
		for i := range 9 {
			h.event(mapping.Normal, asks(fmt.Sprint("normal", i)))
		}
		h.event(mapping.High, h.shared("high"))
		h.want("find1 0", "find2 1", "high 2", "normal0 3", "normal1 4", "normal2 5", "normal3 6", "normal4 7", "normal5 8", "normal6 9",
			"low 10", "normal7 11", "normal8 12")
	})
}

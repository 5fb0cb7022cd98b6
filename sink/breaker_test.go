package sink_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
	"github.com/deskstream/deskstream/sink/hold"
)

// breakerDesk is a destination whose API answers status to everything.
type breakerDesk struct {
	mu     sync.Mutex
	status int
	calls  int
	tried  map[string]int // calls by lane
	log    strings.Builder
	dest   *sink.Destination
	route  sink.Route
}

func newBreakerDesk(breaker hold.Breaker) *breakerDesk {
	d := &breakerDesk{status: 201}
	d.dest = sink.NewDestination(sink.Config{
		Name: "desk", BaseURL: "http://desk.test", Credential: sink.NewSecret("breaker-token"), MaxInFlight: 8,
		Timeout: time.Second, Retry: sink.Policy{Initial: time.Second, Max: time.Minute}, Breaker: breaker,
		Rate: budget.Rate{Requests: 1e6, Per: time.Minute},
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.calls++
			if d.tried == nil {
				d.tried = make(map[string]int)
			}
			d.tried[strings.TrimPrefix(r.URL.Path, "/")]++
			return &http.Response{StatusCode: d.status, Body: http.NoBody, Header: http.Header{}}, nil
		}),
	}, budget.New(budget.Rate{Requests: 1e6, Per: time.Minute}), slog.New(slog.NewTextHandler(&d.log, nil)))
	d.route = sink.NewRoute(sink.DestinationInfo{Name: "desk", Type: "test"}, mapping.Filter{},
		func(ev mapping.Event) (mapping.Event, error) {
			if ev.Name() == "panic" {
				panic("on the way")
			}
			return ev, nil
		},
		func(ctx context.Context, do sink.Doer, ev mapping.Event) (sink.Receipt, error) {
			_, err := do.Do(ctx, sink.Call{Op: "POST /{name}", Method: http.MethodPost, Path: "/" + ev.Name(), Body: mapping.Obj()})
			return sink.Receipt{}, err
		})
	return d
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// deliver carries one event with the given name to its end.
func (d *breakerDesk) deliver(t *testing.T, name string) {
	t.Helper()
	if _, err := d.send(t.Context(), name); err != nil {
		t.Fatal(err)
	}
}

// send carries one event, whose lane is its name, until ctx ends.
func (d *breakerDesk) send(ctx context.Context, name string) (sink.Outcome, error) {
	pass, err := d.dest.Gate().Enter(ctx, name)
	if err != nil {
		return sink.Outcome{}, err
	}
	s := d.dest.Session(pass, sink.Stop{Soft: ctx, Hard: ctx})
	return d.route.Deliver(ctx, s, []byte(`{"type":"track","event":"`+name+`"}`))
}

// trip sends an event whose rejection is one too many, and fails the test unless the
// breaker holds then and the event is open. The function that it returns stops the event.
func (d *breakerDesk) trip(t *testing.T, name string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = d.send(ctx, name) // it is stopped, or its end is of no interest
	}()
	synctest.Wait()
	if hold := d.dest.Gate().Held(); hold.Reason != "breaker" {
		t.Fatalf("hold = %+v, want one of the breaker", hold)
	}
	select {
	case <-ended:
		t.Fatal("the event whose rejection was one too many has ended")
	default:
	}
	return func() {
		cancel()
		<-ended
	}
}

func TestBreaker_holdsWhenMoreThanTheShareOfTheLastEventsWereRejected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBreakerDesk(hold.Breaker{Share: 0.5, Of: 10})
		for range 5 {
			d.deliver(t, "good")
		}
		d.status = 422
		for range 5 {
			d.deliver(t, "bad")
		}
		if hold := d.dest.Gate().Held(); hold.Active() {
			t.Fatalf("on hold for %s at half of the events", hold.Reason)
		}
		d.trip(t, "bad")()
	})
}

// A probe that is rejected in the hold is put back and the next lane is tried: no event
// dies in a hold, however long it lasts.
func TestBreaker_aRejectedProbeIsPutBackAndADeliveredOneEndsTheHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBreakerDesk(hold.Breaker{Share: 0.2, Of: 5})
		d.status = 422
		d.deliver(t, "bad")
		outcomes := make(chan sink.Outcome, 3)
		for _, name := range []string{"one", "two", "three"} {
			go func() {
				o, err := d.send(t.Context(), name)
				if err != nil {
					t.Error(err)
				}
				outcomes <- o
			}()
		}
		time.Sleep(10 * time.Minute)
		d.mu.Lock()
		if hold := d.dest.Gate().Held(); hold.Reason != "breaker" || len(outcomes) != 0 {
			t.Errorf("after %d rejected probes: hold %+v, %d events have ended", d.calls, hold, len(outcomes))
		}
		delete(d.tried, "bad") // before the hold
		if len(d.tried) != 3 || d.tried["one"] < d.calls/3-1 || d.tried["two"] < d.calls/3-1 || d.calls < 50 {
			t.Errorf("%d probes, by lane %v: want turns", d.calls, d.tried)
		}
		d.status = 201
		d.mu.Unlock()
		for range 3 {
			if o := <-outcomes; o.Outcome != sink.Delivered || len(o.Calls) != 1 {
				t.Errorf("an event that was put back ended %s with %d calls in its outcome", o.Outcome, len(o.Calls))
			}
		}
		if hold := d.dest.Gate().Held(); hold.Active() {
			t.Errorf("on hold for %s after a delivered probe", hold.Reason)
		}
		d.status = 422
		d.deliver(t, "bad")
		if hold := d.dest.Gate().Held(); hold.Active() {
			t.Error("on hold at the first rejected event after: it did not count anew")
		}
	})
}

// With one lane left only a person can end the hold, and the log says so, once.
func TestBreaker_aLoneLaneWaitsForResumeAndTheLogSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBreakerDesk(hold.Breaker{Share: 0.2, Of: 5})
		d.status = 422
		d.deliver(t, "bad")
		done := make(chan sink.Outcome)
		go func() {
			o, err := d.send(t.Context(), "alone")
			if err != nil {
				t.Error(err)
			}
			done <- o
		}()
		time.Sleep(time.Hour)
		synctest.Wait() // the hold is logged again just now
		if n := strings.Count(d.log.String(), "resume the destination by hand"); n != 1 {
			t.Errorf("the log says %d times what to do:\n%s", n, d.log.String())
		}
		if _, err := d.dest.Gate().Resume(); err != nil {
			t.Fatal(err)
		}
		if o := <-done; o.Outcome != sink.Dead || o.Error.Class != sink.Rejected {
			t.Errorf("after the resume the event ended %s", o.Outcome)
		}
	})
}

// A stop while an event that was put back waits leaves it open.
func TestBreaker_aStopLeavesWhatWasPutBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBreakerDesk(hold.Breaker{Share: 0.2, Of: 5})
		d.status = 422
		d.deliver(t, "bad")
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			_, err := d.send(ctx, "open")
			done <- err
		}()
		time.Sleep(time.Minute)
		stop()
		if err := <-done; !errors.Is(err, sink.ErrInterrupted) {
			t.Errorf("the stop ended the event with %v", err)
		}
	})
}

func TestBreaker_panicsCountAndEventsThatReachNoAPIDoNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBreakerDesk(hold.Breaker{Share: 0.5, Of: 4})
		for range 2 {
			d.deliver(t, "panic")
		}
		for range 20 { // neither rejected nor delivered: they push no panic out of the four
			pass, err := d.dest.Gate().Enter(t.Context(), "x")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := d.route.Deliver(t.Context(), d.dest.Session(pass, sink.Stop{Soft: t.Context(), Hard: t.Context()}), []byte("no json")); err != nil {
				t.Fatal(err)
			}
		}
		if hold := d.dest.Gate().Held(); hold.Active() {
			t.Fatalf("on hold for %s by events that are no JSON", hold.Reason)
		}
		d.trip(t, "panic")()
	})
}

// Before as many events have come as are looked at, the share is of that number too: a
// person is paged after 5 letters here, and not after 10.
func TestBreaker_holdsAsSoonAsNoFurtherEventCouldMakeItLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBreakerDesk(hold.Breaker{Share: 0.5, Of: 10})
		d.status = 422
		for n := range 5 {
			d.deliver(t, "bad")
			if hold := d.dest.Gate().Held(); hold.Active() {
				t.Fatalf("on hold for %s after %d rejected events", hold.Reason, n+1)
			}
		}
		d.trip(t, "bad")()
	})
}

func TestBreaker_resumeEndsItAndItCountsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBreakerDesk(hold.Breaker{Share: 0.5, Of: 10})
		d.status = 422
		for range 5 {
			d.deliver(t, "bad")
		}
		d.trip(t, "bad")()
		time.Sleep(time.Minute)
		if was, err := d.dest.Gate().Resume(); err != nil || was.Reason != "breaker" || time.Since(was.Since) != time.Minute {
			t.Fatalf("Resume = %+v, %v", was, err)
		}
		for n := range 5 {
			d.deliver(t, "bad")
			if hold := d.dest.Gate().Held(); hold.Active() {
				t.Fatalf("on hold for %s after %d more rejected events: it did not count anew", hold.Reason, n+1)
			}
		}
		d.trip(t, "bad")()
	})
}

// With a share of less than one event each resume still settles one.
func TestBreaker_theFirstRejectedEventIsSettledWhateverTheShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBreakerDesk(hold.Breaker{Share: 0.1, Of: 2})
		d.status = 422
		for range 3 {
			d.deliver(t, "bad")
			if _, err := d.dest.Gate().Resume(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestBreaker_withShare0IsOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBreakerDesk(hold.Breaker{Share: 0, Of: 4})
		d.status = 422
		for range 50 {
			d.deliver(t, "bad")
		}
		if hold := d.dest.Gate().Held(); hold.Active() {
			t.Errorf("on hold for %s", hold.Reason)
		}
	})
}

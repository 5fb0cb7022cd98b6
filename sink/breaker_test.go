package sink_test

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

// breakerDesk is a destination whose API answers status to everything.
type breakerDesk struct {
	status int
	calls  int
	dest   *sink.Destination
	route  sink.Route
}

func newBreakerDesk(breaker sink.Breaker) *breakerDesk {
	d := &breakerDesk{status: 201}
	d.dest = sink.NewDestination(sink.Config{
		Name: "desk", BaseURL: "http://desk.test", Credential: sink.NewSecret("breaker-token"), MaxInFlight: 8,
		Timeout: time.Second, Retry: sink.Policy{Initial: time.Second, Max: time.Minute}, Breaker: breaker,
		Rate: sink.Rate{Requests: 1e6, Per: time.Minute},
		Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			d.calls++
			return &http.Response{StatusCode: d.status, Body: http.NoBody, Header: http.Header{}}, nil
		}),
	}, sink.NewBudget(sink.Rate{Requests: 1e6, Per: time.Minute}), slog.New(slog.DiscardHandler))
	d.route = sink.NewRoute("desk", "test", mapping.Filter{},
		func(ev mapping.Event) (mapping.Event, error) {
			if ev.Name() == "panic" {
				panic("on the way")
			}
			return ev, nil
		},
		func(ctx context.Context, do sink.Doer, _ mapping.Event) (sink.Receipt, error) {
			_, err := do.Do(ctx, sink.Call{Op: "POST /x", Method: http.MethodPost, Path: "/x", Body: mapping.Obj()})
			return sink.Receipt{}, err
		})
	return d
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// deliver carries one event with the given name to its end.
func (d *breakerDesk) deliver(t *testing.T, name string) {
	t.Helper()
	pass, err := d.dest.Gate().Enter(t.Context(), name)
	if err != nil {
		t.Fatalf("Enter: %v", err)
	}
	s := d.dest.Session(pass, sink.Stop{Soft: t.Context(), Hard: t.Context()})
	if _, err := d.route.Deliver(t.Context(), s, []byte(`{"type":"track","event":"`+name+`"}`)); err != nil {
		t.Fatalf("Deliver: %v", err)
	}
}

func TestBreaker_holdsWhenMoreThanTheShareOfTheLastEventsWereRejected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBreakerDesk(sink.Breaker{Share: 0.5, Of: 10})
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
		d.deliver(t, "bad")
		if hold := d.dest.Gate().Held(); hold.Reason != "breaker" {
			t.Fatalf("hold = %+v after 6 of 10, want one of the breaker", hold)
		}
	})
}

func TestBreaker_aRejectedProbeGoesOnHoldingAndADeliveredOneEndsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBreakerDesk(sink.Breaker{Share: 0.2, Of: 5})
		d.status = 422
		for range 5 {
			d.deliver(t, "bad")
		}
		began := time.Now()
		for range 4 {
			d.deliver(t, "bad") // each the probe, in its turn
		}
		if hold := d.dest.Gate().Held(); !hold.Active() || time.Since(began) < 15*time.Second {
			t.Errorf("after four rejected probes in %v: hold %+v", time.Since(began), hold)
		}
		d.status = 201
		d.deliver(t, "good")
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

func TestBreaker_panicsCountAndEventsThatReachNoAPIDoNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBreakerDesk(sink.Breaker{Share: 0.5, Of: 4})
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
		d.deliver(t, "panic")
		if hold := d.dest.Gate().Held(); hold.Reason != "breaker" {
			t.Errorf("hold = %+v after three panics in four, want one of the breaker", hold)
		}
	})
}

// Before as many events have come as are looked at, the share is of that number too: a
// person is paged after 6 letters here, and not after 10.
func TestBreaker_holdsAsSoonAsNoFurtherEventCouldMakeItLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBreakerDesk(sink.Breaker{Share: 0.5, Of: 10})
		d.status = 422
		for n := range 6 {
			if hold := d.dest.Gate().Held(); hold.Active() {
				t.Fatalf("on hold for %s after %d rejected events", hold.Reason, n)
			}
			d.deliver(t, "bad")
		}
		if hold := d.dest.Gate().Held(); hold.Reason != "breaker" {
			t.Errorf("hold = %+v after 6 rejected events, want one of the breaker", hold)
		}
	})
}

func TestBreaker_resumeEndsItAndItCountsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBreakerDesk(sink.Breaker{Share: 0.5, Of: 10})
		d.status = 422
		for range 6 {
			d.deliver(t, "bad")
		}
		time.Sleep(time.Minute)
		if was, err := d.dest.Gate().Resume(); err != nil || was.Reason != "breaker" || time.Since(was.Since) != time.Minute {
			t.Fatalf("Resume = %+v, %v", was, err)
		}
		for n := range 6 {
			if hold := d.dest.Gate().Held(); hold.Active() {
				t.Fatalf("on hold for %s after %d more rejected events: it did not count anew", hold.Reason, n)
			}
			d.deliver(t, "bad")
		}
		if hold := d.dest.Gate().Held(); hold.Reason != "breaker" {
			t.Errorf("hold = %+v after 6 more, want one of the breaker", hold)
		}
	})
}

func TestBreaker_withShare0IsOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBreakerDesk(sink.Breaker{Share: 0, Of: 4})
		d.status = 422
		for range 50 {
			d.deliver(t, "bad")
		}
		if hold := d.dest.Gate().Held(); hold.Active() {
			t.Errorf("on hold for %s", hold.Reason)
		}
	})
}

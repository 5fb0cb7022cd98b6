package sink_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/hold"
)

// sendValue carries a record of a lane to its end.
func (d *breakerDesk) sendValue(ctx context.Context, lane, value string) (sink.Outcome, error) {
	pass, err := d.dest.Gate().Enter(ctx, lane)
	if err != nil {
		return sink.Outcome{}, err
	}
	return d.route.Deliver(ctx, d.dest.Session(pass, sink.Stop{Soft: ctx, Hard: ctx}), []byte(value))
}

// invalid sends n records that are no event, and each of them dies.
func (d *breakerDesk) invalid(t *testing.T, n int) {
	t.Helper()
	for range n {
		o, err := d.sendValue(t.Context(), "", "no JSON")
		if err != nil || o.Outcome != sink.Dead || o.Error.Class != sink.Invalid {
			t.Fatalf("outcome %+v, error %v", o.Outcome, err)
		}
	}
}

func TestBreaker_holdsWhenMostEventsCanNeverBeMapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBreakerDesk(hold.Breaker{Share: 0.5, Of: 100, Invalid: 0.01})
		defer d.dest.Close()
		d.invalid(t, 10) // of the last 1,000
		if h := d.dest.Gate().Held(); h.Active() {
			t.Fatalf("held for %s at the share itself", h.Reason)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_, _ = d.sendValue(ctx, "lane", "no JSON") // it is stopped
		}()
		synctest.Wait()
		if h := d.dest.Gate().Held(); h.Reason != "breaker" || !h.Invalid || h.Rejected != 11 {
			t.Fatalf("hold %+v, want one for invalid events, the 11th", h)
		}
		select {
		case <-ended:
			t.Fatal("the event that was one too many is dead")
		default:
		}
		// Who can be mapped, and is accepted, ends it: the cause is removed.
		if o, err := d.send(t.Context(), "good"); err != nil || o.Outcome != sink.Delivered {
			t.Fatalf("the probe: %v %v", o.Outcome, err)
		}
		synctest.Wait()
		if h := d.dest.Gate().Held(); h.Active() {
			t.Errorf("held for %s after an accepted probe", h.Reason)
		}
		cancel()
		<-ended
	})
}

// During the hold an event dies neither of its mapping nor of a rejection.
func TestBreaker_whileItHoldsForInvalidEventsNoneDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBreakerDesk(hold.Breaker{Share: 0.5, Of: 100, Invalid: 0.001})
		defer d.dest.Close()
		d.invalid(t, 1)
		ctx, cancel := context.WithCancel(t.Context())
		outcomes := make(chan string, 3)
		d.status = 422
		for i, value := range []string{"no JSON", "no JSON either", `{"type":"track","event":"rejected"}`} {
			go func() {
				o, err := d.sendValue(ctx, fmt.Sprint(i), value)
				outcomes <- fmt.Sprint(o.Outcome, err)
			}()
			synctest.Wait()
		}
		time.Sleep(time.Minute) // each is the probe by turns
		cancel()
		for range 3 {
			if got := <-outcomes; strings.HasPrefix(got, string(sink.Dead)) {
				t.Errorf("an event ended as %s during the hold", got)
			}
		}
	})
}

func TestBreaker_withoutItsShareOnlyWarnsOfInvalidEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBreakerDesk(hold.Breaker{Share: 0.5, Of: 100})
		defer d.dest.Close()
		d.invalid(t, 520)
		d.deliver(t, "good")
		d.invalid(t, 300)
		if h := d.dest.Gate().Held(); h.Active() {
			t.Errorf("held for %s", h.Reason)
		}
		if n := strings.Count(d.log.String(), "can never be mapped"); n != 1 {
			t.Errorf("said %d times:\n%s", n, d.log.String())
		}
	})
}

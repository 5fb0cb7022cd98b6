package sink_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
	"github.com/deskstream/deskstream/sink/hold"
)

// scripted is one answer of a script. Whoever sends the call closes it.
type scripted func() (*http.Response, error)

// script answers the calls in order; the last answer stands for all that follow.
func script(answers ...scripted) exchange {
	var n atomic.Int32
	return func(*http.Request) (*http.Response, error) {
		i := int(n.Add(1)) - 1
		return answers[min(i, len(answers)-1)]()
	}
}

func status(code int, header ...string) scripted {
	return func() (*http.Response, error) { return answer(code, "", header...) }
}

func says(code int, body string) scripted {
	return func() (*http.Response, error) { return answer(code, body) }
}

func lost() (*http.Response, error) { return nil, errors.New("connection reset") }

func TestSession_repeatsOfACallAreOneRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := destination(t, config(script(status(500), status(503), lost, status(200), status(201))))
		began := time.Now()
		pass := enter(t, d.Gate(), "l")
		s := d.Session(pass, forever())
		o, err := calling(find, update).Deliver(t.Context(), s, []byte(track))
		if err != nil || o.Outcome != sink.Delivered || len(o.Calls) != 2 {
			t.Fatalf("outcome = %+v, %v", o, err)
		}
		first, second := o.Calls[0], o.Calls[1]
		if first.Attempts != 4 || *first.Status != 200 || !first.Lookup || second.Attempts != 1 || *second.Status != 201 || second.Lookup {
			t.Errorf("calls = %+v", o.Calls)
		}
		if took := time.Since(began); took < 3500*time.Millisecond || took > 7*time.Second {
			t.Errorf("three back-offs of 1, 2 and 4 s less jitter took %v", took)
		}
		if n, at, last := s.Attempts(); n != 5 || !at.Equal(began) || !last.After(at) {
			t.Errorf("attempts = %d from %v to %v", n, at, last)
		}
		if d.Gate().InUse() != 0 {
			t.Error("the place was not given back")
		}
	})
}

func TestSession_waitsAsTheAPIAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := destination(t, config(script(status(503, "Retry-After", "100"), status(200))))
		began := time.Now()
		o, err := deliver(t.Context(), d, calling(update), "l", forever())
		if took := time.Since(began); err != nil || o.Outcome != sink.Delivered || took != 100*time.Second {
			t.Errorf("outcome = %s, %v after %v", o.Outcome, err, took)
		}
	})
}

func TestSession_aBackOffHoldsNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := config(exchange(func(req *http.Request) (*http.Response, error) {
			if req.Method == http.MethodPut {
				return answer(503, "", "Retry-After", "3600")
			}
			return answer(200, "{}")
		}))
		c.MaxInFlight = 1
		d := destination(t, c)
		soft, stop := context.WithCancel(context.Background())
		hard, stopHard := context.WithCancel(context.Background())
		defer stopHard()
		var group sync.WaitGroup
		group.Go(func() {
			_, _ = deliver(context.Background(), d, calling(update), "slow", sink.Stop{Soft: soft, Hard: hard})
		})
		synctest.Wait()
		if o, err := deliver(t.Context(), d, calling(find), "other", forever()); err != nil || o.Outcome != sink.Delivered {
			t.Errorf("another lane's event: %s, %v", o.Outcome, err)
		}
		stop()
		stopHard()
		group.Wait()
	})
}

func TestSession_whatHoldsNeverCounts(t *testing.T) {
	holding := map[string]scripted{
		"http_401": status(401), "http_403": status(403), "http_429": status(429),
		"limit of one object": status(429, "x-ratelimit-remaining", "7", "Retry-After", "1"),
	}
	for name, answer := range holding {
		bubble(t, name, func(t *testing.T) {
			var answers []scripted
			for range 30 {
				answers = append(answers, answer)
			}
			c := config(script(append(answers, status(201))...))
			c.Retry.MaxAttempts, c.Retry.MaxElapsed, c.Alone = 1, 12*time.Hour, true
			d := destination(t, c)
			o, err := deliver(t.Context(), d, calling(ticket), "l", forever())
			if err != nil || o.Outcome != sink.Delivered || o.Calls[0].Attempts != 31 {
				t.Errorf("outcome = %s %s, %v", o.Outcome, died(o), err)
			}
			if held := d.Gate().HeldFor() > 0; held == (name == "limit of one object") {
				t.Errorf("the destination was on hold: %v", held)
			}
		})
	}
}

// A limit of one object opens no hold, so there is none whose end deliver could wait for.
func TestSession_aLimitOfOneObjectIsWaitedForAsLongAsAHoldAlone(t *testing.T) {
	limited := func(wait string) scripted { return status(429, "x-ratelimit-remaining", "7", "Retry-After", wait) }
	for name, tt := range map[string]struct {
		answers exchange
		calls   []sink.Call
		held    bool
		took    time.Duration
	}{
		"it does not end":       {script(limited("4")), []sink.Call{ticket}, true, 8 * time.Second},
		"it lasts too long":     {script(limited("3600")), []sink.Call{ticket}, true, 0},
		"it ends":               {script(limited("4"), limited("4"), status(201)), []sink.Call{ticket}, false, 8 * time.Second},
		"one after another one": {script(limited("8"), status(200), limited("8"), status(201)), []sink.Call{update, ticket}, false, 16 * time.Second},
	} {
		bubble(t, name, func(t *testing.T) {
			c := config(tt.answers)
			c.Retry.MaxAttempts, c.Retry.MaxElapsed, c.Alone = 1, 10*time.Second, true
			began := time.Now()
			o, err := deliver(t.Context(), destination(t, c), calling(tt.calls...), "l", forever())
			if errors.Is(err, hold.ErrHeld) != tt.held || !tt.held && o.Outcome != sink.Delivered {
				t.Errorf("outcome = %q %s, %v; want ErrHeld: %v", o.Outcome, died(o), err, tt.held)
			}
			if took := time.Since(began); took != tt.took {
				t.Errorf("it took %v, want %v", took, tt.took)
			}
		})
	}
}

func TestSession_deadWhenItsBudgetIsSpentAlone(t *testing.T) {
	for name, tt := range map[string]struct {
		policy  sink.Policy
		min     int
		max     int
		elapsed time.Duration
	}{
		"attempts":     {sink.Policy{MaxAttempts: 3, Initial: time.Second, Max: time.Second}, 3, 3, time.Second},
		"elapsed":      {sink.Policy{MaxElapsed: time.Minute, Initial: 10 * time.Second, Max: 10 * time.Second}, 7, 13, time.Minute},
		"what is less": {sink.Policy{MaxAttempts: 100, MaxElapsed: time.Second, Initial: 2 * time.Second, Max: 2 * time.Second}, 2, 2, time.Second},
	} {
		bubble(t, name, func(t *testing.T) {
			c := config(script(status(500)))
			c.Alone, c.Retry = true, tt.policy
			began := time.Now()
			o, err := deliver(t.Context(), destination(t, c), calling(update), "l", forever())
			if err != nil || died(o) != "request exhausted http_500" || *o.Error.HTTPStatus != 500 {
				t.Fatalf("died of %q, %v", died(o), err)
			}
			if n := o.Calls[0].Attempts; n < tt.min || n > tt.max || time.Since(began) < tt.elapsed {
				t.Errorf("%d attempts in %v", n, time.Since(began))
			}
		})
	}
}

// poison answers the write of one event with a status and that of all others with 200.
func poison(bad int) exchange {
	return func(req *http.Request) (*http.Response, error) {
		if req.URL.Path == "/things/poison" {
			return answer(bad, "")
		}
		return answer(200, "{}")
	}
}

func poisonous() sink.Route {
	call := update
	call.Path = "/things/poison"
	return calling(call)
}

func TestSession_exhaustedOnlyWithThreeRoundsAgainstIt(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		others sink.Call
		want   string
	}{
		"others pass":                       {500, update, "request exhausted http_500"},
		"others pass, and it is forbidden":  {403, update, "request rejected http_403"},
		"others pass, and it is unknown":    {401, update, ""},
		"only other calls pass":             {500, find, ""},
		"only other calls pass, forbidden ": {403, find, ""},
	} {
		bubble(t, name, func(t *testing.T) {
			c := config(poison(tt.status))
			c.Retry.MaxAttempts = 1
			d := destination(t, c)
			soft, stop := context.WithCancel(context.Background())
			hard, stopHard := context.WithCancel(context.Background())
			var o sink.Outcome
			var err error
			var group sync.WaitGroup
			group.Go(func() {
				o, err = deliver(context.Background(), d, poisonous(), "p", sink.Stop{Soft: soft, Hard: hard})
			})
			for i := range 40 {
				time.Sleep(9 * time.Second)
				if i == 2 {
					synctest.Wait()
					if o.Error != nil {
						t.Errorf("dead of %q after %d others", died(o), i)
					}
				}
				wait, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				_, _ = deliver(wait, d, calling(tt.others), strconv.Itoa(i), forever())
				cancel()
			}
			stop()
			stopHard()
			group.Wait()
			if tt.want == "" && !errors.Is(err, sink.ErrInterrupted) || died(o) != tt.want {
				t.Errorf("died of %q, %v; want %q", died(o), err, tt.want)
			}
		})
	}
}

func TestSession_outageKillsNothing(t *testing.T) {
	for name, down := range map[string]scripted{"500": status(500), "403": status(403), "resets": lost} {
		bubble(t, name, func(t *testing.T) {
			up := time.Now().Add(24 * time.Hour)
			c := config(exchange(func(*http.Request) (*http.Response, error) {
				if time.Now().Before(up) {
					return down()
				}
				return answer(200, "{}")
			}))
			c.Retry.MaxAttempts, c.Retry.MaxElapsed = 3, time.Minute
			d := destination(t, c)
			var group sync.WaitGroup
			for i := range 20 {
				group.Go(func() {
					o, err := deliver(context.Background(), d, calling(find, update), strconv.Itoa(i), forever())
					if err != nil || o.Outcome != sink.Delivered {
						t.Errorf("outcome = %s %s, %v", o.Outcome, died(o), err)
					}
				})
			}
			group.Wait()
			if late := time.Since(up); late > 2*time.Minute {
				t.Errorf("the last was delivered %v after the outage", late)
			}
			if d.Gate().InUse() != 0 || d.Gate().Held().Active() {
				t.Errorf("%d in use, hold %+v", d.Gate().InUse(), d.Gate().Held())
			}
		})
	}
}

func TestSession_timeInAHoldIsNotCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := status(500, "Retry-After", "600")
		hold := status(401, "Retry-After", "2400")
		failing, holding := script(late, late, late, status(200)), script(hold, status(200), hold, status(200))
		c := config(exchange(func(req *http.Request) (*http.Response, error) {
			if req.URL.Path == "/things/poison" {
				return failing(req)
			}
			return holding(req)
		}))
		c.Alone, c.Retry.MaxElapsed = true, time.Hour
		d := destination(t, c)
		var group sync.WaitGroup
		group.Go(func() {
			o, err := deliver(context.Background(), d, poisonous(), "p", forever())
			if err != nil || o.Outcome != sink.Delivered {
				t.Errorf("outcome = %s %s, %v", o.Outcome, died(o), err)
			}
		})
		for range 2 {
			time.Sleep(time.Second)
			if _, err := deliver(t.Context(), d, calling(update), "l", forever()); err != nil {
				t.Error(err)
			}
		}
		group.Wait()
		if held := d.Gate().HeldFor(); held != 80*time.Minute {
			t.Errorf("held for %v, want 80m", held)
		}
	})
}

func TestSession_unknownIsDeadForWhatIsNotSafeToRepeat(t *testing.T) {
	safe, unsafe := update, ticket
	html := func() (*http.Response, error) { return answer(200, "<html>") }
	tests := map[string]struct {
		call   sink.Call
		answer scripted
		dead   string
	}{
		"lost":                    {unsafe, lost, "request unknown connection"},
		"HTML":                    {unsafe, html, "request unknown bad_answer"},
		"500 is an answer":        {unsafe, status(500), ""},
		"408 is an answer":        {unsafe, status(408), ""},
		"429 is an answer":        {unsafe, status(429), ""},
		"lost, but safe":          {safe, lost, ""},
		"HTML, but safe":          {safe, html, ""},
		"a lookup changes nought": {find, lost, ""},
	}
	for name, tt := range tests {
		for _, dead := range []bool{true, false} {
			bubble(t, name+", dead "+strconv.FormatBool(dead), func(t *testing.T) {
				c := config(script(tt.answer, status(200)))
				if dead {
					c.Unknown = sink.UnknownDies
				} else {
					c.Unknown = sink.UnknownRetried
				}
				d := destination(t, c)
				o, err := deliver(t.Context(), d, calling(tt.call), "l", forever())
				want := tt.dead
				if !dead {
					want = ""
				}
				if err != nil || died(o) != want || want == "" && o.Calls[0].Attempts != 2 {
					t.Errorf("died of %q, %v; want %q", died(o), err, want)
				}
				if d.Gate().InUse() != 0 {
					t.Error("the place was not given back")
				}
			})
		}
	}
}

func TestSession_recordTooOldDiesUnsent(t *testing.T) {
	for name, tt := range map[string]struct {
		age     time.Duration
		answers exchange
		calls   []sink.Call
		want    string
	}{
		"old at once":               {2 * time.Hour, script(status(200)), []sink.Call{update}, "map expired too_old"},
		"young enough":              {time.Minute, script(status(200)), []sink.Call{update}, ""},
		"old after a hold":          {0, script(status(401, "Retry-After", "3599"), status(401, "Retry-After", "3599"), status(200)), []sink.Call{update}, "map expired too_old"},
		"old after a lookup":        {0, script(status(200), status(429, "Retry-After", "3600"), status(429, "Retry-After", "9"), status(200)), []sink.Call{find, update}, "map expired too_old"},
		"a write was sent in time":  {0, script(status(500, "Retry-After", "3600"), status(500, "Retry-After", "3600"), status(200)), []sink.Call{update}, ""},
		"a write passed in time":    {0, script(status(200), status(401, "Retry-After", "3600"), status(401, "Retry-After", "9"), status(200)), []sink.Call{update, update}, ""},
		"without a time of its own": {-1, script(status(200)), []sink.Call{update}, ""},
	} {
		bubble(t, name, func(t *testing.T) {
			c := config(tt.answers)
			c.MaxAge = time.Hour
			d := destination(t, c)
			s := d.Session(enter(t, d.Gate(), "l"), forever())
			if tt.age >= 0 {
				s.Timestamp = time.Now().Add(-tt.age)
			}
			o, err := calling(tt.calls...).Deliver(t.Context(), s, []byte(track))
			if err != nil || died(o) != tt.want {
				t.Fatalf("died of %q, %v; want %q", died(o), err, tt.want)
			}
			if name == "old at once" && len(o.Calls) != 0 {
				t.Errorf("calls = %+v, want none", o.Calls)
			}
		})
	}
}

// An event that entered before the hold has a place, and must wait all the same.
func TestSession_holdStopsThoseWhoHaveAPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var writes atomic.Int32
		c := config(exchange(func(req *http.Request) (*http.Response, error) {
			if req.Method == http.MethodPut {
				writes.Add(1)
				return answer(401, "", "Retry-After", "1000")
			}
			time.Sleep(time.Second)
			return answer(200, "{}")
		}))
		c.Rate = budget.Rate{Requests: 60, Per: time.Minute} // so that they queue for the budget
		d := destination(t, c)
		s := newStops()
		defer s.last()
		var group sync.WaitGroup
		for i := range 4 {
			group.Go(func() { _, _ = deliver(s.ctx, d, calling(find, update), strconv.Itoa(i), s.stop) })
		}
		time.Sleep(500 * time.Second)
		if n := writes.Load(); n != 1 {
			t.Errorf("%d writes went out in the hold that the first of them opened", n)
		}
		s.soft()
		s.hard()
		group.Wait()
	})
}

// Two events ask for the same contact and there is one place: the second waits for
// the lookup of the first, whose first try fails and which then needs the place again.
func TestSession_followerOfALookupHoldsNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := config(script(status(503), status(200)))
		c.MaxInFlight = 1
		d := destination(t, c)
		ids := sink.NewIDs(10, time.Minute)
		route := sending(func(ctx context.Context, do sink.Doer) error {
			_, _, err := ids.Find(ctx, do, "x", func(ctx context.Context) (string, error) {
				_, err := do.Do(ctx, find)
				return "7", err
			})
			if err != nil {
				return err
			}
			_, err = do.Do(ctx, update)
			return err
		})
		var group sync.WaitGroup
		for _, lane := range []string{"a", "b"} {
			group.Go(func() {
				if o, err := deliver(context.Background(), d, route, lane, forever()); err != nil || o.Outcome != sink.Delivered {
					t.Errorf("outcome = %s %s, %v", o.Outcome, died(o), err)
				}
			})
		}
		group.Wait()
	})
}

func TestSession_aloneEndsALongHoldWithErrHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := config(script(status(401)))
		c.Alone, c.Retry.MaxElapsed = true, time.Minute
		began := time.Now()
		if _, err := deliver(t.Context(), destination(t, c), calling(update), "l", forever()); !errors.Is(err, hold.ErrHeld) || time.Since(began) != time.Minute {
			t.Errorf("error = %v after %v, want ErrHeld after 1m", err, time.Since(began))
		}
	})
}

func TestSession_answersAreNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := destination(t, config(script(says(404, `{"message":"not found"}`))))
		call := find
		call.Answers = []int{404}
		route := sending(func(ctx context.Context, do sink.Doer) error {
			reply, err := do.Do(ctx, call)
			if err != nil || reply.Status != 404 {
				t.Errorf("reply = %+v, %v", reply, err)
			}
			return mapping.NothingToUpdate
		})
		if o, err := deliver(t.Context(), d, route, "l", forever()); err != nil || o.Outcome != sink.Skipped || *o.Reason != mapping.NothingToUpdate {
			t.Errorf("outcome = %+v, %v", o, err)
		}
	})
}

// A redirect is of one attempt: the next one asks again where the call goes.
func TestSession_anotherAttemptBeginsWhereTheCallGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		answers := script(status(302, "Location", "/moved"), status(503), status(200))
		d := destination(t, config(exchange(func(req *http.Request) (*http.Response, error) {
			asked = append(asked, req.URL.Path)
			return answers.RoundTrip(req)
		})))
		if _, err := deliver(t.Context(), d, calling(find), "l", forever()); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(asked, " "); got != "/things /moved /things" {
			t.Errorf("asked %s, want the second attempt at /things", got)
		}
	})
}

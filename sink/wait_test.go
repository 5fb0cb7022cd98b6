package sink_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
	"github.com/deskstream/deskstream/sink/hold"
)

// Whatever a command's event waits for, it waits no longer than retry.max_elapsed, and
// says what for.
func TestSession_aloneEndsEveryLongWait(t *testing.T) {
	const far = "99999999999"
	for name, tt := range map[string]struct {
		answers exchange
		calls   []sink.Call
		took    time.Duration // how long the first event waited
		why     string
	}{
		"401":              {script(status(401)), []sink.Call{update}, 10 * time.Second, "it is on hold (http_401)"},
		"403":              {script(status(403)), []sink.Call{update}, 10 * time.Second, "it is on hold (http_403)"},
		"429":              {script(status(429)), []sink.Call{update}, 10 * time.Second, "it is on hold (http_429)"},
		"429, Retry-After": {script(status(429, "Retry-After", "3600")), []sink.Call{update}, 10 * time.Second, "it is on hold (http_429)"},
		"429 of one object": {
			script(status(429, "x-ratelimit-remaining", "7", "Retry-After", "3600")),
			[]sink.Call{update},
			0, "http_429 asks to wait until 2000-01-01T01:00:00Z",
		},
		"503, Retry-After": {script(status(503, "Retry-After", "3600")), []sink.Call{update}, 0, "http_503 asks to wait until 2000-01-01T01:00:00Z"},
		"503, in steps":    {script(status(503, "Retry-After", "4")), []sink.Call{update}, 8 * time.Second, "http_503 asks to wait until 2000-01-01T00:00:12Z"},
		"a used-up limit": {
			script(status(200, "x-ratelimit-remaining", "0", "x-ratelimit-reset", far)),
			[]sink.Call{update, ticket},
			0, "its rate limit is used up until 2000-01-01T01:00:00Z",
		},
		"a used-up limit behind a lookup": {
			script(says(200, `{"data":[]}`), status(200, "x-ratelimit-remaining", "0", "x-ratelimit-reset", far)),
			[]sink.Call{find, update, ticket},
			0, "its rate limit is used up until 2000-01-01T01:00:00Z",
		},
	} {
		bubble(t, name, func(t *testing.T) {
			c := config(tt.answers)
			c.Alone, c.Retry.MaxElapsed = true, 10*time.Second
			d, began := destination(t, c), time.Now()
			_, err := deliver(t.Context(), d, calling(tt.calls...), "l", forever())
			held, ok := errors.AsType[*hold.Error](err)
			if !ok || held.Why != tt.why || !errors.Is(err, hold.ErrHeld) {
				t.Errorf("error = %v, want a HeldError: %s", err, tt.why)
			}
			if took := time.Since(began); took != tt.took {
				t.Errorf("it took %v, want %v", took, tt.took)
			}
			if n := d.Gate().InUse(); n != 0 {
				t.Errorf("%d places are in use", n)
			}
		})
	}
}

// A limit that begins anew in time is waited for, and so is its pace.
func TestSession_aloneWaitsForABudgetThatComesBack(t *testing.T) {
	for name, tt := range map[string]struct {
		rate   budget.Rate
		header []string
		took   time.Duration
	}{
		"reset in time": {budget.Rate{Requests: 1_000_000, Per: time.Second}, []string{"x-ratelimit-remaining", "0", "x-ratelimit-reset", "946684809"}, 9 * time.Second},
		"a slow pace":   {budget.Rate{Requests: 7, Per: time.Minute}, nil, 0},
	} {
		bubble(t, name, func(t *testing.T) {
			c := config(script(status(200, tt.header...), status(201)))
			c.Alone, c.Retry.MaxElapsed, c.Rate = true, 10*time.Second, tt.rate
			began := time.Now()
			o, err := deliver(t.Context(), destination(t, c), calling(update, ticket), "l", forever())
			if err != nil || o.Outcome != sink.Delivered {
				t.Errorf("outcome = %q, %v", o.Outcome, err)
			}
			if took := time.Since(began); tt.took > 0 && took != tt.took || took > time.Minute+time.Second {
				t.Errorf("it took %v, want %v", took, tt.took)
			}
		})
	}
}

// Those who wait for each other's lookup wait no longer together than each alone.
func TestSession_aloneEndsTheWaitForAnotherEventsLookup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := config(script(status(429, "x-ratelimit-remaining", "7", "Retry-After", "4")))
		c.Alone, c.Retry.MaxElapsed = true, 10*time.Second
		d, ids := destination(t, c), sink.NewIDs(1, time.Minute)
		route := sending(func(ctx context.Context, do sink.Doer) error {
			_, _, err := ids.Find(ctx, do, "i", func(ctx context.Context) (string, error) {
				_, err := do.Do(ctx, find)
				return "", err
			})
			return err
		})
		var (
			mu    sync.Mutex
			group sync.WaitGroup
		)
		ended := map[string]time.Duration{}
		began := time.Now()
		for _, lane := range []string{"a", "b", "c", "d"} {
			group.Go(func() {
				_, err := deliver(t.Context(), d, route, lane, forever())
				held, ok := errors.AsType[*hold.Error](err)
				if !ok {
					t.Errorf("error of %s = %v, want a HeldError", lane, err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				ended[held.Why] = max(ended[held.Why], time.Since(began))
			})
		}
		group.Wait()
		if took := ended["another event's lookup does not end"]; took != 10*time.Second {
			t.Errorf("those who waited for another event's lookup ended after %v, want 10s", took)
		}
		if took := time.Since(began); took > 16*time.Second { // the second asks after the first
			t.Errorf("it took %v", took)
		}
	})
}

// A plan leaves nothing open: it waits until the limit begins anew.
func TestPlan_waitsForAUsedUpLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		header := []string{"x-ratelimit-remaining", "0", "x-ratelimit-reset", "946685400"}
		c := config(script(func() (*http.Response, error) { return answer(200, `{"data":[]}`, header...) }, says(200, `{"data":[]}`)))
		c.Alone, c.Retry.MaxElapsed = true, 10*time.Second
		d, began := destination(t, c), time.Now()
		for range 2 {
			s := d.PlanSession(t.Context(), sink.PlanWithLookup, nil)
			if o, err := calling(find).Deliver(t.Context(), s, []byte(track)); err != nil || o.Outcome != sink.Planned {
				t.Errorf("outcome = %q, %v", o.Outcome, err)
			}
		}
		if took := time.Since(began); took != 10*time.Minute {
			t.Errorf("it took %v, want 10m", took)
		}
	})
}

// run waits for a limit as long as it takes, and says so once when that is long.
func TestSession_logsALimitThatIsUsedUpForLong(t *testing.T) {
	for name, tt := range map[string]struct {
		reset string
		lines int
	}{
		"an hour":  {"946688400", 1},
		"a minute": {"946684860", 0},
	} {
		bubble(t, name, func(t *testing.T) {
			var log bytes.Buffer
			c := config(script(status(200, "x-ratelimit-remaining", "0", "x-ratelimit-reset", tt.reset), status(201)))
			d := sink.NewDestination(c, budget.New(c.Rate), slog.New(slog.NewTextHandler(&log, nil)))
			t.Cleanup(d.Close)
			var group sync.WaitGroup
			for _, lane := range []string{"a", "b", "c"} {
				group.Go(func() {
					if o, err := deliver(t.Context(), d, calling(update, ticket), lane, forever()); err != nil || o.Outcome != sink.Delivered {
						t.Errorf("outcome = %q, %v", o.Outcome, err)
					}
				})
			}
			group.Wait()
			if n := strings.Count(log.String(), "rate limit used up, calls wait"); n != tt.lines {
				t.Errorf("%d lines in the log, want %d:\n%s", n, tt.lines, log.String())
			}
		})
	}
}

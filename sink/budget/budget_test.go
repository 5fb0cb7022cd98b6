package budget_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/deskstream/deskstream/sink/budget"
)

// spend lets several callers spend from b for d, and gives the moments in order.
func spend(b *budget.Budget, callers int, d time.Duration) []time.Time {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	var mu sync.Mutex
	var at []time.Time
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for _, err := b.Wait(ctx, 0); err == nil; _, err = b.Wait(ctx, 0) {
				mu.Lock()
				at = append(at, time.Now())
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return at
}

// most is the largest number of moments in a window of length per, its end left out.
func most(at []time.Time, per time.Duration) int {
	most, first := 0, 0
	for i := range at {
		for at[i].Sub(at[first]) >= per {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

func TestBudget_noWindowSeesTooManyAndLittleIsLeft(t *testing.T) {
	for name, tt := range map[string]struct {
		rate   budget.Rate
		usable int
	}{
		"trengo":            {budget.Rate{Requests: 120, Per: time.Minute, Reserve: 0.1}, 108},
		"kustomer":          {budget.Rate{Requests: 1000, Per: time.Minute, Reserve: 0.1}, 900},
		"many":              {budget.Rate{Requests: 20_000, Per: time.Minute}, 20_000},
		"few":               {budget.Rate{Requests: 10, Per: time.Minute}, 10},
		"one":               {budget.Rate{Requests: 1, Per: time.Second}, 1},
		"a fraction":        {budget.Rate{Requests: 7, Per: time.Second, Reserve: 0.1}, 6},
		"odd in many hours": {budget.Rate{Requests: 37, Per: 7 * time.Hour, Reserve: 0.3}, 25},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				at := spend(budget.New(tt.rate), 4, 10*tt.rate.Per)
				if got := most(at, tt.rate.Per); got > tt.usable {
					t.Errorf("a window saw %d requests, of %d usable", got, tt.usable)
				}
				if share := float64(len(at)) / float64(10*tt.usable); share < 0.97 {
					t.Errorf("%.1f%% of ten windows were used", 100*share)
				}
			})
		})
	}
}

func rateHeader(limit, remaining int, reset time.Time) http.Header {
	h := http.Header{}
	h.Set("x-ratelimit-limit", strconv.Itoa(limit))
	h.Set("x-ratelimit-remaining", strconv.Itoa(remaining))
	if !reset.IsZero() {
		h.Set("x-ratelimit-reset", strconv.FormatInt(reset.Unix(), 10))
	}
	return h
}

func TestBudget_learnsTheLimit(t *testing.T) {
	for _, limit := range []int{30, 600} {
		t.Run(strconv.Itoa(limit), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := budget.New(budget.Rate{Requests: 120, Per: time.Minute, Reserve: 0.1})
				spend(b, 2, time.Minute)
				b.Learn(budget.Grant{}, 200, rateHeader(limit, limit, time.Time{}), time.Now())
				usable := limit * 9 / 10
				at := spend(b, 2, 10*time.Minute)
				if got := most(at, time.Minute); got > usable || len(at) < 97*10*usable/100 {
					t.Errorf("of a limit of %d, %d were spent in ten minutes and %d in one", limit, len(at), got)
				}
			})
		})
	}
}

// The last calls of a window leave little, and may be answered when the next has begun.
func TestBudget_aLateAnswerOfTheWindowBeforeStopsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budget.New(budget.Rate{Requests: 120, Per: time.Minute, Reserve: 0.1})
		next := func() budget.Grant {
			g, err := b.Wait(t.Context(), 0)
			if err != nil {
				t.Fatal(err)
			}
			return g
		}
		reset := time.Now().Add(10 * time.Second).Truncate(time.Second)
		for used := 90; time.Now().Before(reset.Add(-time.Second)); used++ {
			b.Learn(next(), http.StatusOK, rateHeader(120, 120-used, reset), time.Now())
		}
		late := next()
		time.Sleep(time.Until(reset))
		b.Learn(next(), http.StatusOK, rateHeader(120, 119, reset.Add(time.Minute)), time.Now())
		b.Learn(late, http.StatusOK, rateHeader(120, 6, reset), time.Now())
		if wait, usedUp := b.Pause(time.Now()); usedUp {
			t.Errorf("calls wait for %v, as if the new window were used up", wait)
		}
	})
}

// A caller that waits by the old pace must not sleep on when there is more.
func TestBudget_waitingCallerHearsOfAChange(t *testing.T) {
	for name, change := range map[string]func(b *budget.Budget){
		"limit": func(b *budget.Budget) {
			b.Learn(budget.Grant{}, 200, rateHeader(1000, 999, time.Time{}), time.Now())
		},
		"share": func(b *budget.Budget) { b.Divide("desk", 1, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := budget.New(budget.Rate{Requests: 1, Per: time.Hour})
				if name == "share" {
					b = budget.New(budget.Rate{Requests: 1000, Per: time.Hour})
					b.Divide("desk", 0, 1)
				} else if _, err := b.Wait(t.Context(), 0); err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				var group sync.WaitGroup
				group.Go(func() {
					if _, err := b.Wait(context.Background(), 0); err != nil {
						t.Error(err)
					}
				})
				time.Sleep(time.Minute)
				synctest.Wait()
				change(b)
				group.Wait()
				if took := time.Since(began); took > 6*time.Minute {
					t.Errorf("the caller waited %v", took)
				}
			})
		})
	}
}

func TestBudget_shareIsAPartAndStartsEmpty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budget.New(budget.Rate{Requests: 6000, Per: time.Minute})
		time.Sleep(time.Hour)
		b.Divide("desk", 1, 4)
		if at := spend(b, 3, 100*time.Millisecond); len(at) > 3 {
			t.Errorf("a new share began with %d requests at once", len(at))
		}
		if got := len(spend(b, 3, 10*time.Minute)); got < 97*15000/100 || got > 15000 {
			t.Errorf("a quarter of 60,000 is %d", got)
		}
	})
}

func TestBudget_waitsForTheResetWhenNothingIsLeft(t *testing.T) {
	tests := map[string]struct {
		status, remaining int
		header            http.Header
		want              time.Duration
	}{
		"nothing remains":             {status: 200, remaining: 0, want: 40 * time.Second},
		"half of the reserve is left": {status: 201, remaining: 6, want: 40 * time.Second},
		"more than that remains":      {status: 200, remaining: 7, want: 0},
		"429":                         {status: 429, remaining: 0, want: 40 * time.Second},
		"429 of one object":           {status: 429, remaining: 50, want: 0},
		"429 without headers":         {status: 429, header: http.Header{}, want: 0},
		"429 with Retry-After":        {status: 429, header: http.Header{"Retry-After": {"9"}}, want: 9 * time.Second},
		"503 is no matter of budget":  {status: 503, header: http.Header{"Retry-After": {"9"}}, want: 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := budget.New(budget.Rate{Requests: 120, Per: time.Minute, Reserve: 0.1})
				began := time.Now()
				header := tt.header
				if header == nil {
					header = rateHeader(120, tt.remaining, began.Add(40*time.Second))
				}
				b.Learn(budget.Grant{}, tt.status, header, began)
				if _, err := b.Wait(t.Context(), 0); err != nil {
					t.Fatal(err)
				}
				if got := time.Since(began); got != tt.want {
					t.Errorf("waited %v, want %v", got, tt.want)
				}
			})
		})
	}
}

func TestBudget_thoseWhoWaitedDoNotGoAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budget.New(budget.Rate{Requests: 120, Per: time.Minute, Reserve: 0.1})
		b.Learn(budget.Grant{}, 200, rateHeader(120, 0, time.Now().Add(10*time.Minute)), time.Now())
		at := spend(b, 64, 13*time.Minute)
		if got := most(at, time.Second); got > 4 {
			t.Errorf("%d went within a second of the reset", got)
		}
		if got := most(at, time.Minute); got > 108 || len(at) < 97*3*108/100 {
			t.Errorf("%d in three minutes, %d in one, of 108", len(at), got)
		}
	})
}

func TestBudget_blockInMidWaitIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budget.New(budget.Rate{Requests: 1, Per: 20 * time.Second})
		if _, err := b.Wait(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		var group sync.WaitGroup
		group.Go(func() {
			if _, err := b.Wait(context.Background(), 0); err != nil {
				t.Error(err)
			}
			if got := time.Since(began); got != 50*time.Second {
				t.Errorf("the call went after %v, want 50s", got)
			}
		})
		time.Sleep(10 * time.Second)
		b.Learn(budget.Grant{}, 429, http.Header{"Retry-After": {"40"}}, time.Now())
		group.Wait()
	})
}

func TestBudget_waitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budget.New(budget.Rate{Requests: 1, Per: time.Hour})
		if _, err := b.Wait(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancelCause(context.Background())
		var group sync.WaitGroup
		for range 3 { // one at the head and two behind it
			group.Go(func() {
				if _, err := b.Wait(ctx, 0); !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("error = %v, want the cause", err)
				}
			})
		}
		synctest.Wait()
		cancel(io.ErrUnexpectedEOF)
		group.Wait()
		began := time.Now()
		if _, err := b.Wait(context.Background(), 0); err != nil || time.Since(began) > time.Hour+5*time.Second {
			t.Errorf("those who left cost %v, %v", time.Since(began), err)
		}
	})
}

// Half of the reserve goes at once where all of it is there, and the calls after it wait for
// longer than one call takes at the pace. That is no reason to end.
func TestBudget_goesOnAfterCallsAheadOfTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budget.NewReserve(trengo)
		began := time.Now()
		for n := range 20 {
			g, err := b.Wait(t.Context(), 6*time.Second)
			if err != nil {
				t.Fatalf("call %d after %v: %v", n+1, time.Since(began), err)
			}
			b.Learn(g, http.StatusOK, rateHeader(120, 119-n, time.Time{}), time.Now())
		}
	})
}

// The next call counts, not how many others wait before it: they make theirs meanwhile.
func TestBudget_endsAWaitForTheNextCallThatIsTooLong(t *testing.T) {
	const pace = 5 * time.Second // of the 12 calls a minute that people have
	for name, tt := range map[string]struct {
		longest time.Duration
		granted int
	}{
		"longer than the pace":  {pace + time.Second, 30},
		"shorter than the pace": {pace - time.Second, 1},
		"no limit":              {0, 30},
	} {
		bubble(t, name, func(t *testing.T) {
			b := budget.NewReserve(trengo)
			var mu sync.Mutex
			var group sync.WaitGroup
			granted := 0
			for range 30 {
				group.Go(func() {
					_, err := b.Wait(t.Context(), tt.longest)
					mu.Lock()
					defer mu.Unlock()
					if err == nil {
						granted++
					} else if late, ok := errors.AsType[*budget.TooLongError](err); !ok || late.UsedUp || late.Own != 12 || time.Until(late.Until) > pace+time.Second {
						t.Errorf("error %#v, want the pace of 12 calls a minute", err)
					}
				})
			}
			group.Wait()
			if granted != tt.granted {
				t.Errorf("%d of 30 calls were granted, want %d", granted, tt.granted)
			}
		})
	}
}

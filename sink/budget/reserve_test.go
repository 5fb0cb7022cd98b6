package budget_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/deskstream/deskstream/sink/budget"
)

func TestReserveBudget_halfOfItMayGoAtOnceWhenAllOfItIsThere(t *testing.T) {
	for name, tt := range map[string]struct {
		remaining int // as the first answer says; -1: it does not
		atOnce    int
	}{
		"all of it is there":      {119, 6},
		"just all of it is there": {12, 6},
		"some of it is used":      {11, 1},
		"nothing is said":         {-1, 1},
	} {
		bubble(t, name, func(t *testing.T) {
			b := budget.NewReserve(trengo)
			began, at := time.Now(), []time.Time{}
			for range 60 {
				g, err := b.Wait(t.Context(), 0)
				if err != nil {
					t.Fatal(err)
				}
				if at = append(at, time.Now()); tt.remaining >= 0 {
					b.Learn(g, 200, rateHeader(120, tt.remaining, time.Time{}), time.Now())
				}
			}
			atOnce := slices.IndexFunc(at, func(t time.Time) bool { return t.After(began) })
			if atOnce != tt.atOnce {
				t.Errorf("%d calls went at once, want %d", atOnce, tt.atOnce)
			}
			if got := most(at, time.Minute); got > 12 {
				t.Errorf("a minute saw %d calls, the reserve is 12", got)
			}
			if took := time.Since(began); took > 5*time.Minute+5*time.Second {
				t.Errorf("60 calls took %v, of 12 a minute", took)
			}
		})
	}
}

func TestReserveBudget_withoutAReserveIsAllOfTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := spend(budget.NewReserve(budget.Rate{Requests: 120, Per: time.Minute}), 3, 10*time.Minute)
		if got := most(at, time.Minute); got > 120 || len(at) < 97*1200/100 {
			t.Errorf("%d calls in ten minutes, %d in one", len(at), got)
		}
	})
}

// A reset that no answer names is found out. Until then the pace is halved.
func TestBudget_whenTooFewRemainItIsSlowUntilMoreDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budget.New(trengo)
		var at []time.Time
		for began := time.Now(); time.Since(began) < 10*time.Minute; {
			g, err := b.Wait(t.Context(), 0)
			if err != nil {
				t.Fatal(err)
			}
			at = append(at, time.Now())
			b.Learn(g, 200, rateHeader(120, 6, time.Time{}), time.Now())
		}
		if n := len(at); n < 500 || n > 545 {
			t.Errorf("%d calls in ten minutes, want half of 1,080", n)
		}
	})
}

// It is halved too where many wait and answers take their time: no call goes in a burst meanwhile.
func TestBudget_whenTooFewRemainManyWhoWaitAreAsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budget.New(budget.Rate{Requests: 1200, Per: time.Minute, Reserve: 0.1})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		var mu sync.Mutex
		var at []time.Time
		var group sync.WaitGroup
		for range 64 {
			group.Go(func() {
				for {
					g, err := b.Wait(ctx, 0)
					if err != nil {
						return
					}
					mu.Lock()
					at = append(at, time.Now())
					mu.Unlock()
					time.Sleep(300 * time.Millisecond)
					b.Learn(g, 200, rateHeader(1200, 60, time.Time{}), time.Now())
				}
			})
		}
		group.Wait()
		if n := len(at); n < 5000 || n > 5450 {
			t.Errorf("%d calls in ten minutes, want half of 10,800", n)
		}
	})
}

func bubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

// trengo is the limit of a Trengo token.
var trengo = budget.Rate{Requests: 120, Per: time.Minute, Reserve: 0.1}

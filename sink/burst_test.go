package sink_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
)

// busy is a rate of 75 calls a second besides a reserve of 25.
var busy = budget.Rate{Requests: 400, Per: 4 * time.Second, Reserve: 0.25}

// What waited for the rate budget when a hold began goes at the budget's pace when it ends, not all
// at once: a window that slides would see too many calls.
func TestHold_whatWaitedGoesAtThePaceWhenItEnds(t *testing.T) {
	for _, priorities := range []bool{false, true} {
		bubble(t, fmt.Sprintf("priorities %v", priorities), func(t *testing.T) {
			var mu sync.Mutex
			var at []time.Time
			began := time.Now()
			c := config(exchange(func(*http.Request) (*http.Response, error) {
				mu.Lock()
				at = append(at, time.Now())
				n := len(at)
				mu.Unlock()
				time.Sleep(20 * time.Millisecond)
				if n == 300 {
					return answer(http.StatusTooManyRequests, `{}`, "Retry-After", "3")
				}
				return answer(http.StatusOK, `{}`)
			}))
			c.Rate, c.MaxInFlight, c.Priorities = busy, 64, priorities
			d := destination(t, c)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			var group sync.WaitGroup
			for i := range 64 {
				group.Go(func() {
					for ctx.Err() == nil {
						pass, err := d.Gate().EnterAs(ctx, mapping.Normal)
						if err != nil {
							return
						}
						s := d.Session(pass, sink.Stop{Soft: ctx, Hard: ctx})
						s.Lane = fmt.Sprint(i)
						_, _ = calling(ticket).Deliver(context.WithoutCancel(ctx), s, []byte(track))
					}
				})
			}
			<-ctx.Done()
			group.Wait()
			held := slices.IndexFunc(at[1:], func(moment time.Time) bool { return moment.Sub(began) > 6*time.Second })
			if len(at) < 800 || held < 300 {
				t.Fatalf("%d calls, %d before the hold ended, want more", len(at), held)
			}
			first := 0
			for i := range at {
				for at[i].Sub(at[first]) >= time.Second {
					first++
				}
				if n := i - first + 1; n > 75+6+1 {
					t.Fatalf("%d calls in the second before %v, the pace is 75", n, at[i].Sub(began))
				}
			}
		})
	}
}

// An instance and an export that are busy all the time, at a desk whose window slides: what they need
// to get there differs by more than the time between two calls.
func TestLend_aWindowThatSlidesSeesNoCallTooManyWhenAllAreBusy(t *testing.T) {
	for _, rate := range []budget.Rate{busy, trengo} {
		for _, jitter := range []time.Duration{10 * time.Millisecond, 150 * time.Millisecond, 400 * time.Millisecond} {
			bubble(t, fmt.Sprintf("%d in %v, %v", rate.Requests, rate.Per, jitter), func(t *testing.T) {
				m := newMeter(rate.Requests, sliding)
				m.per = rate.Per
				began := time.Now()
				m.latency = func() time.Duration { return 5*time.Millisecond + 3*rand.N(jitter) }
				ctx, cancel := context.WithTimeout(t.Context(), 30*rate.Per)
				defer cancel()
				var group sync.WaitGroup
				run, export := instanceOf(m, rate, 12), newParty(m, budget.NewReserve(rate))
				run.offer(ctx, steadily(12000), &group)
				for range 8 {
					export.oneByOne(ctx, &group)
				}
				<-ctx.Done()
				group.Wait()
				fullest, first := 0, 0
				for first < len(m.all) && m.all[first].Sub(began) < 3*rate.Per { // an export begins with half of the reserve
					first++
				}
				for i := first; i < len(m.all); i++ {
					for m.all[i].Sub(m.all[first]) >= rate.Per {
						first++
					}
					fullest = max(fullest, i-first+1)
				}
				t.Logf("run %d, export %d, refused %d, %d in the fullest window", len(run.at), len(export.at), m.refused, fullest)
				if m.refused > 0 || fullest > rate.Requests-int(rate.Reserve*float64(rate.Requests))/4 {
					t.Errorf("%d of %d calls were refused, %d in the fullest window of %d", m.refused, len(m.all), fullest, rate.Requests)
				}
			})
		}
	}
}

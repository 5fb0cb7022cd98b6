package lanes

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestLanes_keepOrderWithinAndWaitForNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(100)
		var mu sync.Mutex
		done := map[string][]int{}
		began := time.Now()
		for i := range 5 {
			for _, lane := range []string{"a", "b", "c"} {
				l.Submit(lane, func() {
					time.Sleep(time.Second)
					mu.Lock()
					defer mu.Unlock()
					done[lane] = append(done[lane], i)
				})
			}
		}
		l.Wait()
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("15 jobs of a second in 3 lanes took %v, want 5s", took)
		}
		for lane, order := range done {
			if !slices.Equal(order, []int{0, 1, 2, 3, 4}) {
				t.Errorf("lane %s ran %v", lane, order)
			}
		}
		if len(l.queues) != 0 {
			t.Errorf("%d lanes are left", len(l.queues))
		}
	})
}

func TestLanes_jobsWithoutALaneWaitForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(100)
		began := time.Now()
		for range 50 {
			l.Submit("", func() { time.Sleep(time.Second) })
		}
		l.Wait()
		if took := time.Since(began); took != time.Second {
			t.Errorf("50 jobs of a second took %v, want 1s", took)
		}
	})
}

func TestLanes_submitWaitsAtTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(2)
		began := time.Now()
		for range 6 {
			l.Submit("", func() { time.Sleep(time.Second) })
		}
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("the last of 6 jobs began after %v, want 2s", took)
		}
		l.Wait()
	})
}

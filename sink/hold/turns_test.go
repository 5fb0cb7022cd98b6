package hold_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink/budget"
	"github.com/deskstream/deskstream/sink/hold"
)

// urgent is a gate whose places come with calls: 60 a minute, one at a time.
type urgent struct {
	t     *testing.T
	gate  *hold.Gate
	began time.Time
	mu    sync.Mutex
	in    []string // who made a call, and at which second
	group sync.WaitGroup
}

func newUrgent(t *testing.T, places int) *urgent {
	b := budget.New(budget.Rate{Requests: 60, Per: time.Minute})
	b.Prioritise()
	u := &urgent{t: t, gate: hold.New(hold.Config{Limit: places, Initial: time.Second, Budget: b}), began: time.Now()}
	u.now("first", mapping.Normal) // the bucket is empty now
	return u
}

// now makes a call at once.
func (u *urgent) now(name string, p mapping.Priority) {
	u.add(name, p, func(pass *hold.Pass) { pass.Done() })
	u.group.Wait()
	u.in = nil
}

// add lets a caller wait, who makes one call when it has its place; in runs then.
func (u *urgent) add(name string, p mapping.Priority, in func(*hold.Pass)) {
	u.group.Go(func() {
		pass, err := u.gate.EnterAs(context.Background(), p)
		if err != nil {
			u.t.Error(err)
			return
		}
		if _, ok := pass.Spend(); !ok {
			u.t.Errorf("%s has a place without a call", name)
		}
		if _, ok := pass.Spend(); ok {
			u.t.Errorf("%s has two calls", name)
		}
		u.mu.Lock()
		u.in = append(u.in, fmt.Sprintf("%s %.0f", name, time.Since(u.began).Seconds()))
		u.mu.Unlock()
		in(pass)
	})
	synctest.Wait()
}

func TestGate_theMostUrgentEntersFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUrgent(t, 8)
		for i, p := range []mapping.Priority{mapping.Low, mapping.Normal, mapping.High, mapping.Low, mapping.High} {
			u.add(fmt.Sprintf("%s%d", p, i), p, func(pass *hold.Pass) { pass.Done() })
		}
		u.group.Wait()
		if want := []string{"high2 1", "high4 2", "normal1 3", "low0 4", "low3 5"}; !slices.Equal(u.in, want) {
			t.Errorf("came in: %q, want %q", u.in, want)
		}
	})
}

// A place is for who makes a call: nobody sits on one while the budget has none.
func TestGate_noPlaceIsHeldWithoutACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUrgent(t, 2)
		for i := range 50 {
			u.add(fmt.Sprint(i), mapping.Low, func(pass *hold.Pass) { pass.Done() })
		}
		for range 20 {
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
			if n := u.gate.InUse(); n > 0 {
				t.Fatalf("%d places are held between two calls", n)
			}
		}
		u.add("urgent", mapping.High, func(pass *hold.Pass) { pass.Done() })
		u.group.Wait()
		if at := slices.Index(u.in, "urgent 2"); at != 1 {
			t.Errorf("the urgent one was number %d: %q", at, u.in[:5])
		}
	})
}

// And a call is for who has a place: with none free the others wait without one.
func TestGate_noCallIsTakenWithoutAPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUrgent(t, 1)
		u.add("slow", mapping.Low, func(pass *hold.Pass) {
			time.Sleep(10 * time.Second)
			pass.Done()
		})
		time.Sleep(2 * time.Second)
		for i, p := range []mapping.Priority{mapping.Low, mapping.Low, mapping.High} {
			u.add(fmt.Sprintf("%s%d", p, i), p, func(pass *hold.Pass) { pass.Done() })
		}
		u.group.Wait()
		if want := []string{"slow 1", "high2 11", "low0 12", "low1 13"}; !slices.Equal(u.in, want) {
			t.Errorf("came in: %q, want %q", u.in, want)
		}
	})
}

// An event that makes no call, since it is skipped or all is known, costs the others nothing.
func TestGate_aCallThatIsNotMadeIsTheNextOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUrgent(t, 2)
		began := time.Now()
		for i := range 100 {
			pass, err := u.gate.EnterAs(t.Context(), mapping.Low)
			if err != nil {
				t.Fatal(err)
			}
			if i%2 == 0 {
				pass.Done()
			} else {
				pass.Rest()
			}
		}
		if took := time.Since(began); took > 1100*time.Millisecond {
			t.Errorf("100 events without a call took %v", took)
		}
	})
}

func TestPass_whoIsRaisedWaitsInTheOtherRow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUrgent(t, 8)
		pass, err := u.gate.EnterAs(t.Context(), mapping.Low)
		if err != nil {
			t.Fatal(err)
		}
		pass.Rest()
		u.now("x", mapping.Low)
		u.add("low", mapping.Low, func(pass *hold.Pass) { pass.Done() })
		u.add("normal", mapping.Normal, func(pass *hold.Pass) { pass.Done() })
		back := make(chan time.Duration, 1)
		began := time.Now()
		go func() {
			if err := pass.Return(context.Background()); err != nil {
				t.Error(err)
			}
			back <- time.Since(began)
			pass.Done()
		}()
		synctest.Wait()
		pass.Raise(mapping.High)
		if pass.Priority() != mapping.High {
			t.Errorf("the priority is %s", pass.Priority())
		}
		if took := <-back; took > 1100*time.Millisecond {
			t.Errorf("the raised one came after %v", took)
		}
		pass.Raise(mapping.Low)
		pass.Own(mapping.Normal)
		if pass.Priority() != mapping.Normal {
			t.Errorf("the priority is %s after the lookup", pass.Priority())
		}
		u.group.Wait()
	})
}

// In a hold no call is taken but by the probe, also not by those who wait.
func TestGate_aProbeHasACallToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUrgent(t, 8)
		u.add("fails", mapping.Low, func(pass *hold.Pass) { pass.Hold("http_429", 30*time.Second) })
		time.Sleep(2 * time.Second)
		for i, p := range []mapping.Priority{mapping.Low, mapping.High, mapping.Low} {
			u.add(fmt.Sprintf("%s%d", p, i), p, func(pass *hold.Pass) {
				pass.Passed(true)
				pass.Done()
			})
		}
		u.group.Wait()
		if want := []string{"fails 1", "high1 31", "low0 32", "low2 33"}; !slices.Equal(u.in, want) {
			t.Errorf("came in: %q, want %q", u.in, want)
		}
	})
}

func TestGate_whoStopsWaitingLosesNoCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newUrgent(t, 8)
		for range 100 {
			ctx, cancel := context.WithTimeout(t.Context(), 997*time.Millisecond)
			if pass, err := u.gate.EnterAs(ctx, mapping.High); err == nil {
				pass.Rest()
			}
			cancel()
		}
		time.Sleep(time.Minute)
		began := time.Now()
		u.now("next", mapping.Low)
		if took := time.Since(began); took > 0 {
			t.Errorf("the next one waited %v", took)
		}
	})
}

package hold_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/deskstream/deskstream/sink/hold"
)

func TestOperator_aHoldHasNoProbesAndEndsByResumeOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := hold.New(hold.Config{Limit: 4, Initial: time.Second, GiveUp: 0})
		inAir := enter(t, g, "a")
		if err := g.Halt(); err != nil {
			t.Fatal(err)
		}
		var l line
		l.add(g, "b", done)
		inAir.Passed(true) // what was in flight proves nothing about a person's hold
		inAir.Done()
		time.Sleep(24 * time.Hour)
		if h := g.Held(); l.came() != 0 || h.Reason != hold.Operator || g.InUse() != 0 {
			t.Fatalf("%q came in during %+v", l.in, h)
		}
		if err := g.Halt(); !errors.Is(err, hold.ErrHaltedAlready) {
			t.Errorf("a second Halt gave %v", err)
		}
		was, err := g.Resume()
		if err != nil || was.Reason != hold.Operator {
			t.Errorf("Resume = %+v, %v", was, err)
		}
		l.group.Wait()
		if l.at[0] != 24*time.Hour || g.HeldFor() != 24*time.Hour {
			t.Errorf("came in at %v, held for %v", l.at, g.HeldFor())
		}
		if _, err := g.Resume(); !errors.Is(err, hold.ErrNotHeld) {
			t.Errorf("a second Resume gave %v", err)
		}
	})
}

func TestOperator_aHoldTakesThePlaceOfOneWithProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := hold.New(hold.Config{Limit: 4, Initial: time.Second, GiveUp: 0})
		enter(t, g, "a").Hold("http_401", 0)
		probe := enter(t, g, "b")
		if err := g.Halt(); err != nil {
			t.Fatal(err)
		}
		probe.Passed(true)
		probe.Done()
		if h := g.Held(); h.Reason != hold.Operator {
			t.Errorf("the probe that was in the air ended it: %+v", h)
		}
		var l line
		l.add(g, "c", done)
		time.Sleep(time.Hour)
		late := enterSoon(t, g)
		if l.came() != 0 || late {
			t.Errorf("a probe was let in: %q", l.in)
		}
		if _, err := g.Resume(); err != nil {
			t.Fatal(err)
		}
		l.group.Wait()
	})
}

// enterSoon reports whether an event gets a place within a minute.
func enterSoon(t *testing.T, g *hold.Gate) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	p, err := g.Enter(ctx, "soon")
	if err == nil {
		p.Done()
	}
	return err == nil
}

func TestOperator_callsComeBackByDoublingAfterResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := hold.New(hold.Config{Limit: 8, Initial: time.Second, GiveUp: 0})
		if err := g.Halt(); err != nil {
			t.Fatal(err)
		}
		var l line
		for range 15 {
			l.add(g, "l", func(p *hold.Pass) {
				time.Sleep(time.Second)
				p.Passed(true)
				p.Done()
			})
		}
		if _, err := g.Resume(); err != nil {
			t.Fatal(err)
		}
		l.group.Wait()
		per := make([]int, 4)
		for _, at := range l.at {
			per[at/time.Second]++
		}
		if want := [4]int{1, 2, 4, 8}; [4]int(per) != want {
			t.Errorf("came in per second: %v, want %v", per, want)
		}
	})
}

func TestOperator_resumeEndsAnyHoldAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := hold.New(hold.Config{Limit: 4, Initial: time.Second, GiveUp: 0})
		began := time.Now()
		enter(t, g, "a").Hold("http_403", time.Hour)
		time.AfterFunc(time.Minute, func() {
			if _, err := g.Resume(); err != nil {
				t.Error(err)
			}
		})
		enter(t, g, "b").Done()
		if took := time.Since(began); took != time.Minute {
			t.Errorf("the first call after resume came after %v, want 1m", took)
		}
	})
}

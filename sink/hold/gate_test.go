package hold_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/hold"
)

func enter(t *testing.T, g *hold.Gate, lane string) *hold.Pass {
	t.Helper()
	p, err := g.Enter(t.Context(), lane)
	if err != nil {
		t.Fatalf("entering: %v", err)
	}
	return p
}

// line lets callers wait for the gate, in order, and tells who came in and when.
type line struct {
	mu    sync.Mutex
	began time.Time
	in    []string
	at    []time.Duration
	group sync.WaitGroup
}

// add lets a caller wait; in runs when it has its place.
func (l *line) add(g *hold.Gate, name string, in func(p *hold.Pass)) {
	if l.began.IsZero() {
		l.began = time.Now()
	}
	l.group.Go(func() {
		p, err := g.Enter(context.Background(), name)
		l.mu.Lock()
		if err != nil {
			name += ": " + err.Error()
		}
		l.in = append(l.in, name)
		l.at = append(l.at, time.Since(l.began))
		l.mu.Unlock()
		if err == nil {
			in(p)
		}
	})
	synctest.Wait() // so that the next one is behind
}

func (l *line) came() int {
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.in)
}

func done(p *hold.Pass) { p.Done() }

func bubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

func TestGate_letsInUpToItsLimitFirstComeFirstServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := hold.New(hold.Config{Limit: 2, Initial: time.Second, GiveUp: 0})
		a, b := enter(t, g, "a"), enter(t, g, "b")
		var l line
		for _, name := range []string{"c", "d", "e"} {
			l.add(g, name, done)
		}
		if l.came() != 0 || g.InUse() != 2 {
			t.Fatalf("%v came in, %d places in use; the limit is 2", l.in, g.InUse())
		}
		a.Rest() // what rests holds no place
		a.Rest()
		l.group.Wait()
		if want := []string{"c", "d", "e"}; !slices.Equal(l.in, want) {
			t.Errorf("came in: %v, want %v", l.in, want)
		}
		if err := a.Return(t.Context()); err != nil || g.InUse() != 2 {
			t.Errorf("returning: %v, %d in use", err, g.InUse())
		}
		a.Done()
		b.Done()
		if g.InUse() != 0 {
			t.Errorf("%d places in use at the end", g.InUse())
		}
	})
}

func TestGate_holdOpensAtOnceAndProbesOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var heard []string
		g := hold.New(hold.Config{Limit: 8, Initial: 500 * time.Millisecond, OnChange: func(_, now hold.State) { heard = append(heard, now.Reason) }})
		enter(t, g, "a").Hold("http_401", 0)
		if h := g.Held(); h.Reason != "http_401" || !h.Since.Equal(time.Now()) {
			t.Errorf("hold = %+v", h)
		}
		var l line
		for i := range 8 {
			l.add(g, strconv.Itoa(i), func(p *hold.Pass) {
				if g.InUse() != 1 {
					t.Errorf("%d at once in a hold", g.InUse())
				}
				if i < 7 {
					p.Hold("http_403", 0)
					return
				}
				p.Passed(true)
				p.Done()
			})
		}
		l.group.Wait()
		// 0.5 s, then doubled up to 10 s between them.
		want := []int{500, 1500, 3500, 7500, 15500, 25500, 35500, 45500}
		for i, ms := range want {
			want := time.Duration(ms) * time.Millisecond
			if l.at[i] != want || l.in[i] != strconv.Itoa(i) {
				t.Errorf("probe %d was %s at %v, want %v", i, l.in[i], l.at[i], want)
			}
		}
		if g.Held().Active() || g.HeldFor() != 45500*time.Millisecond || !slices.Equal(heard, []string{"http_401", ""}) {
			t.Errorf("hold = %+v, held for %v, heard %q", g.Held(), g.HeldFor(), heard)
		}
	})
}

func TestGate_whatTheAPIAsksForWins(t *testing.T) {
	for name, tt := range map[string]struct{ first, second, at1, at2 time.Duration }{
		"longer":            {time.Minute, 2 * time.Minute, time.Minute, 3 * time.Minute},
		"shorter later":     {20 * time.Second, 2 * time.Second, 20 * time.Second, 22 * time.Second},
		"under the initial": {time.Millisecond, time.Millisecond, time.Second, 2 * time.Second},
	} {
		bubble(t, name, func(t *testing.T) {
			g := hold.New(hold.Config{Limit: 2, Initial: time.Second, GiveUp: 0})
			enter(t, g, "a").Hold("http_429", tt.first)
			var l line
			l.add(g, "b", func(p *hold.Pass) { p.Hold("http_429", tt.second) })
			l.add(g, "c", done)
			l.group.Wait()
			if l.at[0] != tt.at1 || l.at[1] != tt.at2 {
				t.Errorf("probes at %v, want %v and %v", l.at, tt.at1, tt.at2)
			}
		})
	}
	bubble(t, "shorter than the grown interval", func(t *testing.T) {
		g := hold.New(hold.Config{Limit: 2, Initial: time.Second, GiveUp: 0})
		enter(t, g, "a").Hold("http_429", 0)
		var l line
		for i := range 5 {
			l.add(g, strconv.Itoa(i), func(p *hold.Pass) { p.Hold("http_429", time.Duration(i/3)*time.Second) })
		}
		l.group.Wait()
		if got := l.at[4] - l.at[3]; got != time.Second {
			t.Errorf("the probe after a Retry-After of 1s came after %v", got)
		}
	})
}

func TestGate_whoWasInFlightCanOnlyPutTheProbeOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := hold.New(hold.Config{Limit: 4, Initial: time.Second, GiveUp: 0})
		a, b, c, d := enter(t, g, "a"), enter(t, g, "b"), enter(t, g, "c"), enter(t, g, "d")
		a.Hold("http_429", 0)
		b.Hold("http_429", 5*time.Second)
		c.Passed(true) // a call that began before the hold proves nothing about it
		c.Done()
		d.Failed(0)
		if !g.Held().Active() || g.InUse() != 0 {
			t.Fatalf("hold = %+v, %d in use", g.Held(), g.InUse())
		}
		var l line
		l.add(g, "e", done)
		l.group.Wait()
		if l.at[0] != 5*time.Second {
			t.Errorf("probe at %v, want 5s", l.at[0])
		}
	})
}

func TestGate_tenFailuresInARowOfTwoLanesOpenAHold(t *testing.T) {
	tests := map[string]struct {
		lanes  func(i int) string
		passed int // a call passes after so many failures, if not 0
		same   bool
		want   bool
	}{
		"two lanes":             {func(i int) string { return strconv.Itoa(i % 2) }, 0, false, true},
		"the last is another":   {func(i int) string { return strconv.Itoa(i / 9) }, 0, false, true},
		"one lane":              {func(int) string { return "a" }, 0, false, false},
		"events without a lane": {func(int) string { return "" }, 0, false, true},
		"one without a lane":    {func(int) string { return "" }, 0, true, false},
		"one passes between":    {func(i int) string { return strconv.Itoa(i % 2) }, 9, false, false},
	}
	for name, tt := range tests {
		bubble(t, name, func(t *testing.T) {
			g := hold.New(hold.Config{Limit: 4, Initial: time.Second, GiveUp: 0})
			p := enter(t, g, tt.lanes(0))
			for i := range 10 {
				if g.Held().Active() {
					t.Fatalf("on hold after %d failures", i)
				}
				if i > 0 && !tt.same {
					p = enter(t, g, tt.lanes(i))
				} else if i > 0 {
					if err := p.Return(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				if tt.passed == i && i > 0 {
					p.Passed(false)
				}
				p.Failed(0)
			}
			if h := g.Held(); h.Active() != tt.want || tt.want && h.Reason != "failing" {
				t.Errorf("hold = %+v, want %v", h, tt.want)
			}
		})
	}
}

func TestGate_limitOfOneObjectOpensNoHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := hold.New(hold.Config{Limit: 4, Initial: time.Second, GiveUp: 0})
		for i := range 50 {
			enter(t, g, strconv.Itoa(i)).Limited(time.Minute)
		}
		if g.Held().Active() || g.InUse() != 0 {
			t.Errorf("hold = %+v, %d in use", g.Held(), g.InUse())
		}
	})
}

func TestGate_holdEndsWithAWriteOfTheProbeAndItsLastCall(t *testing.T) {
	tests := map[string]struct {
		probe func(p *hold.Pass)
		ends  bool
	}{
		"a write passes":                           {func(p *hold.Pass) { p.Passed(true) }, true},
		"a lookup and a write pass":                {func(p *hold.Pass) { p.Passed(false); p.Passed(true); p.Passed(false) }, true},
		"a lookup passes":                          {func(p *hold.Pass) { p.Passed(false) }, false},
		"a write passed in an earlier turn":        {func(p *hold.Pass) { p.Passed(true); p.Failed(0); _ = p.Return(context.Background()) }, false},
		"nothing is called":                        {func(*hold.Pass) {}, false},
		"a write passes, the next fails":           {func(p *hold.Pass) { p.Passed(true); p.Failed(0) }, false},
		"a write passes, the next is refused":      {func(p *hold.Pass) { p.Passed(true); p.Hold("http_403", 0) }, false},
		"a write passes, the next is limited":      {func(p *hold.Pass) { p.Passed(true); p.Limited(0) }, false},
		"a write passes before it rests and ends ": {func(p *hold.Pass) { p.Passed(true); p.Rest() }, false},
	}
	for name, tt := range tests {
		bubble(t, name, func(t *testing.T) {
			g := hold.New(hold.Config{Limit: 4, Initial: time.Second, GiveUp: 0})
			enter(t, g, "a").Hold("refused", 0)
			p := enter(t, g, "b")
			tt.probe(p)
			if !g.Held().Active() {
				t.Error("the hold ended before the event did")
			}
			p.Done()
			if g.Held().Active() == tt.ends {
				t.Errorf("hold = %+v after the probe, want it ended: %v", g.Held(), tt.ends)
			}
		})
	}
}

func TestGate_probeWithoutAVerdictLetsTheNextGoAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := hold.New(hold.Config{Limit: 4, Initial: time.Second, GiveUp: 0})
		enter(t, g, "a").Hold("refused", 0)
		var l line
		for _, name := range []string{"b", "c", "d"} {
			l.add(g, name, func(p *hold.Pass) {
				time.Sleep(100 * time.Millisecond)
				p.Passed(false)
				p.Rest()
			})
		}
		l.group.Wait()
		if want := []time.Duration{time.Second, 1100 * time.Millisecond, 1200 * time.Millisecond}; !slices.Equal(l.at, want) {
			t.Errorf("probes at %v, want %v", l.at, want)
		}
	})
}

func TestGate_callsComeBackByDoubling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := hold.New(hold.Config{Limit: 20, Initial: time.Second, GiveUp: 0})
		enter(t, g, "a").Hold("refused", 0)
		p := enter(t, g, "b")
		var l line
		for i := range 51 {
			l.add(g, strconv.Itoa(i), func(p *hold.Pass) {
				time.Sleep(time.Second)
				p.Passed(true)
				p.Done()
			})
		}
		p.Passed(true)
		p.Done()
		l.group.Wait()
		per := make([]int, 6)
		for _, at := range l.at {
			per[at/time.Second]++
		}
		if want := []int{1, 2, 4, 8, 16, 20}; !slices.Equal(per, want) {
			t.Errorf("came in per second: %v, want %v", per, want)
		}
	})
}

func TestGate_giveUpFailsAllWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := hold.New(hold.Config{Limit: 4, Initial: time.Second, GiveUp: 30 * time.Second})
		enter(t, g, "a").Hold("refused", time.Hour)
		var l line
		l.add(g, "b", done)
		l.add(g, "c", done)
		l.group.Wait()
		want := "b: destination on hold: it is on hold (refused)"
		if !slices.Contains(l.in, want) || l.at[0] != 30*time.Second || l.at[1] != 30*time.Second {
			t.Errorf("they got %q at %v, want %q at 30s", l.in, l.at, want)
		}
		if _, err := g.Enter(t.Context(), "d"); !errors.Is(err, hold.ErrHeld) {
			t.Errorf("a later one got %v, want ErrHeld", err)
		}
	})
}

func TestGate_giveUpComesWhileAProbeIsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := hold.New(hold.Config{Limit: 4, Initial: time.Second, GiveUp: 30 * time.Second})
		enter(t, g, "a").Hold("refused", 0)
		probe := enter(t, g, "b")
		var l line
		l.add(g, "c", done)
		l.group.Wait()
		if l.at[0] != 29*time.Second {
			t.Errorf("the waiter was told at %v, want 29s", l.at[0])
		}
		probe.Hold("refused", 0)
		if err := probe.Return(t.Context()); !errors.Is(err, hold.ErrHeld) {
			t.Errorf("the probe got %v, want ErrHeld", err)
		}
	})
}

func TestGate_noTimerOutlivesThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := hold.New(hold.Config{Limit: 4, Initial: time.Second, GiveUp: 0})
		enter(t, g, "a").Hold("http_429", time.Hour)
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, sink.ErrInterrupted)
		defer cancel()
		if _, err := g.Enter(ctx, "b"); !errors.Is(err, sink.ErrInterrupted) {
			t.Errorf("error = %v, want the cause", err)
		}
		time.Sleep(2 * time.Hour) // a probe with nobody to be it goes nowhere
		if g.InUse() != 0 || !g.Held().Active() {
			t.Errorf("%d in use, hold %+v", g.InUse(), g.Held())
		}
		began := time.Now()
		enter(t, g, "c").Done()
		if took := time.Since(began); took != 0 {
			t.Errorf("the overdue probe waited %v", took)
		}
	})
}

// Contexts end while places are granted, in any order that the scheduler likes.
func TestGate_noPlaceIsLost(t *testing.T) {
	g := hold.New(hold.Config{Limit: 3, Initial: time.Millisecond, GiveUp: 0})
	var group sync.WaitGroup
	for worker := range 32 {
		group.Go(func() {
			for range 200 {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.IntN(300))*time.Microsecond)
				use(ctx, g, strconv.Itoa(worker))
				cancel()
			}
		})
	}
	group.Wait()
	if g.InUse() != 0 {
		t.Fatalf("%d places are lost", g.InUse())
	}
	for g.Held().Active() {
		p := enter(t, g, "end")
		p.Passed(true)
		p.Done()
	}
}

// use does with a place whatever an event may do.
func use(ctx context.Context, g *hold.Gate, lane string) {
	p, err := g.Enter(ctx, lane)
	if err != nil {
		return
	}
	defer p.Done()
	switch rand.IntN(6) {
	case 0:
		p.Hold("http_429", 0)
	case 1:
		p.Failed(0)
	case 2:
		p.Limited(0)
	default:
		p.Passed(rand.IntN(2) == 0)
	}
	if rand.IntN(2) == 0 {
		p.Rest()
		_ = p.Return(ctx)
	}
}

package sink_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/deskstream/deskstream/sink/budget"
)

// agent makes calls of its own with the same credential, counted and never refused to it: perMinute of
// them, at even times.
func (m *meter) agent(ctx context.Context, perMinute int, group *sync.WaitGroup) {
	group.Go(func() {
		for ctx.Err() == nil {
			time.Sleep(time.Minute / time.Duration(perMinute))
			m.take()
		}
	})
}

// use is what became of a number of windows.
type use struct {
	ofOurs    float64 // of the limit less the reserve, that instances made
	ofAll     float64 // of the limit, that instances made
	refused   int
	perMinute []int
}

// useOf has instances make as many calls as they may for 60 windows, beside an agent of its own.
func useOf(t *testing.T, m *meter, r budget.Rate, parts []int, agent int) use {
	t.Helper()
	const minutes = 60
	time.Sleep(17 * time.Second)
	began := time.Now()
	var all []*party
	minutesOf(t, minutes, func(ctx context.Context, group *sync.WaitGroup) {
		for _, ours := range parts {
			p := instanceOf(m, r, ours)
			p.offer(ctx, steadily(r.Requests*5/2), group)
			all = append(all, p)
		}
		if agent > 0 {
			m.agent(ctx, agent, group)
		}
	})
	u := use{refused: m.refused, perMinute: make([]int, minutes)}
	for _, p := range all {
		for i, n := range p.inMinutes(began, minutes) {
			u.perMinute[i] += n
		}
	}
	u.ofAll = average(u.perMinute) / float64(r.Requests)
	u.ofOurs = u.ofAll / (1 - r.Reserve)
	return u
}

// While more waits than there are calls, next to nothing of a limit is left unused, by one instance or
// by several, and no call is refused.
func TestUse_whileABacklogWaitsTheLimitIsUsed(t *testing.T) {
	kustomer := budget.Rate{Requests: 1000, Per: time.Minute, Reserve: 0.1}
	for _, tt := range []struct {
		name   string
		rate   budget.Rate
		parts  []int
		agent  int // calls a minute
		ofOurs float64
		ofAll  float64
	}{
		{"one instance", trengo, []int{12}, 0, 0.97, 0.93},
		{"three", trengo, []int{4, 4, 4}, 0, 0.97, 0.93},
		{"three and an agent at 5 %", trengo, []int{4, 4, 4}, 6, 0.97, 0},
		{"three with other shares, and an agent", trengo, []int{6, 5, 1}, 6, 0.97, 0},
		{"three at Kustomer", kustomer, []int{4, 4, 4}, 0, 0.97, 0.93},
		{"three at Kustomer and an agent at 5 %", kustomer, []int{4, 4, 4}, 50, 0.97, 0},
	} {
		for _, way := range []string{fixed, firstHit, sliding} {
			if testing.Short() && (way == firstHit || tt.rate != trengo && way == sliding) {
				continue
			}
			bubble(t, tt.name+", "+way, func(t *testing.T) {
				u := useOf(t, newMeter(tt.rate.Requests, way), tt.rate, tt.parts, tt.agent)
				t.Logf("%.3f of the limit less the reserve, %.3f of the limit, %d refused, %v", u.ofOurs, u.ofAll, u.refused, u.perMinute)
				if u.refused > 0 {
					t.Errorf("%d calls were refused", u.refused)
				}
				least := tt.ofOurs
				if way == sliding { // whose end is not known: then an agent's calls stop ours a little early
					least -= 0.02
				}
				if u.ofOurs < least {
					t.Errorf("%.3f of the limit less the reserve, want %.2f", u.ofOurs, least)
				}
				if way == fixed && u.ofAll < tt.ofAll {
					t.Errorf("%.3f of the limit, want %.2f", u.ofAll, tt.ofAll)
				}
			})
		}
	}
}

// A process that dies has its lent calls counted by the desk, and its share lies idle until others have
// its partitions: what is left of it is lent meanwhile, and no window sees too many calls.
func TestUse_anInstanceDiesWithItsLentShare(t *testing.T) {
	for _, way := range []string{fixed, firstHit} {
		bubble(t, way, func(t *testing.T) {
			const minutes, dies, found = 30, 9, 12
			m := newMeter(trengo.Requests, way)
			began := time.Now().Truncate(time.Minute)
			var all []*party
			minutesOf(t, minutes, func(ctx context.Context, group *sync.WaitGroup) {
				dead, kill := context.WithCancel(ctx)
				defer kill()
				for i := range 3 {
					p, life := instanceOf(m, trengo, 4), ctx
					if i == 0 {
						life = dead
					}
					p.offer(life, steadily(300), group)
					all = append(all, p)
				}
				time.Sleep(time.Until(began.Add(dies*time.Minute + 57*time.Second)))
				kill()
				time.Sleep(time.Until(began.Add(found*time.Minute + time.Duration(rand.IntN(60))*time.Second)))
				all[1].budget.Divide("desk", 6, 12)
				all[2].budget.Divide("desk", 6, 12)
			})
			sum := make([]int, minutes)
			for _, p := range all {
				for i, n := range p.inMinutes(began, minutes) {
					sum[i] += n
				}
			}
			if m.refused > 0 {
				t.Errorf("%d calls were refused", m.refused)
			}
			if n := sum[dies+2]; way == fixed && n < 90 {
				t.Errorf("%d calls in a window in which a third of the share lay idle, want 72 and what is lent of the rest: %v", n, sum)
			}
			if got := average(sum[found+2-7:]); way == fixed && got < 0.93*120 {
				t.Errorf("%.1f calls a window when the others have its partitions: %v", got, sum)
			}
		})
	}
}

// Somebody else calls with the credential, many times at once and at any moment: half of the reserve is
// there for them always, and all of it before the last fifth of a window.
func TestUse_anAgentSuddenlyCalls(t *testing.T) {
	for name, tt := range map[string]struct {
		calls int
		from  time.Duration // of a window
		until time.Duration
	}{
		"half of the reserve, at any moment":                 {6, 0, 59 * time.Second},
		"half of the reserve, in the last second":            {6, 59 * time.Second, 60 * time.Second},
		"all of the reserve, before the last fifth":          {12, 0, 47 * time.Second},
		"half of the reserve, in the middle of what is lent": {6, 50 * time.Second, 56 * time.Second},
	} {
		bubble(t, name, func(t *testing.T) {
			m := newMeter(trengo.Requests, fixed)
			began := time.Now().Truncate(time.Minute)
			minutesOf(t, 60, func(ctx context.Context, group *sync.WaitGroup) {
				for range 3 {
					instanceOf(m, trengo, 4).offer(ctx, steadily(300), group)
				}
				for window := 8; window < 58; window += 1 + rand.IntN(14) {
					at := tt.from + time.Duration(rand.Int64N(int64(tt.until-tt.from)))
					time.Sleep(time.Until(began.Add(time.Duration(window)*time.Minute + at)))
					for range tt.calls {
						m.take()
					}
				}
			})
			if m.refused > 0 {
				t.Errorf("%d calls were refused", m.refused)
			}
		})
	}
}

// Answers that are late, lag behind the count, or name other limits.
func TestUse_answersDisagree(t *testing.T) {
	for name, tt := range map[string]struct {
		shape func(m *meter)
		least float64 // of the limit less the reserve
	}{
		"they take up to three seconds": {func(m *meter) {
			m.latency = func() time.Duration { return time.Duration(5+rand.IntN(3000)) * time.Millisecond }
		}, 0.95},
		"their counts lag by up to four calls": {func(m *meter) {
			m.says = func(limit, remaining int) (int, int) { return limit, min(remaining+rand.IntN(5), limit-1) }
		}, 0.95},
		"every other one names a limit of five sixths": {func(m *meter) {
			n := 0
			m.says = func(limit, remaining int) (int, int) {
				m.mu.Lock()
				defer m.mu.Unlock()
				if n++; n%2 == 0 {
					return limit * 5 / 6, max(remaining-limit/6, 0)
				}
				return limit, remaining
			}
		}, 0.8},
		"every tenth one counts calls of another credential": {func(m *meter) {
			m.says = func(limit, remaining int) (int, int) {
				if rand.IntN(10) == 0 {
					return limit, 40
				}
				return limit, remaining
			}
		}, 0.9},
	} {
		bubble(t, name, func(t *testing.T) {
			m := newMeter(trengo.Requests, fixed)
			tt.shape(m)
			u := useOf(t, m, trengo, []int{4, 4, 4}, 0)
			t.Logf("%.3f of the limit less the reserve, %v", u.ofOurs, u.perMinute)
			if u.refused > 0 || u.ofOurs < tt.least {
				t.Errorf("%d calls were refused, %.3f of the limit less the reserve was used, want %.2f", u.refused, u.ofOurs, tt.least)
			}
		})
	}
}

// A hundred instances that come and go, each with a few of a thousand partitions: the shares add up to
// no more than the limit, and what whole calls leave over is lent.
func TestUse_manyInstancesThatComeAndGo(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		const partitions, minutes = 1000, 14
		rate := budget.Rate{Requests: 3000, Per: time.Minute, Reserve: 0.1}
		m := newMeter(rate.Requests, fixed)
		began := time.Now().Truncate(time.Minute)
		all := make([]*party, 110)
		minutesOf(t, minutes, func(ctx context.Context, group *sync.WaitGroup) {
			for i := range all {
				all[i] = newParty(m, budget.New(rate))
				all[i].budget.Divide("desk", 0, partitions)
				all[i].offer(ctx, steadily(120), group)
			}
			have := make([]int, len(all))
			for ctx.Err() == nil {
				want := make([]int, len(all))
				alive := 90 + rand.IntN(21)
				order := rand.Perm(len(all))[:alive]
				for p := range partitions {
					want[order[p%alive]]++
				}
				sum := 0.
				for _, grows := range []bool{false, true} { // a partition is released before another process has it
					for i := range all {
						if n := want[i]; (n > have[i]) == grows && n != have[i] {
							all[i].budget.Divide("desk", n, partitions)
							have[i] = n
						}
					}
				}
				for i := range all {
					sum += all[i].budget.Share()
				}
				if sum < 0.999999 || sum > 1.000001 {
					t.Errorf("the shares add up to %v", sum)
				}
				time.Sleep(time.Minute)
			}
		})
		sum := make([]int, minutes)
		for _, p := range all {
			for i, n := range p.inMinutes(began, minutes) {
				sum[i] += n
			}
		}
		t.Logf("%.3f of the limit less the reserve: %v", average(sum)/2700, sum)
		if m.refused > 0 || most(m.all) > 3000 {
			t.Errorf("%d calls were refused", m.refused)
		}
		if got := average(sum) / 2700; got < 0.9 {
			t.Errorf("%.3f of the limit less the reserve was used", got)
		}
	})
}

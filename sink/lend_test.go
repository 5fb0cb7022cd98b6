package sink_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/deskstream/deskstream/sink/budget"
)

// Instances and plans that call one desk: no window sees more calls than its limit, a
// plan has the reserve in each, and of what is left over most is used.
func TestLend_instancesAndPlansTogetherStayWithinTheLimitAndUseIt(t *testing.T) {
	for _, tt := range []struct {
		name  string
		parts []int // partitions of each instance, of 12
		load  []int // calls a minute that each has to make
		plans int
		used  float64 // of 120 in a window, at least
		plan  float64 // calls of one plan, at least
		most  float64 // and at most
	}{
		{"a plan alone", []int{12}, []int{1}, 1, 50, 45, 64},
		{"live traffic of a quarter", []int{12}, []int{30}, 1, 70, 40, 50},
		{"live traffic of a half", []int{12}, []int{60}, 1, 86, 26, 35},
		{"live traffic of three quarters", []int{12}, []int{90}, 1, 103, 14, 21},
		{"all that there may be", []int{12}, []int{300}, 1, 113, 12, 15},
		{"no plan", []int{12}, []int{300}, 0, 111, 0, 0},
		{"one hot instance", []int{6, 6}, []int{300, 1}, 0, 80, 0, 0},
		{"one hot instance and a plan", []int{6, 6}, []int{300, 10}, 1, 93, 20, 32},
		{"two hot ones", []int{6, 6}, []int{300, 300}, 0, 109, 0, 0},
		{"two hot ones and a plan", []int{6, 6}, []int{300, 300}, 1, 113, 12, 15},
		{"three, of which one is idle", []int{4, 4, 4}, []int{300, 300, 1}, 1, 95, 18, 28},
		{"two plans", []int{12}, []int{30}, 2, 84, 25, 38},
	} {
		for _, way := range []string{fixed, firstHit} {
			if testing.Short() && way == firstHit {
				continue
			}
			bubble(t, tt.name+", "+way, func(t *testing.T) {
				const minutes = 14
				m := newMeter(trengo.Requests, way)
				time.Sleep(17 * time.Second)
				began := time.Now()
				var all []*party
				minutesOf(t, minutes, func(ctx context.Context, group *sync.WaitGroup) {
					for i, ours := range tt.parts {
						p := instanceOf(m, trengo, ours)
						p.offer(ctx, steadily(tt.load[i]), group)
						all = append(all, p)
					}
					for range tt.plans {
						p := newParty(m, budget.NewReserve(trengo))
						p.oneByOne(ctx, group)
						all = append(all, p)
					}
				})
				if m.refused > 0 {
					t.Errorf("%d of %d calls were refused", m.refused, len(m.all))
				}
				sum := make([]int, minutes)
				for i, p := range all {
					counts := p.inMinutes(began, minutes)
					for i, n := range counts {
						sum[i] += n
					}
					if i < len(tt.parts) {
						continue
					}
					want := tt.plan
					if way == firstHit { // whose windows are not always found out
						want = 11.9
					}
					t.Logf("a plan made %.1f calls a window", average(counts))
					if got := average(counts); got < want || got > tt.most {
						t.Errorf("a plan made %.1f calls a window, want %.0f to %.0f: %v", got, want, tt.most, counts)
					}
					if least := slices.Min(counts[2 : minutes-1]); way == fixed && least < 12 {
						t.Errorf("a plan made %d calls in a window, the reserve is 12: %v", least, counts)
					}
				}
				t.Logf("%.1f calls a window, plans included", average(sum))
				if got := average(sum); way == fixed && got < tt.used {
					t.Errorf("%.1f calls a window, want %.0f: %v", got, tt.used, sum)
				}
			})
		}
	}
}

// Whatever the load, and whenever a plan begins.
func TestLend_noWindowSeesTooManyCallsWhateverTheLoad(t *testing.T) {
	seeds := uint64(12)
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		bubble(t, strconv.FormatUint(seed, 10), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 0))
			rate := budget.Rate{Requests: []int{120, 1000}[r.IntN(2)], Per: time.Minute, Reserve: 0.1}
			m := newMeter(rate.Requests, []string{fixed, sliding}[r.IntN(2)])
			slow := 10 + r.IntN(1500)
			m.latency = func() time.Duration { return time.Duration(5+rand.IntN(slow)) * time.Millisecond }
			time.Sleep(time.Duration(r.IntN(60_000)) * time.Millisecond)
			minutesOf(t, 30, func(ctx context.Context, group *sync.WaitGroup) {
				for _, ours := range [][]int{{12}, {6, 6}, {4, 4, 4}, {12, 0}, {9, 3}}[r.IntN(5)] {
					r, load, until := rand.New(rand.NewPCG(seed, uint64(ours))), 0, time.Time{}
					instanceOf(m, rate, ours).offer(ctx, func() int {
						if time.Now().After(until) {
							until = time.Now().Add(time.Duration(r.IntN(180)) * time.Second)
							load = rate.Requests * []int{0, 1, 5, 10, 30}[r.IntN(5)] / 10
						}
						return load
					}, group)
				}
				time.Sleep(time.Duration(r.IntN(300_000)) * time.Millisecond)
				newParty(m, budget.NewReserve(rate)).oneByOne(ctx, group)
			})
			if m.refused > 0 {
				t.Errorf("%d of %d calls were refused", m.refused, len(m.all))
			}
		})
	}
}

// While a plan runs, an instance that suddenly has much to do takes half of what is left
// over, and the plan the other half.
func TestLend_instancesDivideTheHalfThatPlansLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMeter(trengo.Requests, fixed)
		began := time.Now()
		hot, plan := instanceOf(m, trengo, 12), newParty(m, budget.NewReserve(trengo))
		minutesOf(t, 8, func(ctx context.Context, group *sync.WaitGroup) {
			plan.oneByOne(ctx, group)
			hot.offer(ctx, func() int {
				if time.Since(began) > 6*time.Minute+46*time.Second {
					return 600
				}
				return 30
			}, group)
		})
		got, plans := hot.inMinutes(began, 8)[6], plan.inMinutes(began, 8)[6]
		// 48 are what it did before, and its own part of the rest of the window.
		if got < 52 || got > 70 || plans < 30 {
			t.Errorf("the instance made %d calls and the plan %d: it did not lend, or not half", got, plans)
		}
	})
}

// Answers that stay away when calls are lent: nobody knows then what the others do.
func TestLend_littleIsLentThatNoAnswerHasCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMeter(trengo.Requests, fixed)
		began := time.Now().Truncate(time.Minute)
		last := func() bool { return time.Since(began) > 5*time.Minute+47*time.Second }
		m.stuck = func() time.Duration {
			if last() {
				return 15 * time.Second
			}
			return 0
		}
		minutesOf(t, 6, func(ctx context.Context, group *sync.WaitGroup) {
			for _, p := range []*party{
				instanceOf(m, trengo, 12), newParty(m, budget.NewReserve(trengo)), newParty(m, budget.NewReserve(trengo)),
			} {
				p.offer(ctx, func() int {
					if last() {
						return 600
					}
					return 12
				}, group)
			}
		})
		if m.refused > 0 {
			t.Errorf("%d of %d calls were refused", m.refused, len(m.all))
		}
	})
}

// What is lent is known in the last fifth of a window only.
func TestLend_nothingIsLentBeforeTheLastFifth(t *testing.T) {
	for name, tt := range map[string]struct {
		party func(m *meter) *party
		own   int // calls of its own in a window
	}{
		"an instance": {func(m *meter) *party { return instanceOf(m, trengo, 6) }, 54},
		"a plan":      {func(m *meter) *party { return newParty(m, budget.NewReserve(trengo)) }, 12},
	} {
		bubble(t, name, func(t *testing.T) {
			m := newMeter(trengo.Requests, fixed)
			p := tt.party(m)
			minutesOf(t, 10, func(ctx context.Context, group *sync.WaitGroup) { p.offer(ctx, steadily(300), group) })
			early := 0
			for _, at := range p.at {
				// The window's beginning is known to the time between two calls: a plan's are
				// five seconds apart.
				if at.Sub(at.Truncate(time.Minute)) < 42*time.Second {
					early++
				}
			}
			if most := 10*tt.own*42/60 + 10; early > most {
				t.Errorf("%d calls before the last fifth of ten windows, want %d at most", early, most)
			}
			if len(p.at) < 10*tt.own*5/4 {
				t.Errorf("%d calls in ten windows: nothing was lent", len(p.at))
			}
		})
	}
}

// Who cannot know what is left over has its own part and no more.
func TestLend_nothingIsLentWhereItCannotBeKnown(t *testing.T) {
	for name, shape := range map[string]func(m *meter){
		"no count in the answers": func(m *meter) { m.silent = true },
		"a window that slides":    func(m *meter) { m.way = sliding },
	} {
		bubble(t, name, func(t *testing.T) {
			m := newMeter(trengo.Requests, fixed)
			shape(m)
			hot, plan := instanceOf(m, trengo, 6), newParty(m, budget.NewReserve(trengo))
			minutesOf(t, 10, func(ctx context.Context, group *sync.WaitGroup) {
				hot.offer(ctx, steadily(300), group)
				plan.oneByOne(ctx, group)
			})
			if got := most(hot.at); got > 54 {
				t.Errorf("an instance made %d calls in a window, its part is 54", got)
			}
			if got := most(plan.at); got > 12 {
				t.Errorf("a plan made %d calls in a window, the reserve is 12", got)
			}
		})
	}
}

// After a window in which others used the reserve, an instance does not lend of it for
// ten windows.
func TestLend_aReserveThatOthersUsedIsLeftAloneForTenWindows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const minutes = 22
		m := newMeter(trengo.Requests, fixed)
		hot := instanceOf(m, trengo, 12)
		began := time.Now()
		minutesOf(t, minutes, func(ctx context.Context, group *sync.WaitGroup) {
			hot.offer(ctx, steadily(300), group)
			time.Sleep(4 * time.Minute)
			some, cancel := context.WithTimeout(ctx, 2*time.Minute)
			defer cancel()
			var plan sync.WaitGroup
			newParty(m, budget.NewReserve(trengo)).oneByOne(some, &plan)
			plan.Wait()
		})
		counts := hot.inMinutes(began, minutes)
		for i, n := range counts[2 : minutes-1] {
			switch i += 2; {
			case i < 4 && n <= 108:
				t.Errorf("before there was a plan window %d saw %d calls, want more than its part of 108", i, n)
			case i >= 4 && i < 16 && n > 108:
				t.Errorf("window %d saw %d calls of 108, though a plan ran in the fifth and sixth", i, n)
			case i >= 17 && n <= 108:
				t.Errorf("window %d saw %d calls: the reserve is left alone for more than ten windows", i, n)
			}
		}
	})
}

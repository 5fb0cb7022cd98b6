//go:build synctests

package processor_test

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/deskstream/deskstream/processor"
	"github.com/deskstream/deskstream/sink"
)

// feed sends events of users in turn to partition 0, so many each second, and notes
// when. Every badEvery-th is of the user bad.
func (w *world) feed(seconds, perSecond, users, badEvery int) (sentAt map[string]time.Time) {
	w.t.Helper()
	sentAt = make(map[string]time.Time)
	n := 0
	for range seconds {
		values := make([][]byte, perSecond)
		now := time.Now()
		for i := range values {
			user := fmt.Sprint("u", n%users)
			if n%badEvery == badEvery/2 {
				user = "bad"
			}
			values[i] = event(user, n)
			sentAt[fmt.Sprint(user, "-", n)] = now
			n++
		}
		w.send(0, values...)
		time.Sleep(time.Second - time.Since(now))
	}
	return sentAt
}

func roomy(c *processor.Config, s *sink.Config) {
	c.Limits = processor.Limits{Records: 100_000, Bytes: 64 << 20, Lanes: 50_000, Span: 5_000_000}
	s.MaxInFlight = 200
}

// One user's events all fail for ten minutes, which its budget outlasts, and the
// process is killed in the middle.
func TestPressure_oneFailingUserDelaysNobodyAndAKillRepeatsOnlyWhatWasInTheAir(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		const seconds, perSecond, users, badEvery = 630, 10, 100, 20
		var down, up time.Time // of the process
		heals := time.Now().Add(10 * time.Minute)
		w.desk.answers(func(s seen) (int, time.Duration) {
			if s.User == "bad" && s.At.Before(heals) {
				return 500, 100 * time.Millisecond
			}
			return 201, 100 * time.Millisecond
		})
		first := w.start(roomy)
		var second *instance
		inFlight := 0
		killed := make(chan struct{})
		go func() {
			defer close(killed)
			time.Sleep(5*time.Minute + 50*time.Millisecond)
			inFlight = first.Figures().InFlight
			down = time.Now()
			first.kill()
			second = w.start(roomy)
			time.Sleep(time.Minute)
			up = time.Now()
		}()
		sentAt := w.feed(seconds, perSecond, users, badEvery)
		<-killed
		w.settledAll()
		second.check()
		if f := second.Figures(); f.Dead != 0 {
			t.Errorf("%d dead letters, want none", f.Dead)
		}

		calls, late, repeats := make(map[string]int), 0, make(map[string]int)
		for _, s := range w.desk.calls() {
			if s.User == "bad" {
				calls[s.ID]++
				continue
			}
			if calls[s.ID]++; calls[s.ID] == 1 && s.At.Sub(sentAt[s.ID]) > 2*time.Second && (s.At.Before(down) || s.At.After(up)) {
				late++
			} else if calls[s.ID] > 1 {
				repeats[s.User]++
			}
		}
		if len(calls) != len(sentAt) {
			t.Errorf("%d events arrived of %d", len(calls), len(sentAt))
		}
		if late > 0 {
			t.Errorf("%d events of others came more than 2s after they were sent", late)
		}
		for user, n := range repeats {
			if n > 1 {
				t.Errorf("%d events of %s were repeated, want its latest at most", n, user)
			}
		}
		if len(repeats) > inFlight {
			t.Errorf("%d events were repeated, but %d were in flight at the kill", len(repeats), inFlight)
		}
		t.Logf("%d events, %d repeated of %d in flight at the kill", len(sentAt), len(repeats), inFlight)
		second.stop()
	})
}

// An event that always fails dies in the end, and it alone: not those that meet two
// minutes of outage with a budget of twenty seconds.
func TestPressure_anOutageAmongManyEventsKillsOnlyTheOneThatWouldFailAnyway(t *testing.T) {
	outages := map[string]func(s seen, second int) (int, time.Duration){
		"refused, 503 and time-outs in turn": func(_ seen, second int) (int, time.Duration) {
			switch second / 10 % 3 {
			case 0:
				return 0, 0
			case 1:
				return 503, 0
			default:
				return 200, time.Hour
			}
		},
		"the writes only": func(s seen, _ int) (int, time.Duration) {
			if s.Lookup {
				return 200, 50 * time.Millisecond
			}
			return 503, 50 * time.Millisecond
		},
		"the right to write": func(s seen, _ int) (int, time.Duration) {
			if s.Lookup {
				return 200, 50 * time.Millisecond
			}
			return 403, 50 * time.Millisecond
		},
	}
	for name, answer := range outages {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				const seconds, users = 250, 100
				perSecond := 20
				if testing.Short() {
					perSecond = 4
				}
				w.route = lookupRoute
				began := time.Now()
				from, to := began.Add(time.Minute), began.Add(3*time.Minute)
				w.desk.answers(func(s seen) (int, time.Duration) {
					switch {
					case s.At.After(from) && s.At.Before(to):
						return answer(s, int(s.At.Sub(from).Seconds()))
					case s.ID == "u7-7" && !s.Lookup:
						return 500, 50 * time.Millisecond
					default:
						return 201, 50 * time.Millisecond
					}
				})
				in := w.start(roomy, func(_ *processor.Config, s *sink.Config) {
					s.Retry.MaxElapsed, s.Timeout = 20*time.Second, 5*time.Second
				})
				w.feed(seconds, perSecond, users, 1<<30)
				w.settledAll()
				in.check()
				if f := in.Figures(); f.Dead != 1 || f.Delivered != int64(seconds*perSecond)-1 {
					t.Errorf("%d dead and %d delivered of %d, want all but one delivered", f.Dead, f.Delivered, seconds*perSecond)
				}
				for _, o := range w.outcomes() {
					if o.Outcome == "dead" && o.Event.ID != "u7-7" {
						t.Errorf("%s is dead: %+v", o.Event.ID, o.Error)
					}
				}
				in.stop()
			})
		})
	}
}

// Order per user costs no speed: what may be in flight is in flight.
func TestPressure_whatMayBeInFlightIsInFlight(t *testing.T) {
	evenly := func(n int) int { return n * 7919 % 5000 }
	tests := map[string]struct {
		inFlight, events int
		latency          time.Duration
		user             func(n int) int
	}{
		"2000 at 1s":  {2000, 20_000, time.Second, evenly},
		"128 at 50ms": {128, 12_800, 50 * time.Millisecond, evenly},
		// Nothing may wait for company that a user waits for.
		"one user": {1, 1000, 10 * time.Millisecond, func(int) int { return 0 }},
		"one user among others": {100, 20_000, 10 * time.Millisecond, func(n int) int {
			if n%100 == 0 {
				return 0
			}
			return 1 + n%997
		}},
		// Some users have twice as many events as the most, and must not be what is left.
		"some more than others": {200, 20_000, time.Second, func() func(int) int {
			rng := rand.New(rand.NewPCG(7, 7))
			return func(int) int { return max(rng.IntN(500), rng.IntN(500)) }
		}()},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				var calls atomic.Int64
				w.desk.answers(func(seen) (int, time.Duration) { // not all at the same instant
					return 201, tt.latency * time.Duration(95+calls.Add(1)%11) / 100
				})
				values := make([][]byte, tt.events)
				for n := range values {
					values[n] = event(fmt.Sprint("u", tt.user(n)), n)
				}
				w.send(0, values...)
				in := w.start(roomy, func(_ *processor.Config, s *sink.Config) { s.MaxInFlight = tt.inFlight })
				w.settledAll()
				in.check()
				received := w.desk.calls()
				if len(received) != tt.events {
					t.Errorf("%d calls for %d events", len(received), tt.events)
				}
				took := w.desk.last().Add(tt.latency).Sub(received[0].At)
				ideal := tt.latency * time.Duration(tt.events/tt.inFlight)
				t.Logf("%d events in %v, %v at best", tt.events, took, ideal)
				if took > ideal*100/95 {
					t.Errorf("took %v, want at most %v: 95%% of what %d in flight allow", took, ideal*100/95, tt.inFlight)
				}
				in.stop()
			})
		})
	}
}

//go:build synctests

package processor_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/processor"
	"github.com/deskstream/deskstream/sink"
)

func TestRun_deliversAllAndCommitsToTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		for n := range 40 {
			w.send(int32(n%4), event(fmt.Sprint("u", n%8), n))
		}
		w.send(1, []byte("no json"), []byte(`{"type":"track","event":"invalid","userId":"x"}`), []byte(`{"type":"track","event":"skip"}`), nil, []byte{})
		in := w.start()
		w.settledAll()
		in.check()
		f := in.Figures()
		if f.Read != 45 || f.Delivered != 40 || f.Dead != 3 || f.Skipped != 2 || f.Open != 0 {
			t.Errorf("figures = %+v", f)
		}
		if got := len(w.outcomes()); got != 45 {
			t.Errorf("%d outcomes, want 45", got)
		}
		if got := len(w.kafka.Consume(t, deadLetters)); got != 3 {
			t.Errorf("%d dead letters, want 3", got)
		}
		in.stop()
	})
}

func TestRun_anEmptyGroupCommitsItsCheckpointBeforeTheFirstCall(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.sendUser(0, "u", 1, 1)
		atFirstCall := ""
		w.desk.answers(func(seen) (int, time.Duration) { return 201, time.Minute })
		in := w.start(func(c *processor.Config, s *sink.Config) { c.CommitInterval, s.Timeout = time.Hour, 2*time.Minute })
		w.eventually("a call", func() bool { return len(w.desk.ids()) > 0 })
		for _, at := range w.kafka.Committed(t, group, source) {
			if at.Partition == 0 {
				atFirstCall = at.Metadata
			}
		}
		if atFirstCall == "" {
			t.Error("no checkpoint was committed before the first call")
		}
		in.kill()
	})
}

func TestSettle_anOffsetIsCommittedOnlyWhenItsOutcomeIsAcknowledged(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.sendUser(0, "u", 1, 1)
		release := w.kafka.HoldProduce(t, responses)
		in := w.start()
		w.eventually("the call", func() bool { return len(w.desk.ids()) == 1 })
		time.Sleep(time.Minute)
		if got := w.committed(0); got != 0 {
			t.Errorf("committed %d while the outcome was not acknowledged, want 0", got)
		}
		release()
		w.settledAll()
		in.check()
		in.stop()
	})
}

func TestSettle_theCommitWaitsForTheLowestOpenOffset(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.desk.answers(func(s seen) (int, time.Duration) {
			if s.User == "slow" {
				return 201, 20 * time.Second
			}
			return 201, 0
		})
		w.sendUser(0, "fast", 1, 2)
		w.sendUser(0, "slow", 3, 3)
		w.sendUser(0, "fast", 4, 9)
		in := w.start()
		w.eventually("all fast ones", func() bool { return len(w.desk.of("fast")) == 8 })
		time.Sleep(5 * time.Second)
		if got := w.committed(0); got != 2 {
			t.Errorf("committed %d, want 2, the offset of the slow event", got)
		}
		w.settledAll()
		in.stop()
	})
}

func TestLane_theNextEventWaitsForTheAcknowledgementOfTheOneBefore(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.sendUser(0, "u", 1, 2)
		w.sendUser(1, "v", 1, 1)
		release := w.kafka.HoldProduce(t, responses)
		in := w.start()
		w.eventually("first calls", func() bool { return len(w.desk.ids()) == 2 })
		time.Sleep(time.Minute)
		if diff := cmp.Diff([]string{"u-1"}, w.desk.of("u")); diff != "" {
			t.Errorf("calls of the lane before the acknowledgement (-want +got):\n%s", diff)
		}
		release()
		w.settledAll()
		in.check()
		in.stop()
	})
}

func TestLane_orderHoldsThroughFailures(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		tries := make(map[string]int)
		w.desk.answers(func(s seen) (int, time.Duration) {
			tries[s.ID]++
			if tries[s.ID] < 3 {
				return 500, time.Second
			}
			return 201, time.Second
		})
		for n := 1; n <= 8; n++ {
			for u := range 5 {
				w.sendUser(int32(u%4), fmt.Sprint("u", u), n, n)
			}
		}
		in := w.start()
		w.settledAll()
		in.check()
		for u := range 5 {
			user := fmt.Sprint("u", u)
			if got := slices.Compact(w.desk.of(user)); len(got) != 8 || !slices.IsSortedFunc(got, byNumber) {
				t.Errorf("calls of %s arrived as %v", user, got)
			}
		}
		in.stop()
	})
}

func TestLane_aFailingLaneHoldsUpNobodyElse(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.desk.answers(func(s seen) (int, time.Duration) {
			if s.User == "bad" {
				return 500, 0
			}
			return 201, 0
		})
		w.sendUser(0, "bad", 1, 3)
		for n := range 50 {
			w.sendUser(0, fmt.Sprint("u", n), 1, 2)
		}
		in := w.start(func(_ *processor.Config, s *sink.Config) { s.MaxInFlight = 1 })
		w.eventually("all others", func() bool { return in.Figures().Delivered == 100 })
		in.check()
		in.stop()
	})
}

func TestStop_anEventInBackOffIsNeitherDeadNorCommitted(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.desk.answers(func(seen) (int, time.Duration) { return 401, 0 })
		w.sendUser(0, "u", 1, 3)
		in := w.start()
		w.eventually("a hold", func() bool { return in.Figures().Hold.Active() })
		began := time.Now()
		in.stop()
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("stopping in a hold took %v", took)
		}
		if got := w.outcomes(); len(got) != 0 {
			t.Errorf("outcomes after an interrupted delivery: %+v", got)
		}
		if got := w.committed(0); got != 0 {
			t.Errorf("committed %d, want 0", got)
		}
		w.desk.answers(func(seen) (int, time.Duration) { return 201, 0 })
		again := w.start()
		w.settledAll()
		again.check()
		again.stop()
	})
}

func TestStop_whatIsInTheAirLandsAndIsNotRepeated(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.desk.answers(func(seen) (int, time.Duration) { return 201, 20 * time.Second })
		for u := range 10 {
			w.sendUser(int32(u%4), fmt.Sprint("u", u), 1, 2)
		}
		in := w.start()
		w.eventually("ten calls", func() bool { return len(w.desk.ids()) == 10 })
		in.stop()
		again := w.start()
		w.settledAll()
		again.check()
		if got := len(w.desk.ids()); got != 20 {
			t.Errorf("%d calls for 20 events after an orderly stop", got)
		}
		again.stop()
	})
}

func TestStop_atTheBoundCallsInTheAirAreLeft(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.desk.answers(func(seen) (int, time.Duration) { return 201, 25 * time.Second })
		w.sendUser(0, "u", 1, 2)
		in := w.start(func(c *processor.Config, _ *sink.Config) { c.DrainTimeout = 10 * time.Second })
		w.eventually("a call", func() bool { return len(w.desk.ids()) == 1 })
		began := time.Now()
		in.stop()
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("stopping took %v, want at most the drain timeout and 5s", took)
		}
		again := w.start()
		w.settledAll()
		again.check()
		if diff := cmp.Diff([]string{"u-1", "u-1", "u-2"}, w.desk.of("u")); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		again.stop()
	})
}

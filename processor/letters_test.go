//go:build synctests

package processor_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/deskstream/deskstream/processor"
	"github.com/deskstream/deskstream/sink"
)

func TestDeadLetters_aLaneWaitsForATopicThatTakesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.send(0, []byte(`{"type":"track","event":"invalid","userId":"u"}`))
		w.sendUser(0, "u", 2, 2)
		w.sendUser(0, "v", 1, 3)
		fault := w.kafka.FailProduce(deadLetters, -1, kerr.TopicAuthorizationFailed)
		in := w.start()
		w.eventually("the other lane", func() bool { return in.Figures().Delivered == 3 })
		time.Sleep(10 * time.Minute)
		if got := w.desk.of("u"); len(got) != 0 {
			t.Errorf("calls %v of the lane whose letter is not written", got)
		}
		if got := w.committed(0); got != 0 {
			t.Errorf("committed %d past an event without letter and outcome", got)
		}
		in.check()
		fault.Remove()
		w.settledAll()
		in.check()
		if got := len(w.kafka.Consume(t, deadLetters)); got != 1 {
			t.Errorf("%d dead letters, want 1", got)
		}
		in.stop()
	})
}

func TestOutage_killsNothing(t *testing.T) {
	for _, status := range []int{0, 401, 403, 429, 503} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.desk.answers(func(seen) (int, time.Duration) { return status, 0 })
				for u := range 20 {
					w.sendUser(int32(u%4), fmt.Sprint("u", u), 1, 3)
				}
				in := w.start(func(_ *processor.Config, s *sink.Config) { s.Retry.MaxElapsed, s.Retry.MaxAttempts = time.Minute, 3 })
				time.Sleep(3 * time.Hour)
				f := in.Figures()
				if f.Dead != 0 || !f.Hold.Active() {
					t.Errorf("after three hours of outage: %d dead, hold %+v", f.Dead, f.Hold)
				}
				in.check()
				w.desk.answers(func(seen) (int, time.Duration) { return 201, 0 })
				w.settledAll()
				in.check()
				if f := in.Figures(); f.Delivered != 60 || f.Dead != 0 {
					t.Errorf("after the outage: %d delivered, %d dead; want 60 and 0", f.Delivered, f.Dead)
				}
				in.stop()
			})
		})
	}
}

func TestExhausted_onlyTheEventThatFailsWhileOthersPass(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.desk.answers(func(s seen) (int, time.Duration) {
			if s.User == "bad" {
				return 500, 0
			}
			return 201, time.Second
		})
		w.sendUser(0, "bad", 1, 1)
		for u := range 10 {
			w.sendUser(1, fmt.Sprint("u", u), 1, 60)
		}
		in := w.start(func(_ *processor.Config, s *sink.Config) { s.Retry.MaxElapsed = 20 * time.Second })
		w.settledAll()
		in.check()
		if f := in.Figures(); f.Dead != 1 || f.Delivered != 600 {
			t.Errorf("%d dead, %d delivered; want 1 and 600", f.Dead, f.Delivered)
		}
		for _, o := range w.outcomes() {
			if o.Outcome == "dead" && (o.Error.Class != "exhausted" || o.Error.Code != "http_500" || o.DLQID == "") {
				t.Errorf("dead outcome = %+v", o)
			}
		}
		in.stop()
	})
}

func TestLimits_intakeWaitsAtEachAndTheRestIsDelivered(t *testing.T) {
	limits := map[string]processor.Limits{
		"records": {Records: 20, Bytes: 1 << 30, Lanes: 1 << 20, Span: 1 << 30},
		"bytes":   {Records: 1 << 20, Bytes: 20_000, Lanes: 1 << 20, Span: 1 << 30},
		"lanes":   {Records: 1 << 20, Bytes: 1 << 30, Lanes: 20, Span: 1 << 30},
		"span":    {Records: 1 << 20, Bytes: 1 << 30, Lanes: 1 << 20, Span: 600},
	}
	for name, limit := range limits {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.desk.answers(func(seen) (int, time.Duration) { return 401, 0 })
				var values [][]byte
				for n := range 3000 {
					values = append(values, event(fmt.Sprint("u", n%100), n))
				}
				w.send(0, values...)
				in := w.start(func(c *processor.Config, s *sink.Config) { c.Limits = limit })
				time.Sleep(10 * time.Minute)
				held := in.Figures()
				if held.Open == 0 || held.Open > 1200 || !slices.Equal(held.Paused, []string{name}) {
					t.Errorf("in a hold: %d open, paused by %v", held.Open, held.Paused)
				}
				w.desk.answers(func(seen) (int, time.Duration) { return 201, 0 })
				w.settledAll()
				in.check()
				if got := in.Figures().Delivered; got != 3000 {
					t.Errorf("%d delivered, want 3000", got)
				}
				in.stop()
			})
		})
	}
}

// What nobody can take yet waits in the broker, until there is a hold.
func TestIntake_readsAheadWhatThePlacesNeed(t *testing.T) {
	const places, events = 4, 3000
	bubble(t, func(t *testing.T, w *world) {
		w.desk.answers(func(seen) (int, time.Duration) { return 201, time.Second })
		var values [][]byte
		for n := range events {
			values = append(values, event(fmt.Sprint("u", n), n))
		}
		w.send(0, values...)
		in := w.start(roomy, func(_ *processor.Config, s *sink.Config) { s.MaxInFlight = places })
		time.Sleep(time.Minute)
		const most = 4*places + 500 + places // ready, a poll more, and in flight
		if busy := in.Figures(); busy.Delivered < 50*places || busy.Open > most || len(busy.Paused) > 0 {
			t.Errorf("after a minute: %d delivered, %d open, want at most %d; paused by %v", busy.Delivered, busy.Open, most, busy.Paused)
		}
		w.desk.answers(func(seen) (int, time.Duration) { return 401, 0 })
		time.Sleep(time.Minute)
		if held := in.Figures(); held.Open != held.Read-held.Delivered || held.Read != events {
			t.Errorf("in a hold: %d of %d read", held.Read, events)
		}
		w.desk.answers(func(seen) (int, time.Duration) { return 201, 0 })
		w.settledAll()
		in.check()
		in.stop()
	})
}

// Users are spread over partitions. When the limits leave room for a part of a backlog only,
// it has to be a part of each partition, or there are too few users to fill the places.
func TestIntake_partitionsTakeTurns(t *testing.T) {
	const partitions, batches, size = 4, 5, 100
	bubble(t, func(t *testing.T, w *world) {
		for partition := range int32(partitions) {
			for batch := range batches {
				var values [][]byte
				for n := range size { // more than fetchPartitionBytes, however it is compressed
					pad := make([]byte, 1<<10)
					_, _ = rand.NewChaCha8([32]byte{byte(partition), byte(batch), byte(n)}).Read(pad)
					values = append(values, fmt.Appendf(nil, `{"type":"track","userId":"%d.%d.%d","messageId":"%d","event":"E","properties":{"pad":"%x"}}`, partition, batch, n, partition, pad))
				}
				w.send(partition, values...)
			}
		}
		in := w.start(roomy, func(_ *processor.Config, s *sink.Config) { s.MaxInFlight = 1 })
		w.settledAll()
		var taken [partitions]int
		for _, call := range w.desk.calls() {
			taken[call.ID[0]-'0']++
			if ahead := slices.Max(taken[:]) - slices.Min(taken[:]); ahead > 2*size {
				t.Fatalf("taken of the partitions: %v, want them in turn", taken)
			}
		}
		in.stop()
	})
}

func TestMaxAge_anOldRecordDiesUnsent(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.sendUser(0, "u", 1, 1)
		time.Sleep(2 * time.Hour)
		w.sendUser(0, "u", 2, 2)
		in := w.start(func(_ *processor.Config, s *sink.Config) { s.MaxAge = time.Hour })
		w.settledAll()
		if diff := cmp.Diff([]string{"u-2"}, w.desk.ids()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		in.stop()
	})
}

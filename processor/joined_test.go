//go:build synctests

package processor_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/processor"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// inBatches has each fetch of a partition bring one batch only, as many have been produced.
func (w *world) inBatches() {
	w.kafka.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		w.kafka.KeepControl()
		for i := range req.(*kmsg.FetchRequest).Topics {
			for j := range req.(*kmsg.FetchRequest).Topics[i].Partitions {
				req.(*kmsg.FetchRequest).Topics[i].Partitions[j].PartitionMaxBytes = 1
			}
		}
		return nil, nil, false
	})
}

// dieInCall starts an instance that dies in a call for the first n records of user u.
func (w *world) dieInCall(n int) {
	w.t.Helper()
	w.desk.answers(func(seen) (int, time.Duration) { return 201, time.Hour })
	for _, record := range identifies("u", 1, n) {
		w.send(0, record)
	}
	in := w.start(joined, func(_ *processor.Config, s *sink.Config) { s.Timeout = 2 * time.Hour })
	w.eventually("the call", func() bool { return len(w.desk.ids()) == 1 })
	if got, want := strings.Count(w.desk.ids()[0], "+")+1, n; got != want {
		w.t.Fatalf("the first call is for %d events, want %d", got, want)
	}
	in.kill()
	w.desk.answers(func(seen) (int, time.Duration) { return 201, 0 })
}

// marks are what is on record of calls for several events.
func (w *world) marks() (all []string) {
	w.t.Helper()
	for _, r := range w.kafka.Consume(w.t, responses) {
		if p, ok := topics.ParseProgress(r); ok {
			all = append(all, fmt.Sprintf("%s, %d joined", r.Key, p.Joined))
		}
	}
	return all
}

// few has an instance read two records at a time, of batches of one.
func few(c *processor.Config, _ *sink.Config) { c.Limits.Records = 2 }

// The customer has the newest value by a call of a process that died. Whoever goes on says no less,
// whatever it has read by then.
func TestJoined_theNextOwnerSendsNoLess(t *testing.T) {
	for name, change := range map[string]func(*processor.Config, *sink.Config){
		"as before":         joined,
		"few records":       few,
		"few bytes":         func(c *processor.Config, _ *sink.Config) { c.Limits.Bytes = 1000 },
		"a short span":      func(c *processor.Config, _ *sink.Config) { c.Limits.Span = 3 },
		"no coalescing":     func(c *processor.Config, _ *sink.Config) { c.Coalesce = false },
		"neither":           func(c *processor.Config, _ *sink.Config) { c.Coalesce, c.Limits.Records = false, 2 },
		"what is too old":   func(_ *processor.Config, s *sink.Config) { s.MaxAge = time.Minute },
		"repeats are known": known,
	} {
		t.Run(name, func(t *testing.T) {
			joining(t, func(t *testing.T, w *world) {
				w.dieInCall(6)
				w.inBatches()
				time.Sleep(time.Hour)
				for n := range 5 {
					w.send(0, identify("v", n))
				}
				next := w.start(joined, change)
				w.settledAll()
				next.check()
				const want = "u-1+u-2+u-3+u-4+u-5+u-6"
				if calls := w.desk.of("u"); !slices.Equal(calls, []string{want, want}) {
					t.Errorf("calls %q, want twice %s", calls, want)
				}
				if f := next.Figures(); f.Dead != 0 || f.Delivered != 11 {
					t.Errorf("figures %+v", f)
				}
				if n := len(w.parts()); n != 11 {
					t.Errorf("%d outcomes, want 11", n)
				}
			})
		})
	}
}

// What waits for its decoder has been read, and cannot be sent yet.
func TestJoined_waitsForTheDecoderOfWhatWasSent(t *testing.T) {
	joining(t, func(t *testing.T, w *world) {
		ready := make(chan struct{})
		close(ready)
		w.cfg.Decoders = &tagged{tag: '#', up: ready}
		w.desk.answers(func(seen) (int, time.Duration) { return 201, time.Hour })
		w.send(0, identify("u", 1), identify("u", 2), tag(identify("u", 3)), identify("u", 4))
		in := w.start(joined, func(_ *processor.Config, s *sink.Config) { s.Timeout = 2 * time.Hour })
		w.eventually("the call", func() bool { return slices.Equal(w.desk.ids(), []string{"u-1+u-2+u-3+u-4"}) })
		in.kill()
		w.desk.answers(func(seen) (int, time.Duration) { return 201, 0 })
		late := &tagged{tag: '#', up: make(chan struct{})}
		w.cfg.Decoders = late
		next := w.start(joined)
		w.eventually("all read", func() bool { return next.Figures().Read == 4 })
		time.Sleep(time.Hour)
		if n := len(w.desk.ids()); n != 1 {
			t.Errorf("calls %q before all can be sent that was", w.desk.ids())
		}
		lanes, _ := next.WaitingLanes(1)
		if len(lanes) != 1 || lanes[0].Why != "intake" {
			t.Errorf("waiting lanes %+v, want one that waits for intake", lanes)
		}
		close(late.up)
		w.settledAll()
		next.check()
		if got := w.desk.ids(); !slices.Equal(got[1:], got[:1]) {
			t.Errorf("calls %q, want the same again", got)
		}
	})
}

// What an earlier owner may have sent is known until it is settled, though owners after it come and
// go, and commit what lies before it.
func TestJoined_isKnownToAllLaterOwners(t *testing.T) {
	joining(t, func(t *testing.T, w *world) {
		ready := make(chan struct{})
		close(ready)
		w.cfg.Decoders = &tagged{tag: '#', up: ready}
		w.send(0, event("v", 1))
		for n, record := range identifies("u", 1, 4) {
			if n == 2 {
				record = tag(record)
			}
			w.send(0, record)
		}
		w.desk.answers(func(seen) (int, time.Duration) { return 201, time.Hour })
		in := w.start(joined, func(_ *processor.Config, s *sink.Config) { s.Timeout = 2 * time.Hour })
		w.eventually("the calls", func() bool { return len(w.desk.ids()) == 2 })
		in.kill()
		w.desk.answers(func(seen) (int, time.Duration) { return 201, 0 })
		decoders := w.cfg.Decoders
		w.cfg.Decoders = &tagged{tag: '#', up: make(chan struct{})}
		next := w.start(joined)
		w.eventually("a commit", func() bool { return w.committed(0) == 1 })
		next.kill()
		w.cfg.Decoders = decoders
		w.inBatches()
		last := w.start(joined, few)
		w.settledAll()
		last.check()
		const want = "u-1+u-2+u-3+u-4"
		if calls := w.desk.of("u"); !slices.Equal(calls, []string{want, want}) {
			t.Errorf("calls %q, want twice %s", calls, want)
		}
	})
}

// What is on record goes with its topic: a call that is made after that is on record again.
func TestJoined_isOnRecordAgainWhenTheTopicIsRecreated(t *testing.T) {
	joining(t, func(t *testing.T, w *world) {
		w.desk.answers(func(s seen) (int, time.Duration) {
			if s.User == "u" {
				return 503, 0
			}
			return 201, 0
		})
		for _, record := range identifies("u", 1, 4) {
			w.send(0, record)
		}
		in := w.start(joined, func(_ *processor.Config, s *sink.Config) { s.Timeout = 2 * time.Hour })
		w.eventually("the first call", func() bool { return len(w.desk.of("u")) == 1 })
		w.remake(responses, 3, nil)
		w.send(0, event("v", 1))
		w.eventually("that to be noticed", func() bool { return w.logged("ERROR", "was recreated while the pipeline wrote to it") == 1 })
		w.desk.answers(func(seen) (int, time.Duration) { return 201, time.Hour })
		before := len(w.desk.of("u"))
		w.eventually("another call", func() bool { return len(w.desk.of("u")) > before })
		in.kill()
		w.desk.answers(func(seen) (int, time.Duration) { return 201, 0 })
		w.inBatches()
		next := w.start(joined, few)
		w.settledAll()
		next.check()
		for _, ids := range w.desk.of("u") {
			if ids != "u-1+u-2+u-3+u-4" {
				t.Errorf("a call for %s", ids)
			}
		}
	})
}

// forge puts on record that the events of lane u up to an offset went out.
func (w *world) forge(offset int64) {
	w.t.Helper()
	info := w.kafka.TopicInfo(source)
	w.kafka.Produce(w.t, &kgo.Record{Topic: responses, Key: []byte("u"), Headers: []kgo.RecordHeader{
		{Key: "deskstream.group", Value: []byte(group)},
		{Key: "deskstream.source", Value: fmt.Appendf(nil, "%s/0/%d", source, offset)},
		{Key: "deskstream.source.epoch", Value: []byte("0")},
		{Key: "deskstream.source.topic_id", Value: []byte(topics.TopicID(info.TopicID).String())},
		{Key: "deskstream.cluster", Value: []byte("cluster-1")},
		{Key: "deskstream.destination", Value: []byte("desk")},
		{Key: "deskstream.outcome", Value: []byte("progress")},
		{Key: "deskstream.round", Value: []byte("0")},
		{Key: "deskstream.progress", Value: []byte(`{"claim":0,"joined":3}`)},
	}})
}

// lookForJoined is how long lanes wait before the source is asked.
const lookForJoined = 10 * time.Second

// A record that the source does not have any more is waited for no longer than it takes to find out.
func TestJoined_aRecordThatIsGoneIsNotWaitedFor(t *testing.T) {
	for name, gone := range map[string]func(w *world, in *instance){
		"cut off": func(*world, *instance) {},
		"expired": func(w *world, in *instance) {
			w.eventually("all read", func() bool { return in.Figures().Read == 3 })
			away := w.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: source, Err: kerr.LeaderNotAvailable, Count: -1})
			w.sendUser(0, "v", 1, 6)
			if err := w.kafka.DeleteRecords(source, 0, 10); err != nil {
				w.t.Fatal(err)
			}
			away.Remove()
		},
	} {
		t.Run(name, func(t *testing.T) {
			joining(t, func(t *testing.T, w *world) {
				first := w.start(joined)
				w.send(0, identify("w", 1))
				w.settledAll() // so that there is a checkpoint
				first.stop()
				w.send(0, identifies("u", 1, 3)...)
				w.forge(8)
				next := w.start(joined)
				began := time.Now()
				gone(w, next)
				w.eventually("the call", func() bool { return len(w.desk.ids()) == 2 })
				if took := time.Since(began); took < lookForJoined || took > 2*lookForJoined {
					t.Errorf("the lane waited for %v", took)
				}
				if got := w.desk.ids()[1]; got != "u-1+u-2+u-3" {
					t.Errorf("call for %s", got)
				}
			})
		})
	}
}

// What is on record costs one record for each call that is for several events, and none for others.
func TestJoined_oneRecordForEachCallForSeveral(t *testing.T) {
	joining(t, func(t *testing.T, w *world) {
		w.desk.answers(slow())
		in := w.start(joined)
		w.send(0, identify("u", 1))
		w.eventually("the first call", func() bool { return len(w.desk.ids()) == 1 })
		w.send(0, identifies("u", 2, 5)...)
		w.send(1, identify("v", 1), event("v", 2), identify("v", 3))
		w.settledAll()
		in.check()
		if diff := cmp.Diff([]string{"u, 3 joined"}, w.marks()); diff != "" {
			t.Errorf("on record (-want +got):\n%s", diff)
		}
	})
}

// Nothing is sent before it is on record.
func TestJoined_theCallWaitsForItsRecord(t *testing.T) {
	joining(t, func(t *testing.T, w *world) {
		refused := w.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: responses, Err: kerr.NotLeaderForPartition, Count: -1})
		w.send(0, identifies("u", 1, 3)...)
		in := w.start(joined)
		w.eventually("all read", func() bool { return in.Figures().Read == 3 })
		time.Sleep(time.Minute)
		if got := w.desk.ids(); len(got) > 0 {
			t.Errorf("calls %q that are not on record", got)
		}
		lanes, _ := in.WaitingLanes(1)
		if len(lanes) != 1 || lanes[0].Why != "record" {
			t.Errorf("waiting lanes %+v, want one that waits for its record", lanes)
		}
		refused.Remove()
		w.settledAll()
		in.check()
	})
}

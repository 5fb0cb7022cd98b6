//go:build synctests

package processor_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/processor"
	"github.com/deskstream/deskstream/sink"
)

// neverCommits leaves all to the ledger.
func neverCommits(c *processor.Config, _ *sink.Config) { c.CommitInterval = 100 * time.Hour }

// deliveredAndKilled delivers events 1 to n of six users without any commit after the
// first checkpoint, and kills the instance.
func deliveredAndKilled(w *world, n int) {
	w.t.Helper()
	for i := 1; i <= n; i++ {
		for u := range 6 {
			w.sendUser(int32(u%4), fmt.Sprint("u", u), i, i)
		}
	}
	in := w.start(neverCommits)
	w.eventually("all delivered", func() bool { return in.Figures().Delivered == int64(6*n) })
	in.kill()
	if got := w.committed(0); got != 0 {
		w.t.Fatalf("committed %d before the kill, want the checkpoint at 0 alone", got)
	}
}

func TestLedger_whatHasAnOutcomeIsNotDeliveredAgain(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		deliveredAndKilled(w, 5)
		w.sendUser(0, "u0", 6, 6)
		again := w.start()
		w.settledAll()
		again.check()
		if f := again.Figures(); f.AlreadySettled != 30 || f.Delivered != 1 {
			t.Errorf("already settled %d, delivered %d; want 30 and 1", f.AlreadySettled, f.Delivered)
		}
		if got := len(w.desk.ids()); got != 31 {
			t.Errorf("%d calls for 31 events", got)
		}
		again.stop()
	})
}

func TestLedger_aKillRepeatsOnlyWhatHadNoOutcome(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.desk.answers(func(s seen) (int, time.Duration) { return 201, 10 * time.Second })
		for u := range 8 {
			w.sendUser(int32(u%4), fmt.Sprint("u", u), 1, 4)
		}
		in := w.start(neverCommits)
		w.eventually("the second calls", func() bool { return len(w.desk.ids()) == 16 })
		in.kill()
		again := w.start()
		w.settledAll()
		again.check()
		if got := len(w.desk.ids()); got != 32+8 {
			t.Errorf("%d calls, want 32 events and the 8 that were open at the kill again", got)
		}
		again.stop()
	})
}

// The second owner dies before it has passed what the first one did: the third still
// has to find all of it.
func TestLedger_theCheckpointStaysUntilTheHighestOffsetFoundDoneIsPassed(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.desk.answers(func(s seen) (int, time.Duration) {
			if s.User == "slow" {
				return 500, 0
			}
			return 201, 0
		})
		w.sendUser(0, "slow", 1, 1)
		w.sendUser(0, "a", 2, 9)
		first := w.start(neverCommits)
		w.eventually("the others", func() bool { return first.Figures().Delivered == 8 })
		first.kill()
		second := w.start() // commits every second, with the slow one open
		w.eventually("what is already settled", func() bool { return second.Figures().AlreadySettled == 8 })
		w.sendUser(0, "b", 10, 10)
		w.eventually("the new one", func() bool { return second.Figures().Delivered == 1 })
		time.Sleep(5 * time.Second)
		second.kill()
		w.desk.answers(func(seen) (int, time.Duration) { return 201, 0 })
		third := w.start()
		w.settledAll()
		third.check()
		if f := third.Figures(); f.AlreadySettled != 9 || f.Delivered != 1 {
			t.Errorf("already settled %d, delivered %d; want 9 and 1", f.AlreadySettled, f.Delivered)
		}
		third.stop()
	})
}

func TestLedger_aCheckpointThatDoesNotFitIsNotRead(t *testing.T) {
	edit := func(field int, value string) func(string) string {
		return func(checkpoint string) string {
			fields := strings.Split(checkpoint, " ")
			fields[field] = value
			return strings.Join(fields, " ")
		}
	}
	tests := map[string]func(checkpoint string) string{
		"none, as after an operator's reset": func(string) string { return "" },
		"another program's":                  func(string) string { return "member-1234" },
		"another version":                    edit(0, "3"),
		"another cluster":                    edit(1, "cluster-2"),
		"another source topic":               edit(2, "AAAAAAAAAAAAAAAAAAAAAQ=="),
		"another responses topic":            edit(3, "AAAAAAAAAAAAAAAAAAAAAQ=="),
		"another number of partitions":       edit(4, "7"),
		"another committed offset":           edit(5, "1"),
		"a position past the end":            edit(6, "1000"),
		"a position that is no number":       edit(6, "-1"),
		"version 1, another committed offset": func(checkpoint string) string {
			return versionOne(edit(5, "1")(checkpoint))
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.sendUser(0, "u", 1, 3)
				first := w.start(neverCommits)
				w.eventually("all delivered", func() bool { return first.Figures().Delivered == 3 })
				first.kill()
				at := w.kafka.Committed(t, group, source)[0]
				w.commit(0, at.At, change(at.Metadata))
				again := w.start()
				w.settledAll()
				if diff := cmp.Diff([]string{"u-1", "u-2", "u-3", "u-1", "u-2", "u-3"}, w.desk.of("u")); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
				again.check()
				again.stop()
			})
		})
	}
}

// versionOne is a checkpoint as releases wrote it that knew no cluster.
func versionOne(checkpoint string) string {
	fields := strings.Split(checkpoint, " ")
	return "1 " + strings.Join(fields[2:], " ")
}

// What releases before version 2 left behind: a checkpoint without the cluster, and outcomes
// without ids.
func TestLedger_whatReleasesWithoutIDsLeftIsRead(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		deliveredAndKilled(w, 5)
		old := w.kafka.Consume(t, responses)
		w.truncateResponses() // and written again, as they were then
		for _, r := range old {
			w.kafka.Produce(t, withoutIDs(r))
		}
		for p, at := range w.kafka.Committed(t, group, source) {
			w.commit(p, at.At, versionOne(at.Metadata))
		}
		w.sendUser(0, "u0", 6, 6)
		again := w.start()
		w.settledAll()
		again.check()
		if f := again.Figures(); f.AlreadySettled != 30 || f.Delivered != 1 {
			t.Errorf("already settled %d, delivered %d; want 30 and 1", f.AlreadySettled, f.Delivered)
		}
		again.stop()
		for p, at := range w.kafka.Committed(t, group, source) {
			if !strings.HasPrefix(at.Metadata, "2 cluster-1 ") {
				t.Errorf("partition %d has the checkpoint %q, want one of version 2", p, at.Metadata)
			}
		}
	})
}

// withoutIDs is an outcome as releases wrote it that put no ids into it.
func withoutIDs(r *kgo.Record) *kgo.Record {
	c := altered(r, "", "")
	c.Headers = slices.DeleteFunc(c.Headers, func(h kgo.RecordHeader) bool {
		return h.Key == "deskstream.source.topic_id" || h.Key == "deskstream.cluster"
	})
	return c
}

// commit writes an offset and its metadata as an operator's tool does, once the group
// is empty.
func (w *world) commit(partition int32, offset int64, metadata string) {
	w.t.Helper()
	time.Sleep(2 * time.Minute) // the dead member's session ends
	var offsets kadm.Offsets
	offsets.Add(kadm.Offset{Topic: source, Partition: partition, At: offset, LeaderEpoch: -1, Metadata: metadata})
	if err := w.kafka.Admin(w.t).CommitAllOffsets(w.t.Context(), group, offsets); err != nil {
		w.t.Fatalf("committing: %v", err)
	}
}

func TestLedger_outcomesOfAnotherGroupRoundEpochTopicOrClusterCountForNothing(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.sendUser(0, "u", 1, 3)
		first := w.start(neverCommits)
		w.eventually("a checkpoint", func() bool { return w.committed(0) == 0 && first.Figures().Delivered == 3 })
		first.kill()
		mine := w.kafka.Consume(t, responses)
		w.truncateResponses() // ours are gone: what is left are forgeries
		for _, r := range mine {
			w.kafka.Produce(t,
				altered(r, "deskstream.group", "deskstream.other"),
				altered(r, "deskstream.round", "1"),
				altered(r, "deskstream.source.epoch", "77"),
				altered(r, "deskstream.source.topic_id", "AQIDBAUGBwgJCgsMDQ4PEA"), // as an instance may still write that reads the old topic
				altered(r, "deskstream.cluster", "cluster-2"),                      // as MirrorMaker 2 brings them
				altered(r, "deskstream.source", "nonsense"))
		}
		again := w.start()
		w.settledAll()
		if f := again.Figures(); f.AlreadySettled != 0 || f.Delivered != 3 {
			t.Errorf("already settled %d, delivered %d; want 0 and 3", f.AlreadySettled, f.Delivered)
		}
		again.stop()
	})
}

// altered is a copy of an outcome with one header changed.
func altered(r *kgo.Record, header, value string) *kgo.Record {
	c := &kgo.Record{Topic: r.Topic, Partition: r.Partition, Key: r.Key, Value: r.Value}
	for _, h := range r.Headers {
		if h.Key == header {
			h.Value = []byte(value)
		}
		c.Headers = append(c.Headers, h)
	}
	return c
}

// truncateResponses deletes all outcomes, as retention does.
func (w *world) truncateResponses() {
	w.t.Helper()
	var ends kadm.Offsets
	for p, end := range w.kafka.EndOffsets(w.t, responses) {
		ends.Add(kadm.Offset{Topic: responses, Partition: p, At: end, LeaderEpoch: -1})
	}
	if _, err := w.kafka.Admin(w.t).DeleteRecords(w.t.Context(), ends); err != nil {
		w.t.Fatalf("deleting outcomes: %v", err)
	}
}

func TestLedger_expiredOutcomesAreDeliveredAgainAndTheRestIsNot(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.sendUser(0, "u", 1, 2)
		first := w.start(neverCommits)
		w.eventually("two delivered", func() bool { return first.Figures().Delivered == 2 })
		w.truncateResponses()
		w.sendUser(0, "u", 3, 4)
		w.eventually("four delivered", func() bool { return first.Figures().Delivered == 4 })
		first.kill()
		again := w.start()
		w.settledAll()
		again.check()
		if f := again.Figures(); f.AlreadySettled != 2 || f.Delivered != 2 {
			t.Errorf("already settled %d, delivered %d; want 2 and 2", f.AlreadySettled, f.Delivered)
		}
		again.stop()
	})
}

func TestLedger_anIdlePartitionsCheckpointMovesToTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.sendUser(0, "u", 1, 1)
		w.sendUser(3, "v", 1, 1) // shares responses partition 0
		in := w.start()
		w.settledAll()
		w.sendUser(3, "v", 2, 50)
		w.settledAll()
		before := w.kafka.Committed(t, group, source)[0].Metadata
		time.Sleep(25 * time.Minute)
		after := w.kafka.Committed(t, group, source)[0].Metadata
		if want := fmt.Sprint(w.kafka.EndOffsets(t, responses)[0]); before == after || !strings.HasSuffix(after, " "+want) {
			t.Errorf("checkpoint %q became %q, want it to end in %s", before, after, want)
		}
		in.stop()
	})
}

func TestLedger_anIdlePipelineAsksForLittle(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.sendUser(0, "u", 1, 3)
		in := w.start()
		w.settledAll()
		var lists atomic.Int64
		w.kafka.ControlKey(int16(kmsg.ListOffsets), func(kmsg.Request) (kmsg.Response, error, bool) {
			lists.Add(1)
			w.kafka.KeepControl()
			return nil, nil, false
		})
		time.Sleep(time.Hour)
		// A round each time that the checkpoint is renewed, and one a minute for open transactions.
		if n := lists.Load(); n > 20+60 {
			t.Errorf("asked for offsets %d times in an idle hour", n)
		}
		in.stop()
	})
}

func TestLedger_transactionMarkersCountAsDone(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.sendTransaction(0, kgo.TryCommit, event("u", 1), event("u", 2))
		w.sendTransaction(0, kgo.TryAbort, event("u", 3))
		in := w.start()
		w.settledAll()
		in.check()
		if diff := cmp.Diff([]string{"u-1", "u-2"}, w.desk.ids()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		in.stop()
	})
}

// sendTransaction produces events in a transaction of their own.
func (w *world) sendTransaction(partition int32, end kgo.TransactionEndTry, values ...[]byte) {
	w.t.Helper()
	cl, err := kgo.NewClient(append(w.kafka.Options(), kgo.TransactionalID("tx"), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		w.t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.BeginTransaction(); err != nil {
		w.t.Fatal(err)
	}
	for _, v := range values {
		if err := cl.ProduceSync(w.t.Context(), &kgo.Record{Topic: source, Partition: partition, Value: v}).FirstErr(); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := cl.EndTransaction(w.t.Context(), end); err != nil {
		w.t.Fatal(err)
	}
}

// The second owner is stopped while it reads the ledger. What it would commit then says
// nothing of what it has not read, so it must not.
func TestLedger_aPartitionGivenUpBeforeItsLedgerWasReadIsNotCommitted(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		deliveredAndKilled(w, 2)
		before := w.kafka.Committed(t, group, source)
		fault := w.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: responses, Err: kerr.KafkaStorageError, Count: -1})
		second := w.start()
		w.eventually("partitions", func() bool { return second.Figures().Partitions == 4 })
		time.Sleep(10 * time.Second)
		second.stop()
		fault.Remove()
		if diff := cmp.Diff(before, w.kafka.Committed(t, group, source)); diff != "" {
			t.Errorf("commits changed (-before +after):\n%s", diff)
		}
		third := w.start()
		w.settledAll()
		if f := third.Figures(); f.AlreadySettled != 12 || f.Delivered != 0 {
			t.Errorf("already settled %d, delivered %d; want 12 and 0", f.AlreadySettled, f.Delivered)
		}
		third.stop()
	})
}

// A takeover with much to read may take longer than the session. The group's callbacks
// do not wait for it: heartbeats go on, and who joins meanwhile gets a share.
func TestLedger_aLongReadHoldsTheGroupUpInNothing(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(string(protocol), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				deliveredAndKilled(w, 5)
				read := w.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: responses, Err: kerr.LeaderNotAvailable, Count: -1})
				beats := w.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat, kmsg.ConsumerGroupHeartbeat}, Observe: true, Count: -1})
				first := w.start(with(protocol))
				w.eventually("the takeover", func() bool { return first.Figures().Partitions == 4 })
				assigned, beaten := strings.Count(w.log.String(), "partitions assigned"), beats.Hits()
				time.Sleep(5 * time.Minute)
				if n := strings.Count(w.log.String(), "partitions assigned"); n != assigned || first.Figures().Partitions != 4 {
					t.Errorf("assigned %d times more during the read, and %d partitions are ours; want 0 and 4", n-assigned, first.Figures().Partitions)
				}
				if beats.Hits()-beaten < 60 {
					t.Errorf("%d heartbeats in five minutes of reading", beats.Hits()-beaten)
				}
				second := w.start(with(protocol))
				time.Sleep(time.Minute)
				if a, b := first.Figures().Partitions, second.Figures().Partitions; a != 2 || b != 2 {
					t.Errorf("a minute after the second joined they have %d and %d partitions, want two each", a, b)
				}
				if got, done := len(w.desk.ids()), first.Figures().AlreadySettled; got != 30 || done != 0 || read.Hits() == 0 {
					t.Errorf("%d calls, %d already settled while the ledger was asked for %d times without an answer; want the 30 calls of before", got, done, read.Hits())
				}
				read.Remove()
				w.eventually("what is done", func() bool { return first.Figures().AlreadySettled+second.Figures().AlreadySettled == 30 })
				w.settledAll()
				first.check()
				second.stop()
				first.stop()
			})
		})
	}
}

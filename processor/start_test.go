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
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/processor"
	"github.com/deskstream/deskstream/sink"
)

func latest(c *processor.Config, _ *sink.Config) { c.Start = processor.Start{Latest: true} }

func TestStart_latestTakesWhatComesAfterTheFirstAssignment(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.sendUser(0, "u", 1, 3)
		latest := func(c *processor.Config, _ *sink.Config) { c.Start = processor.Start{Latest: true} }
		in := w.start(latest)
		w.eventually("a commit", func() bool { return w.committed(0) == 3 })
		in.stop()
		w.sendUser(0, "u", 4, 5) // while nobody is there: a restart must not skip it
		again := w.start(latest)
		w.settledAll()
		if diff := cmp.Diff([]string{"u-4", "u-5"}, w.desk.ids()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		again.stop()
	})
}

func TestStart_aTimeTakesWhatIsOfThenOrLater(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.sendUser(0, "u", 1, 3)
		time.Sleep(time.Hour)
		at := time.Now()
		w.sendUser(0, "u", 4, 5)
		in := w.start(func(c *processor.Config, _ *sink.Config) { c.Start = processor.Start{At: at} })
		w.settledAll()
		if diff := cmp.Diff([]string{"u-4", "u-5"}, w.desk.ids()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		in.stop()
	})
}

// Two instances that start together list the log's end at different moments. What is written
// between the two is neither lost nor, where it is the backlog, delivered.
func TestStart_instancesThatStartTogetherHaveOneLatest(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(string(protocol), func(t *testing.T) {
			for n := range 20 {
				bubble(t, func(t *testing.T, w *world) {
					for p := range int32(4) {
						w.sendUser(p, fmt.Sprint("backlog", p), 1, 20)
					}
					// The second's answers come late, the later the higher n: what it lists then
					// is younger than what the first has listed.
					late := w.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: source, Err: kerr.LeaderNotAvailable, Count: n})
					first := w.start(with(protocol), latest)
					time.Sleep(time.Duration(n*37) * time.Millisecond)
					second := w.start(with(protocol), latest)
					w.eventually("a start", func() bool { return w.committed(0) >= 0 })
					late.Remove()
					for i := range 8 {
						for p := range int32(4) {
							w.sendUser(p, fmt.Sprint("new", p), i+1, i+1)
						}
						time.Sleep(time.Second)
					}
					w.settledAll()
					first.check()
					second.check()
					for p := range 4 {
						if got := w.desk.of(fmt.Sprint("backlog", p)); len(got) > 0 {
							t.Errorf("run %d: %d calls for the backlog of partition %d", n, len(got), p)
						}
						if got := w.desk.of(fmt.Sprint("new", p)); len(got) != 8 {
							t.Errorf("run %d: %d calls for the 8 events after the start in partition %d: %v", n, len(got), p, got)
						}
					}
					first.stop()
					second.stop()
				})
			}
		})
	}
}

// One commit says where all partitions begin, those of other members too.
func TestStart_theOwnerOfPartitionZeroDecidesForAll(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(string(protocol), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.sendUser(2, "backlog", 1, 7)
				var commits [][]int32 // of offset 7 or the beginning: partitions of each
				w.kafka.ControlKey(int16(kmsg.OffsetCommit), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
					w.kafka.KeepControl()
					var parts []int32
					for _, topic := range kreq.(*kmsg.OffsetCommitRequest).Topics {
						for _, at := range topic.Partitions {
							parts = append(parts, at.Partition)
						}
					}
					commits = append(commits, parts)
					return nil, nil, false
				})
				first, second := w.start(with(protocol), latest), w.start(with(protocol), latest)
				w.eventually("offsets of all", func() bool { return len(w.kafka.Committed(t, group, source)) == 4 })
				slices.Sort(commits[0])
				if diff := cmp.Diff([]int32{0, 1, 2, 3}, commits[0]); diff != "" {
					t.Errorf("partitions of the first commit (-want +got):\n%s", diff)
				}
				for p, at := range w.kafka.Committed(t, group, source) {
					if want := map[int32]int64{2: 7}[p]; at.At != want || !strings.HasPrefix(at.Metadata, "2 cluster-1 ") {
						t.Errorf("partition %d begins at %d with %q, want %d with a checkpoint", p, at.At, at.Metadata, want)
					}
				}
				if n := w.logged("INFO", "committed="); n > 0 {
					t.Errorf("%d partitions were claimed without their checkpoint", n)
				}
				first.stop()
				second.stop()
			})
		})
	}
}

func TestStart_aPartitionThatIsAddedBeginsAtItsBeginning(t *testing.T) {
	at := time.Date(2000, 1, 1, 0, 30, 0, 0, time.UTC) // half an hour after bubbles begin
	for name, tt := range map[string]struct {
		start processor.Start
		want  []string
	}{
		"earliest": {processor.Start{}, []string{"v-1", "v-2", "v-3"}},
		"latest":   {processor.Start{Latest: true}, []string{"v-1", "v-2", "v-3"}},
		"a time":   {processor.Start{At: at}, []string{"v-2", "v-3"}},
		"1969":     {processor.Start{At: time.UnixMilli(-1)}, []string{"v-1", "v-2", "v-3"}},
	} {
		for _, stopped := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " stopped ", stopped), func(t *testing.T) {
				bubble(t, func(t *testing.T, w *world) {
					from := func(c *processor.Config, _ *sink.Config) { c.Start = tt.start }
					in := w.start(from)
					w.eventually("a start", func() bool { return w.committed(0) >= 0 })
					if stopped {
						in.stop()
					}
					w.kafka.AddPartitions(w.t, source, 5)
					w.sendUser(4, "v", 1, 1)
					time.Sleep(time.Until(at) + time.Second)
					w.sendUser(4, "v", 2, 3)
					if stopped {
						in = w.start(from)
					}
					w.settledAll()
					in.check()
					if diff := cmp.Diff(tt.want, w.desk.of("v")); diff != "" {
						t.Errorf("calls (-want +got):\n%s", diff)
					}
					in.stop()
				})
			})
		}
	}
}

// A broker takes records of an hour ahead, and times that are in no order.
func TestStart_latestAsksForNoTime(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.sendUser(0, "backlog", 1, 10)
		w.kafka.Produce(t, &kgo.Record{Topic: source, Partition: 0, Value: event("backlog", 11), Timestamp: time.Now().Add(time.Hour)})
		w.sendUser(0, "backlog", 12, 20)
		in := w.start(latest)
		w.eventually("a start", func() bool { return w.committed(0) == 20 })
		w.kafka.Produce(t, &kgo.Record{Topic: source, Partition: 0, Value: event("old", 1), Timestamp: time.Now().Add(-time.Hour)})
		w.settledAll()
		if diff := cmp.Diff([]string{"old-1"}, w.desk.ids()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		in.stop()
	})
}

// What is in a transaction that is open at the start is committed after it.
func TestStart_latestTakesWhatAnOpenTransactionCommitsLater(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.sendUser(0, "backlog", 1, 3)
		tx, err := kgo.NewClient(append(w.kafka.Options(), kgo.TransactionalID("tx"), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Close()
		if err := tx.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := tx.ProduceSync(t.Context(), &kgo.Record{Topic: source, Partition: 0, Value: event("u", 1)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		in := w.start(latest)
		w.eventually("a start", func() bool { return w.committed(0) == 3 })
		if err := tx.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
			t.Fatal(err)
		}
		w.settledAll()
		if diff := cmp.Diff([]string{"u-1"}, w.desk.ids()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		in.stop()
	})
}

// An offset of partition 0 alone that is lost makes the topic no new one.
func TestStart_aGroupThatHasAnOffsetOfTheTopicIsNotNew(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.commit(1, 0, "")
		w.sendUser(0, "u", 1, 3)
		in := w.start(latest)
		w.settledAll()
		if diff := cmp.Diff([]string{"u-1", "u-2", "u-3"}, w.desk.ids()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		in.stop()
	})
}

// kafkaVersions are versions by which brokers keep commits by a topic's name, and the latest.
var kafkaVersions = map[string][]kafkatest.Option{
	"2.8": {kafkatest.Fake(kfake.MaxVersions(kversion.V2_8_0()))},
	"3.9": {kafkatest.Fake(kfake.MaxVersions(kversion.V3_9_0()))},
	"now": nil,
}

func TestStale_theOffsetOfAnEarlierTopicIsNotBelieved(t *testing.T) {
	for version, opts := range kafkaVersions {
		for _, old := range []bool{false, true} {
			t.Run(fmt.Sprint(version, " version 1 ", old), func(t *testing.T) {
				bubble(t, func(t *testing.T, w *world) {
					w.sendUser(0, "old", 1, 40)
					first := w.start()
					w.settledAll()
					first.stop()
					stale := w.kafka.Committed(t, group, source)[0]
					if old {
						stale.Metadata = versionOne(stale.Metadata)
					}
					w.remake(source, 4, nil)
					w.commit(0, stale.At, stale.Metadata) // as a commit does that was under way
					w.sendUser(0, "new", 1, 60)
					again := w.start(latest) // which does not count for a topic of a known name
					w.settledAll()
					again.check()
					if got := w.desk.of("new"); len(got) != 60 || got[0] != "new-1" {
						t.Errorf("%d calls for the 60 events of the new topic", len(got))
					}
					if n := w.logged("ERROR", "topic="+source, "committed="); n != 1 {
						t.Errorf("logged %d times that the offset is of an earlier topic, want once", n)
					}
					again.stop()
				}, opts...)
			})
		}
	}
}

func TestStale_aRecreatedTopicBeginsAtTheTimeIfStartIsOne(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.sendUser(0, "old", 1, 5)
		first := w.start()
		w.settledAll()
		first.stop()
		stale := w.kafka.Committed(t, group, source)[0]
		w.remake(source, 4, nil)
		w.commit(0, stale.At, stale.Metadata)
		w.sendUser(0, "new", 1, 3)
		time.Sleep(time.Minute)
		at := time.Now()
		w.sendUser(0, "new", 4, 9)
		again := w.start(func(c *processor.Config, _ *sink.Config) { c.Start = processor.Start{At: at} })
		w.settledAll()
		if got := w.desk.of("new"); len(got) != 6 || got[0] != "new-4" {
			t.Errorf("calls %v, want those from new-4 on", got)
		}
		again.stop()
	})
}

// Offsets that a mirror brought with the topics of another cluster name the same records.
func TestStale_afterAFailoverTheOffsetIsBelieved(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.sendUser(0, "u", 1, 5)
		w.commit(0, 3, "2 another-cluster AAAAAAAAAAAAAAAAAAAAAQ== AAAAAAAAAAAAAAAAAAAAAg== 3 3 17")
		in := w.start()
		w.settledAll()
		if diff := cmp.Diff([]string{"u-4", "u-5"}, w.desk.ids()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		if w.logged("WARN", "committed=", "another cluster") == 0 {
			t.Errorf("the log does not say that the checkpoint is of another cluster:\n%s", w.log)
		}
		in.stop()
	})
}

// Events of a partition that is added wait for a minute, until an instance looks for such, and for
// the rebalance.
func TestStart_aPartitionThatIsAddedIsReadWithinTwoMinutes(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(string(protocol), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.sendUser(0, "u", 1, 1)
				in := w.start(with(protocol))
				w.settledAll()
				w.kafka.AddPartitions(w.t, source, 5)
				w.sendUser(4, "v", 1, 1)
				added := time.Now()
				w.settledAll()
				if took := time.Since(added); took > 2*time.Minute {
					t.Errorf("the event of a new partition waited for %v", took)
				}
				in.stop()
			})
		})
	}
}

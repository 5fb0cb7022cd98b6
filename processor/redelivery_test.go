//go:build synctests

package processor_test

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/processor"
	"github.com/deskstream/deskstream/sink"
)

// renamed is the destination of the tests under another name, which the group follows.
func renamed(c *processor.Config, _ *sink.Config) {
	c.Group, c.Writer.Group, c.Writer.Destination = "deskstream.other", "deskstream.other", "other"
	c.Destinations = []string{"other"}
}

// delivered has the group deliver three events of each partition, and stop.
func (w *world) delivered() {
	w.t.Helper()
	for p := range int32(4) {
		w.sendUser(p, fmt.Sprint("u", p), 1, 3)
	}
	in := w.start()
	w.settledAll()
	in.stop()
}

func (w *world) deleteGroup() {
	w.t.Helper()
	if _, err := w.kafka.Admin(w.t).DeleteGroup(w.t.Context(), group); err != nil {
		w.t.Fatalf("deleting the group: %v", err)
	}
}

// refused waits for the end of an instance that refuses to begin.
func (in *instance) refused() *processor.RedeliveryError {
	in.t.Helper()
	var err error
	select {
	case err = <-in.ended:
		in.ended <- nil
	case <-time.After(10 * time.Minute):
		in.t.Fatal("ten minutes passed without a refusal")
	}
	refusal, ok := errors.AsType[*processor.RedeliveryError](err)
	if !ok {
		in.t.Fatalf("Run = %v, want a *RedeliveryError", err)
	}
	return refusal
}

// foretold is what FindRedelivery says of a processor that start would start.
func (w *world) foretold(change ...func(*processor.Config, *sink.Config)) error {
	w.t.Helper()
	cfg := w.cfg
	for _, c := range change {
		c(&cfg, new(sink.Config))
	}
	cfg.Connection = w.kafka.Options()
	return processor.FindRedelivery(w.t.Context(), cfg, w.kafka.Client(w.t), slog.New(slog.DiscardHandler))
}

// rewrite writes the outcomes again as another writer had written them.
func (w *world) rewrite(change func(r *kgo.Record)) {
	w.t.Helper()
	old := w.kafka.Consume(w.t, responses)
	w.remake(responses, 3, nil)
	for _, r := range old {
		change(r)
	}
	w.kafka.Produce(w.t, old...)
}

// header sets a header of a record, or takes it away.
func header(r *kgo.Record, name, value string) {
	r.Headers = slices.DeleteFunc(r.Headers, func(h kgo.RecordHeader) bool { return h.Key == name })
	if value != "" {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: name, Value: []byte(value)})
	}
}

func TestRedelivery_isRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		lose  func(w *world)
		with  func(*processor.Config, *sink.Config)
		group string // of the outcome that is named
		text  string
	}{
		"offsets deleted":     {(*world).deleteGroup, nil, group, "the group's offsets were deleted or have expired"},
		"destination renamed": {nil, renamed, group, "group deskstream.desk of destination desk may have had another name"},
		"start is a time":     {(*world).deleteGroup, func(c *processor.Config, _ *sink.Config) { c.Start.At = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }, group, "expired"},
		"outcomes without ids": {func(w *world) {
			w.deleteGroup()
			w.rewrite(func(r *kgo.Record) { header(r, "deskstream.cluster", ""); header(r, "deskstream.source.topic_id", "") })
		}, nil, group, "expired"},
		"a mirror without offsets": {func(w *world) {
			w.deleteGroup()
			w.rewrite(func(r *kgo.Record) {
				header(r, "deskstream.cluster", "cluster-0")
				header(r, "deskstream.source.topic_id", "AAAAAAAAAAAAAAAAAAAAAg")
			})
		}, nil, group, "the outcome is of cluster cluster-0, so this cluster may be a mirror of it"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.delivered()
				if tt.lose != nil {
					tt.lose(w)
				}
				change := []func(*processor.Config, *sink.Config){}
				if tt.with != nil {
					change = append(change, tt.with)
				}
				before := len(w.desk.calls())
				foretold := w.foretold(change...)
				refusal := w.start(change...).refused()
				if foretold == nil || foretold.Error() != refusal.Error() {
					t.Errorf("foretold was %v, and it came to %v", foretold, refusal)
				}
				if refusal.Outcome.Group != tt.group || refusal.Records != 12 || refusal.Topic != source || refusal.Responses != responses {
					t.Errorf("refused with %+v, want an outcome of %s and 12 records", refusal, tt.group)
				}
				if !strings.Contains(refusal.Error(), tt.text) || !strings.Contains(refusal.Error(), "events.responses, partition ") {
					t.Errorf("error %q, want in it %q and the place of an outcome", refusal, tt.text)
				}
				if n := len(w.desk.calls()) - before; n > 0 {
					t.Errorf("%d calls before the refusal", n)
				}
				again := w.start(append(change, func(c *processor.Config, _ *sink.Config) { c.Redeliver = true })...)
				w.eventually("everything delivered again", func() bool { return len(w.desk.calls()) == before+12 })
				again.check()
				again.stop()
			})
		})
	}
}

func TestRedelivery_isNotSeenWhereThereIsNone(t *testing.T) {
	for name, tt := range map[string]struct {
		lose func(w *world)
		with func(*processor.Config, *sink.Config)
		want int // calls
	}{
		"a new destination beside the others": {nil, func(c *processor.Config, s *sink.Config) {
			renamed(c, s)
			c.Destinations = []string{"desk", "other"}
		}, 12},
		"another source.group": {nil, func(c *processor.Config, _ *sink.Config) { c.Group, c.Writer.Group = "new.desk", "new.desk" }, 12},
		"another deployment": {nil, func(c *processor.Config, s *sink.Config) {
			renamed(c, s)
			c.Group = "staging.other"
		}, 12},
		"the latest":       {(*world).deleteGroup, latest, 0},
		"outcomes expired": {func(w *world) { w.deleteGroup(); w.truncateResponses() }, nil, 12},
		"only redriven": {func(w *world) {
			w.deleteGroup()
			w.rewrite(func(r *kgo.Record) { header(r, "deskstream.round", "1") })
		}, nil, 12},
		"a recreated topic": {func(w *world) {
			w.deleteGroup()
			w.remake(source, 4, nil)
			for p := range int32(4) {
				w.sendUser(p, fmt.Sprint("new", p), 1, 5)
			}
		}, nil, 20},
		"a recreated topic, outcomes without ids": {func(w *world) {
			w.deleteGroup()
			w.rewrite(func(r *kgo.Record) {
				header(r, "deskstream.source.topic_id", "")
				header(r, "deskstream.cluster", "")
			})
			w.remake(source, 4, nil)
			for p := range int32(4) {
				w.sendUser(p, fmt.Sprint("new", p), 1, 5)
			}
		}, nil, 20},
		"a partition that was added": {func(w *world) {
			w.kafka.AddPartitions(w.t, source, 5)
			w.sendUser(4, "added", 1, 3)
		}, nil, 3},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.delivered()
				if tt.lose != nil {
					tt.lose(w)
				}
				before := len(w.desk.calls())
				change := []func(*processor.Config, *sink.Config){}
				if tt.with != nil {
					change = append(change, tt.with)
				}
				if err := w.foretold(change...); err != nil {
					t.Errorf("foretold was %v", err)
				}
				in := w.start(change...)
				w.eventually("the calls", func() bool { return len(w.desk.calls()) == before+tt.want })
				time.Sleep(10 * time.Second)
				if n := len(w.desk.calls()) - before; n != tt.want {
					t.Errorf("%d calls, want %d", n, tt.want)
				}
				in.check()
				in.stop()
			})
		})
	}
}

// The offset of one partition is lost while the group has the others'. It would begin at the
// partition's beginning, whatever start is.
func TestRedelivery_ofOnePartitionIsRefused(t *testing.T) {
	for _, partition := range []int32{0, 2} {
		t.Run(fmt.Sprint(partition), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.delivered()
				had := w.kafka.Committed(t, group, source)
				w.deleteGroup()
				for p, at := range had {
					if p != partition {
						w.commit(p, at.At, at.Metadata)
					}
				}
				refusal := w.start(latest).refused()
				if refusal.Outcome.Partition != partition || refusal.Records != 3 {
					t.Errorf("refused with %+v, want the 3 records of partition %d", refusal, partition)
				}
				if n := len(w.desk.calls()); n != 12 {
					t.Errorf("%d calls, want 12", n)
				}
			})
		})
	}
}

func TestRedelivery_isRefusedByEachOfSeveralInstances(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(string(protocol), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.delivered()
				w.deleteGroup()
				instances := []*instance{w.start(with(protocol)), w.start(with(protocol)), w.start(with(protocol))}
				for _, in := range instances {
					if refusal := in.refused(); refusal.Outcome.Group != group {
						t.Errorf("refused with %+v, want an outcome of %s", refusal, group)
					}
				}
				if n := len(w.desk.calls()); n != 12 {
					t.Errorf("%d calls, want 12", n)
				}
				if had := w.kafka.Committed(t, group, source); len(had) > 0 {
					t.Errorf("offsets %v were committed", had)
				}
			})
		})
	}
}

// An instance asks for the group's offsets, then another one commits them and delivers, and
// then the first finds the other's outcomes.
func TestRedelivery_offsetsThatAppearMeanwhileCount(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.delivered()
		asked := 0
		w.kafka.ControlKey(int16(kmsg.OffsetFetch), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
			w.kafka.KeepControl()
			if asked++; asked > 2 { // the client's question, and the first of the start
				return nil, nil, false
			}
			resp := kreq.ResponseKind().(*kmsg.OffsetFetchResponse)
			for _, g := range kreq.(*kmsg.OffsetFetchRequest).Groups {
				none := kmsg.NewOffsetFetchResponseGroup()
				none.Group = g.Group
				for _, topic := range g.Topics {
					at := kmsg.NewOffsetFetchResponseGroupTopic()
					at.Topic, at.TopicID = topic.Topic, topic.TopicID
					for _, p := range topic.Partitions {
						part := kmsg.NewOffsetFetchResponseGroupTopicPartition()
						part.Partition, part.Offset = p, -1
						at.Partitions = append(at.Partitions, part)
					}
					none.Topics = append(none.Topics, at)
				}
				resp.Groups = append(resp.Groups, none)
			}
			return resp, nil, true
		})
		in := w.start()
		w.sendUser(1, "later", 1, 2)
		w.settledAll()
		if diff := cmp.Diff([]string{"later-1", "later-2"}, w.desk.ids()[12:]); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		in.check()
		in.stop()
	})
}

// The outcomes of a destination that is gone lie below many of others.
func TestRedelivery_isSeenFarFromTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.delivered()
		var others []*kgo.Record
		for p := range int32(3) {
			for n := range 9000 {
				r := &kgo.Record{Topic: responses, Partition: p, Value: []byte("{}")}
				for name, value := range map[string]string{
					"deskstream.group": "deskstream.third", "deskstream.destination": "third", "deskstream.outcome": "delivered",
					"deskstream.source": fmt.Sprintf("events/%d/%d", p, n), "deskstream.source.epoch": "0", "deskstream.round": "0",
				} {
					header(r, name, value)
				}
				others = append(others, r)
			}
		}
		w.kafka.Produce(t, others...)
		refusal := w.start(renamed, func(c *processor.Config, _ *sink.Config) { c.Destinations = []string{"other", "third"} }).refused()
		if refusal.Outcome.Group != group {
			t.Errorf("refused with %+v, want an outcome of %s", refusal, group)
		}
	})
}

// What a first run of two instances does is never taken for the work of an earlier one.
func TestRedelivery_instancesThatBeginTogetherAreNotRefused(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(string(protocol), func(t *testing.T) {
			for n := range 10 {
				bubble(t, func(t *testing.T, w *world) {
					for p := range int32(4) {
						w.sendUser(p, fmt.Sprint("u", p), 1, 20)
					}
					first := w.start(with(protocol))
					time.Sleep(time.Duration(n*53) * time.Millisecond)
					second := w.start(with(protocol))
					w.settledAll()
					first.check()
					second.check()
					first.stop()
					second.stop()
				}, kafkatest.Fake(kfake.NumBrokers(1)))
			}
		})
	}
}

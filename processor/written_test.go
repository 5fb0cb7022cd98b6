//go:build synctests

package processor_test

import (
	"slices"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// swallow acknowledges the next produce request to the responses topic with its first offset, and
// writes nothing, as a broker does that takes it for a repetition.
func (w *world) swallow() (swallowed func() bool) {
	info := w.kafka.TopicInfo(responses)
	var done atomic.Bool
	w.kafka.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		produce := req.(*kmsg.ProduceRequest)
		topic := &produce.Topics[0]
		w.kafka.KeepControl()
		if done.Load() || topic.Topic != responses && topic.TopicID != info.TopicID {
			return nil, nil, false
		}
		resp := produce.ResponseKind().(*kmsg.ProduceResponse)
		answer := kmsg.NewProduceResponseTopic()
		answer.Topic, answer.TopicID = topic.Topic, topic.TopicID
		for _, p := range topic.Partitions {
			part := kmsg.NewProduceResponseTopicPartition()
			part.Partition, part.BaseOffset, part.LogStartOffset = p.Partition, 0, 0
			answer.Partitions = append(answer.Partitions, part)
		}
		resp.Topics = append(resp.Topics, answer)
		done.Store(true)
		return resp, nil, true
	})
	return done.Load
}

// An acknowledgement with the offset of an earlier record is none: the outcome is not there.
func TestWrite_anOutcomeThatWasNotWrittenIsWrittenAgain(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.sendUser(0, "u1", 1, 3)
		in := w.start(often)
		w.settledAll()
		swallowed := w.swallow()
		w.sendUser(0, "u1", 4, 4)
		w.settledAll()
		in.check()
		in.stop()
		if !swallowed() {
			t.Fatal("no request was swallowed")
		}
		var ids []string
		for _, o := range w.outcomes() {
			ids = append(ids, o.Event.ID)
		}
		slices.Sort(ids)
		if diff := cmp.Diff([]string{"u1-1", "u1-2", "u1-3", "u1-4"}, ids); diff != "" {
			t.Errorf("outcomes on the topic (-want +got):\n%s", diff)
		}
	})
}

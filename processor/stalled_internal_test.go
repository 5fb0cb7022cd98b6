//go:build synctests

package processor

import (
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/kafkatest"
)

// A read to which nothing comes says how far each partition was read: here it waits for
// records that the topic does not have.
func TestReadSpans_aStallSaysHowFarEachPartitionWasRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kafka := kafkatest.Kafka(t, kafkatest.Topic(ledgerTopic, 3), kafkatest.Virtual())
		for p := range int32(2) {
			for range 10 {
				kafka.Produce(t, &kgo.Record{Topic: ledgerTopic, Partition: p, Value: []byte("{}")})
			}
		}
		s := spans{topic: ledgerTopic, from: map[int32]int64{0: 0, 1: 4, 2: 0}, end: map[int32]int64{0: 10, 1: 15, 2: 1}}
		err := readSpans(t.Context(), s, func(*kgo.Record) {}, kafka.Options(), slog.New(slog.DiscardHandler))
		stalled, ok := errors.AsType[*stalledError](err)
		if !ok {
			t.Fatalf("readSpans = %v, want a *stalledError", err)
		}
		type at struct{ next, end int64 }
		got := make(map[int32]at)
		for id, end := range stalled.end {
			got[id] = at{stalled.next[id], end}
		}
		want := map[int32]at{1: {10, 15}, 2: {0, 1}}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(at{})); diff != "" || stalled.topic != ledgerTopic {
			t.Errorf("topic %s, partitions that are not at their ends (-want +got):\n%s", stalled.topic, diff)
		}
	})
}

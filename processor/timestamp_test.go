//go:build synctests

package processor_test

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/processor"
	"github.com/deskstream/deskstream/sink"
)

// Kafka gives -1 for a record without a timestamp, and some producers send 0.
func TestTimestamp_anUnknownOneIsNoAge(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		for n, ms := range []int64{-1, 0} {
			value := strings.Replace(string(event("u", n+1)), "{", `{"timestamp":"1999-12-31T00:00:00Z",`, 1)
			w.kafka.Produce(t, &kgo.Record{Topic: source, Partition: 0, Value: []byte(value), Timestamp: time.UnixMilli(ms)})
		}
		w.desk.answers(func(seen) (int, time.Duration) { return 401, 0 })
		in := w.start(func(_ *processor.Config, c *sink.Config) { c.MaxAge = time.Hour })
		w.eventually("a hold", func() bool { return in.Figures().Hold.Active() && in.Figures().Open == 2 })
		if age := in.Figures().Oldest; age != 0 {
			t.Errorf("the oldest open event is %v old, want no age", age)
		}
		w.desk.answers(func(seen) (int, time.Duration) { return 201, 0 })
		w.settledAll()
		if f := in.Figures(); f.Delivered != 2 {
			t.Errorf("%d delivered, %d dead; want 2 and none", f.Delivered, f.Dead)
		}
		for _, r := range w.kafka.Consume(t, responses) {
			if !strings.Contains(string(r.Value), `"timestamp":"1999-12-31T00:00:00.000Z"`) {
				t.Errorf("the outcome does not have the event's own time: %s", r.Value)
			}
		}
		in.stop()
	})
}

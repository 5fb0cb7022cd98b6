package journal

import (
	"encoding/json"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// Event names a source record at one destination of one group.
type Event struct {
	Group       string
	Destination string
	Topic       string
	Partition   int32
	Offset      int64
}

// EventOf returns the event that an outcome belongs to.
func EventOf(e *topics.LedgerEntry) Event {
	return Event{Group: e.Group, Destination: e.Destination, Topic: e.Topic, Partition: e.Partition, Offset: e.Offset}
}

// Outcome reads the JSON of a record of the responses topic. A body that Avro has as null is
// left out.
func Outcome(rec *kgo.Record) (sink.Outcome, error) {
	var o sink.Outcome
	if err := json.Unmarshal(rec.Value, &o); err != nil {
		return sink.Outcome{}, fmt.Errorf("reading the outcome at %s, partition %d, offset %d: %w", rec.Topic, rec.Partition, rec.Offset, err)
	}
	for i := range o.Calls {
		for _, body := range []*sink.RawJSON{&o.Calls[i].Request, &o.Calls[i].Response} {
			if body.String() == "null" {
				*body = sink.RawJSON{}
			}
		}
	}
	return o, nil
}

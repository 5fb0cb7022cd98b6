package journal

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/output"
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
// left out. The error is a *topics.UnreadableError.
func Outcome(rec *kgo.Record) (sink.Outcome, error) {
	var o sink.Outcome
	if err := json.Unmarshal(rec.Value, &o); err != nil {
		return sink.Outcome{}, &topics.UnreadableError{Topic: rec.Topic, Partition: rec.Partition, Offset: rec.Offset, Err: err}
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

// Unreadable counts the records that have the headers of an outcome and a value that is none:
// whoever may write to the topic can write them, and they must not stop those who read it.
type Unreadable struct {
	n    int
	last string
}

// Pass counts a *topics.UnreadableError and returns nil for it, any other error as it is.
func (u *Unreadable) Pass(err error) error {
	broken, ok := errors.AsType[*topics.UnreadableError](err)
	if !ok {
		return err
	}
	u.n, u.last = u.n+1, fmt.Sprintf("partition %d, offset %d", broken.Partition, broken.Offset)
	return nil
}

// Note notes how many there were.
func (u *Unreadable) Note(j *Journal) {
	if u.n > 0 {
		j.Note("%s of %s with the headers of an outcome and a value that is none, the last at %s, left out: written by another program?",
			output.Count(u.n, "record"), j.Config.Responses.Topic, u.last)
	}
}

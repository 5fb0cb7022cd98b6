package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// ErrMissing is the error for a topic that does not exist.
var ErrMissing = errors.New("the topic does not exist on this cluster")

// Span is the offsets from From up to, but not including, End.
type Span struct{ From, End int64 }

// Len returns how many offsets there are.
func (s Span) Len() int64 { return max(s.End-s.From, 0) }

// Extent is what a topic held when it was looked at, by partition.
type Extent struct {
	Topic string
	Spans map[int32]Span
}

// Len returns how many offsets there are in all partitions.
func (e Extent) Len() int64 {
	n := int64(0)
	for _, s := range e.Spans {
		n += s.Len()
	}
	return n
}

// Expired counts the offsets that were deleted by retention or by hand, and their partitions.
func (e Extent) Expired() (offsets int64, partitions int) {
	for _, s := range e.Spans {
		if s.From > 0 {
			offsets += s.From
			partitions++
		}
	}
	return offsets, partitions
}

// Find returns what a topic holds for a reader of committed records. The error for a topic
// that does not exist is ErrMissing.
func Find(ctx context.Context, cl *kgo.Client, topic string) (Extent, error) {
	admin := kadm.NewClient(cl)
	starts, err := listed(topic)(admin.ListStartOffsets(ctx, topic))
	if err != nil {
		return Extent{}, fmt.Errorf("listing the first offsets of %s: %w", topic, err)
	}
	ends, err := listed(topic)(admin.ListCommittedOffsets(ctx, topic))
	if err != nil {
		return Extent{}, fmt.Errorf("listing the last offsets of %s: %w", topic, err)
	}
	e := Extent{Topic: topic, Spans: make(map[int32]Span, len(ends[topic]))}
	for p, end := range ends[topic] {
		e.Spans[p] = Span{From: starts[topic][p].Offset, End: end.Offset}
	}
	return e, nil
}

// listed explains the errors that a person can fix.
func listed(topic string) func(kadm.ListedOffsets, error) (kadm.ListedOffsets, error) {
	return func(offsets kadm.ListedOffsets, err error) (kadm.ListedOffsets, error) {
		if err == nil {
			err = offsets.Error()
		}
		switch {
		case errors.Is(err, kerr.UnknownTopicOrPartition):
			return nil, ErrMissing
		case errors.Is(err, kerr.TopicAuthorizationFailed):
			return nil, denied(topic, err)
		default:
			return offsets, err
		}
	}
}

// denied names the right that is missing. It includes Describe.
func denied(topic string, err error) error {
	return fmt.Errorf("no right to Read topic %s: give it to the user of kafka.sasl or kafka.tls.cert_file, see Rights in docs/operations.md: %w", topic, err)
}

// After returns for each partition the offset of the first record with a timestamp of at or
// later, or the end. Of a time before 1970, as a letter may name it, that is the start: to
// brokers such timestamps mean other things, -1 the end.
func After(ctx context.Context, cl *kgo.Client, topic string, at time.Time) (map[int32]int64, error) {
	ask := kadm.NewClient(cl).ListStartOffsets
	if ms := at.UnixMilli(); ms > 0 {
		ask = func(ctx context.Context, topics ...string) (kadm.ListedOffsets, error) {
			return kadm.NewClient(cl).ListOffsetsAfterMilli(ctx, ms, topics...)
		}
	}
	found, err := listed(topic)(ask(ctx, topic))
	if err != nil {
		return nil, fmt.Errorf("finding the offsets of %s at %s: %w", topic, at.UTC().Format(time.RFC3339), err)
	}
	offsets := make(map[int32]int64, len(found[topic]))
	for p, o := range found[topic] {
		offsets[p] = o.Offset
	}
	return offsets, nil
}

// From returns the part of an extent at and above the given offsets.
func (e Extent) From(offsets map[int32]int64) Extent {
	return e.cut(func(p int32, s Span) Span { return Span{From: max(s.From, min(offsets[p], s.End)), End: s.End} })
}

// Before returns what an extent has before a part of it.
func (e Extent) Before(part Extent) Extent {
	return e.cut(func(p int32, s Span) Span { return Span{From: s.From, End: max(s.From, part.Spans[p].From)} })
}

func (e Extent) cut(change func(int32, Span) Span) Extent {
	part := Extent{Topic: e.Topic, Spans: make(map[int32]Span, len(e.Spans))}
	for p, s := range e.Spans {
		part.Spans[p] = change(p, s)
	}
	return part
}

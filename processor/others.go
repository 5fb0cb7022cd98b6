package processor

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// others follows what all processes put on record, on the responses topic.
type others struct {
	topic string
	admin func() *kadm.Client
	read  func(ctx context.Context, s spans, take func(*kgo.Record)) error
	// take is called with each record, and keeps nothing of it.
	take func(*kgo.Record)

	turn  chan struct{} // holds a token while somebody reads
	since time.Time     // what is on record from then on is known
	began time.Time     // when the latest reading that ended well began
	at    map[int32]int64
}

// othersDiffer is by how much the clocks of processes may differ that put something on record.
const othersDiffer = 5 * time.Minute

func newOthers(p *Processor, take func(*kgo.Record)) *others {
	return &others{
		topic: p.cfg.Writer.Responses, take: take, turn: make(chan struct{}, 1),
		admin: func() *kadm.Client { return p.kafka.admin },
		read: func(ctx context.Context, s spans, take func(*kgo.Record)) error {
			return readSpans(ctx, s, take, p.kafka.opts, p.log)
		},
	}
}

// stepsOf hands on the steps that events of a group have on record: what another process has made for
// its event is not what is looked for here. A claim has read the partitions of this process only.
func stepsOf(group string, onRecord func(ref string, step sink.StepRecord)) func(*kgo.Record) {
	var entries topics.EntryReader
	return func(r *kgo.Record) {
		e, ok := entries.Read(r)
		if !ok || e.Group != group {
			return
		}
		if p, ok := topics.ParseProgress(r); ok {
			topics.StepsTaken(&e, p, onRecord)
		}
	}
}

// follow hands on what is on record by now and was not before since. Who comes while
// another one reads waits for that, and reads the rest.
func (o *others) follow(ctx context.Context, since time.Time) error {
	asked := time.Now()
	select {
	case o.turn <- struct{}{}:
		defer func() { <-o.turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if o.at != nil && !since.Before(o.since) && o.began.After(asked) {
		return nil
	}
	began := time.Now()
	end, err := o.list(ctx, o.admin().ListEndOffsets)
	if err != nil {
		return err
	}
	start, err := o.list(ctx, o.admin().ListStartOffsets) // records may have been deleted since
	if err != nil {
		return err
	}
	from := o.at
	if from == nil || since.Before(o.since) {
		o.since = since
		millis := max(since.Add(-othersDiffer).UnixMilli(), 0)
		if from, err = o.list(ctx, func(ctx context.Context, names ...string) (kadm.ListedOffsets, error) {
			return o.admin().ListOffsetsAfterMilli(ctx, millis, names...)
		}); err != nil {
			return err
		}
	}
	if err := o.readNew(ctx, o.spansOf(from, start, end)); err != nil {
		return err
	}
	o.at, o.began = end, began
	return nil
}

// spansOf are the parts that are left between from and end. A topic that was recreated has lower
// ends, and is read whole.
func (o *others) spansOf(from, start, end map[int32]int64) spans {
	s := spans{topic: o.topic, from: make(map[int32]int64), end: make(map[int32]int64)}
	for id, e := range end {
		at := max(from[id], start[id])
		if at > e {
			at = start[id]
		}
		if at < e {
			s.from[id], s.end[id] = at, e
		}
	}
	return s
}

// readNew hands on the records in the parts.
func (o *others) readNew(ctx context.Context, s spans) error {
	if len(s.from) == 0 {
		return nil
	}
	return o.read(ctx, s, o.take)
}

// list asks for an offset of each partition of the responses topic.
func (o *others) list(ctx context.Context, ask func(context.Context, ...string) (kadm.ListedOffsets, error)) (map[int32]int64, error) {
	listed, err := ask(ctx, o.topic)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("listing offsets of %s: %w", o.topic, err)
	}
	offsets := make(map[int32]int64)
	listed.Each(func(l kadm.ListedOffset) { offsets[l.Partition] = l.Offset })
	return offsets, nil
}

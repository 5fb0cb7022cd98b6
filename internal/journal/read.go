package journal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Connect makes a client of the cluster with further options.
type Connect func(ctx context.Context, opts ...kgo.Opt) (*kgo.Client, error)

// What one fetch may return, in bytes. A letter takes ten times its compressed size once it
// is a record with headers: with fetches of 8 MiB, listing a million letters took 725 MiB,
// with these limits 150.
const (
	fetchBytes     = 1 << 20
	partitionBytes = 128 << 10
)

// idle is how long Read may receive nothing before it checks whether the rest still exists.
const idle = 15 * time.Second

// Read calls fn with each record of the extents, in the order of each partition, until all
// are read or fn returns an error. It skips records of aborted transactions. fn may keep a
// record only as a copy, because it is part of a larger batch.
func Read(ctx context.Context, connect Connect, fn func(*kgo.Record) error, extents ...Extent) error {
	r := reading{open: make(map[string]map[int32]int64), next: make(map[string]map[int32]int64), fn: fn}
	from := make(map[string]map[int32]kgo.Offset)
	for _, e := range extents {
		for p, s := range e.Spans {
			if s.Len() > 0 {
				put(r.open, e.Topic, p, s.End)
				put(r.next, e.Topic, p, s.From)
				put(from, e.Topic, p, kgo.NewOffset().At(s.From))
			}
		}
	}
	if len(from) == 0 {
		return nil
	}
	cl, err := connect(ctx,
		kgo.ConsumePartitions(from),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), // a partition can end with a marker, and only what is seen can end the reading
		kgo.FetchMaxBytes(fetchBytes), kgo.FetchMaxPartitionBytes(partitionBytes))
	if err != nil {
		return err
	}
	defer cl.Close()
	for len(r.open) > 0 {
		if err := r.poll(ctx, cl); err != nil {
			return err
		}
	}
	return nil
}

func put[V any](m map[string]map[int32]V, topic string, partition int32, v V) {
	if m[topic] == nil {
		m[topic] = make(map[int32]V)
	}
	m[topic][partition] = v
}

// reading is the state of one Read.
type reading struct {
	open map[string]map[int32]int64 // ends of what is not read yet
	next map[string]map[int32]int64 // up to where each partition was read
	fn   func(*kgo.Record) error
}

func (r *reading) poll(ctx context.Context, cl *kgo.Client) error {
	bounded, cancel := context.WithTimeout(ctx, idle)
	defer cancel()
	fetches := cl.PollFetches(bounded)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if bounded.Err() != nil && fetches.NumRecords() == 0 {
		return r.dropExpired(ctx, cl)
	}
	for _, e := range fetches.Errors() {
		return readError(e)
	}
	var err error
	fetches.EachRecord(func(rec *kgo.Record) {
		if err == nil {
			err = r.take(cl, rec)
		}
	})
	return err
}

func readError(e kgo.FetchError) error {
	err := e.Err
	switch {
	case errors.Is(err, kerr.UnknownTopicOrPartition), errors.Is(err, kerr.UnknownTopicID):
		err = ErrMissing
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		err = denied(e.Topic, err)
	}
	return fmt.Errorf("reading %s, partition %d: %w", e.Topic, e.Partition, err)
}

func (r *reading) take(cl *kgo.Client, rec *kgo.Record) error {
	end, open := r.open[rec.Topic][rec.Partition]
	if !open {
		return nil // written since the reading began
	}
	r.next[rec.Topic][rec.Partition] = rec.Offset + 1
	if rec.Offset < end && !rec.Attrs.IsControl() {
		if err := r.fn(rec); err != nil {
			return err
		}
	}
	if rec.Offset >= end-1 {
		r.done(rec.Topic, rec.Partition)
		cl.PauseFetchPartitions(map[string][]int32{rec.Topic: {rec.Partition}})
	}
	return nil
}

func (r *reading) done(topic string, partition int32) {
	delete(r.open[topic], partition)
	if len(r.open[topic]) == 0 {
		delete(r.open, topic)
	}
}

// dropExpired ends the partitions whose rest was deleted during the reading. When nothing
// comes for another reason, it returns an error.
func (r *reading) dropExpired(ctx context.Context, cl *kgo.Client) error {
	dropped := false
	var stuck error
	for topic, partitions := range maps.Clone(r.open) {
		now, err := Find(ctx, cl, topic)
		if err != nil {
			return err
		}
		for p, end := range maps.Clone(partitions) {
			if now.Spans[p].From >= end {
				r.done(topic, p)
				dropped = true
				continue
			}
			stuck = fmt.Errorf("reading %s, partition %d: nothing came for %s, it was read to offset %d of %d: look at the broker that leads it, and try again",
				topic, p, idle, r.next[topic][p], end)
		}
	}
	if dropped {
		return nil
	}
	return stuck
}

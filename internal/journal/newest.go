package journal

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/sink/topics"
)

// Newest returns the newest n records of the source topics by their timestamps, oldest first.
func Newest(ctx context.Context, o Options, n int) ([]*kgo.Record, error) {
	isolation := kgo.ReadCommitted()
	if o.Config.Source.Isolation == config.ReadUncommitted {
		isolation = kgo.ReadUncommitted()
	}
	connect := func(ctx context.Context, opts ...kgo.Opt) (*kgo.Client, error) {
		return cluster.Connect(ctx, o.Config, o.Log, append(opts, kgo.FetchIsolationLevel(isolation))...)
	}
	cl, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	// Some offsets hold no record (transaction markers, compaction), so that the last n offsets
	// can hold less than n records. Then more of them are read.
	for window := int64(n); ; window *= 4 {
		extents, whole, err := newestExtents(ctx, kadm.NewClient(cl), o.Config.Source, window)
		if err != nil {
			return nil, err
		}
		var records []*kgo.Record
		err = Read(ctx, connect, func(r *kgo.Record) error {
			records = append(records, topics.CloneRecord(r))
			return nil
		}, extents...)
		if err != nil {
			return nil, fmt.Errorf("reading the newest records: %w", err)
		}
		if len(records) >= n || whole {
			slices.SortStableFunc(records, func(a, b *kgo.Record) int {
				return cmp.Or(a.Timestamp.Compare(b.Timestamp), cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
			})
			return records[max(0, len(records)-n):], nil
		}
	}
}

// newestExtents returns the last offsets of each partition, window of them at most. whole
// reports whether no partition has more.
func newestExtents(ctx context.Context, admin *kadm.Client, source config.Source, window int64) (extents []Extent, whole bool, err error) {
	list := admin.ListCommittedOffsets // the end for a reader of committed records
	if source.Isolation == config.ReadUncommitted {
		list = admin.ListEndOffsets
	}
	starts, err := admin.ListStartOffsets(ctx, source.Topics...)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return nil, false, fmt.Errorf("listing the first offsets: %w", cluster.ExplainTopics(err, kmsg.ACLOperationRead, source.Topics))
	}
	ends, err := list(ctx, source.Topics...)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, false, fmt.Errorf("listing the last offsets: %w", cluster.ExplainTopics(err, kmsg.ACLOperationRead, source.Topics))
	}
	whole = true
	for topic, partitions := range ends {
		e := Extent{Topic: topic, Spans: make(map[int32]Span, len(partitions))}
		for p, end := range partitions {
			start, _ := starts.Lookup(topic, p)
			s := Span{From: max(start.Offset, end.Offset-window), End: end.Offset}
			whole = whole && s.From == start.Offset
			e.Spans[p] = s
		}
		extents = append(extents, e)
	}
	return extents, whole, nil
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/cmd/deskstream/config"
)

// contactTimeout bounds the first contact with a cluster.
const contactTimeout = 15 * time.Second

// connect makes a client of the cluster and makes sure that it answers.
func connect(ctx context.Context, c *config.Config, log *slog.Logger, opts ...kgo.Opt) (*kgo.Client, error) {
	base, err := kafkaOpts(c)
	if err != nil {
		return nil, &exitError{Code: exitUsage, Err: err}
	}
	// Below a warning, kgo tells of each connection, which is no news to a person at a command.
	base = append(base, kgo.WithLogger(warnings{newTerseLogger(log)}))
	cl, err := kgo.NewClient(append(base, opts...)...)
	if err != nil {
		return nil, fmt.Errorf("making a Kafka client: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, contactTimeout)
	defer cancel()
	if err := ping(ctx, cl); err != nil {
		cl.Close()
		return nil, fmt.Errorf("connecting to Kafka at %s: %w", strings.Join(c.Kafka.Brokers, ", "), explain(ctx, c.Kafka, err))
	}
	return cl, nil
}

// ping asks all brokers of the configuration until one answers. It ends with ctx: a
// request waits for a broker that took the connection and says nothing, until the client
// is closed.
func ping(ctx context.Context, cl *kgo.Client) error {
	brokers := cl.SeedBrokers()
	answered := make(chan error, len(brokers))
	for _, broker := range brokers {
		go func() {
			req := kmsg.NewPtrMetadataRequest()
			req.Topics = []kmsg.MetadataRequestTopic{}
			_, err := broker.Request(ctx, req)
			answered <- err
		}()
	}
	var failed []error
	for range brokers {
		select {
		case err := <-answered:
			if err == nil {
				return nil
			}
			failed = append(failed, err)
		case <-ctx.Done():
			return errors.Join(append(failed, ctx.Err())...)
		}
	}
	return errors.Join(failed...)
}

// warnings is a logger of kgo that says no more than warnings unless debug is asked for.
type warnings struct{ kgo.Logger }

// Level is the level of the logger, or warn if that is info.
func (w warnings) Level() kgo.LogLevel {
	if level := w.Logger.Level(); level != kgo.LogLevelInfo {
		return level
	}
	return kgo.LogLevelWarn
}

// span is the offsets of a partition to read: from the first up to, not with, the second.
type span struct{ from, end int64 }

// newestRecords reads the newest n records of topics, oldest first, without a group.
// Records without a timestamp of their own order count as Kafka stamped them.
func newestRecords(ctx context.Context, c *config.Config, log *slog.Logger, n int) ([]*kgo.Record, error) {
	admin, err := connect(ctx, c, log)
	if err != nil {
		return nil, err
	}
	defer admin.Close()
	// Offsets that hold no record (transaction markers, compaction) make a partition's
	// last n offsets give less than n records. Then more of them are read.
	for window := int64(n); ; window *= 4 {
		spans, whole, err := newestSpans(ctx, kadm.NewClient(admin), c.Source, window)
		if err != nil {
			return nil, err
		}
		records, err := readSpans(ctx, c, log, spans)
		if err != nil {
			return nil, err
		}
		if len(records) >= n || whole {
			slices.SortStableFunc(records, func(a, b *kgo.Record) int {
				return cmp.Or(a.Timestamp.Compare(b.Timestamp), cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
			})
			return records[max(0, len(records)-n):], nil
		}
	}
}

// newestSpans are the last offsets of each partition, window of them at most. whole
// tells that no partition has more.
func newestSpans(ctx context.Context, admin *kadm.Client, source config.Source, window int64) (spans map[string]map[int32]span, whole bool, err error) {
	list := admin.ListCommittedOffsets // the end for a reader of committed records
	if source.Isolation == config.ReadUncommitted {
		list = admin.ListEndOffsets
	}
	starts, err := admin.ListStartOffsets(ctx, source.Topics...)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return nil, false, fmt.Errorf("listing the first offsets: %w", explainTopics(err, kmsg.ACLOperationRead, source.Topics))
	}
	ends, err := list(ctx, source.Topics...)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, false, fmt.Errorf("listing the last offsets: %w", explainTopics(err, kmsg.ACLOperationRead, source.Topics))
	}
	spans, whole = map[string]map[int32]span{}, true
	ends.Each(func(end kadm.ListedOffset) {
		start, _ := starts.Lookup(end.Topic, end.Partition)
		s := span{from: max(start.Offset, end.Offset-window), end: end.Offset}
		whole = whole && s.from == start.Offset
		if s.from >= s.end {
			return
		}
		if spans[end.Topic] == nil {
			spans[end.Topic] = map[int32]span{}
		}
		spans[end.Topic][end.Partition] = s
	})
	return spans, whole, nil
}

// readSpans reads all records of the spans.
func readSpans(ctx context.Context, c *config.Config, log *slog.Logger, spans map[string]map[int32]span) ([]*kgo.Record, error) {
	if len(spans) == 0 {
		return nil, nil
	}
	from := map[string]map[int32]kgo.Offset{}
	open := 0
	for topic, partitions := range spans {
		from[topic] = map[int32]kgo.Offset{}
		for partition, s := range partitions {
			from[topic][partition] = kgo.NewOffset().At(s.from)
			open++
		}
	}
	isolation := kgo.ReadCommitted()
	if c.Source.Isolation == config.ReadUncommitted {
		isolation = kgo.ReadUncommitted()
	}
	cl, err := connect(ctx, c, log, kgo.ConsumePartitions(from), kgo.FetchIsolationLevel(isolation),
		kgo.KeepControlRecords()) // a span can end with a marker, and only what is seen can end the reading
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	var records []*kgo.Record
	for open > 0 {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, fmt.Errorf("reading the newest records: %w", explainTopics(err, kmsg.ACLOperationRead, c.Source.Topics))
		}
		fetches.EachRecord(func(r *kgo.Record) {
			end := spans[r.Topic][r.Partition].end
			if r.Offset < end && !r.Attrs.IsControl() {
				records = append(records, r)
			}
			if r.Offset == end-1 {
				open--
			}
		})
	}
	return records, nil
}

package kafkatest

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Produce writes the records in order, each to the partition that it names, and
// fills in their offsets.
func (c *Cluster) Produce(t testing.TB, records ...*kgo.Record) {
	t.Helper()
	cl := c.connect(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	defer cl.Close()
	if err := cl.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatalf("producing test records: %v", err)
	}
}

// Consume reads all records of a topic between the starts and the ends that it finds
// when it is called, by partition and offset.
func (c *Cluster) Consume(t testing.TB, topic string) []*kgo.Record {
	t.Helper()
	return c.ConsumeFrom(t, topic, nil)
}

// ConsumeFrom is Consume from the given offsets on, of the partitions that have one.
func (c *Cluster) ConsumeFrom(t testing.TB, topic string, next map[int32]int64) []*kgo.Record {
	t.Helper()
	from, to := c.StartOffsets(t, topic), c.EndOffsets(t, topic)
	for p, at := range next {
		if at <= to[p] { // else the topic was recreated
			from[p] = max(from[p], at)
		}
	}
	assign := make(map[int32]kgo.Offset)
	for p, end := range to {
		if from[p] < end {
			assign[p] = kgo.NewOffset().At(from[p])
		}
	}
	if len(assign) == 0 {
		return nil
	}
	cl := c.connect(t,
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: assign}),
		kgo.KeepControlRecords(), // so that a partition that ends in one is seen to end
	)
	defer cl.Close()
	return readTo(t, cl, to, len(assign))
}

// readTo polls until open partitions have been read up to their ends.
func readTo(t testing.TB, cl *kgo.Client, ends map[int32]int64, open int) []*kgo.Record {
	t.Helper()
	var records []*kgo.Record
	for open > 0 {
		fetches := cl.PollFetches(t.Context())
		if err := fetches.Err(); err != nil {
			t.Fatalf("reading test records: %v", err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			end := ends[r.Partition]
			if r.Offset < end && !r.Attrs.IsControl() {
				records = append(records, r)
			}
			if r.Offset == end-1 {
				open--
			}
		})
	}
	slices.SortStableFunc(records, func(a, b *kgo.Record) int { return int(a.Partition - b.Partition) })
	return records
}

// StartOffsets are the topic's log starts by partition.
func (c *Cluster) StartOffsets(t testing.TB, topic string) map[int32]int64 {
	t.Helper()
	return c.offsets(t, topic, false)
}

// EndOffsets are the topic's ends by partition: the offsets that come next.
func (c *Cluster) EndOffsets(t testing.TB, topic string) map[int32]int64 {
	t.Helper()
	return c.offsets(t, topic, true)
}

func (c *Cluster) offsets(t testing.TB, topic string, end bool) map[int32]int64 {
	t.Helper()
	if c.Cluster == nil {
		return c.listOffsets(t, topic, end)
	}
	partitions := c.PartitionInfos(topic)
	if len(partitions) == 0 {
		t.Fatalf("topic %s does not exist", topic)
	}
	offsets := make(map[int32]int64, len(partitions))
	for _, p := range partitions {
		offsets[p.Partition] = p.LogStartOffset
		if end {
			offsets[p.Partition] = p.HighWatermark
		}
	}
	return offsets
}

func (c *Cluster) listOffsets(t testing.TB, topic string, end bool) map[int32]int64 {
	t.Helper()
	admin, done := c.helper(t)
	defer done()
	list := admin.ListStartOffsets
	if end {
		list = admin.ListEndOffsets
	}
	listed, err := asked(func() (kadm.ListedOffsets, error) { return list(t.Context(), topic) })
	if err = errors.Join(err, listed.Error()); err != nil {
		t.Fatalf("listing offsets of %s: %v", topic, err)
	}
	offsets := make(map[int32]int64)
	listed.Each(func(o kadm.ListedOffset) { offsets[o.Partition] = o.Offset })
	return offsets
}

// asked is the answer of brokers that come and go: one that has just started makes the topic
// of groups first, and one that stops takes its connections along.
func asked[T any](ask func() (T, error)) (T, error) {
	for {
		answer, err := ask()
		if !kerr.IsRetriable(err) && !kgo.IsRetryableBrokerErr(err) {
			return answer, err
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// helper is an admin client for one helper, and what ends its use.
func (c *Cluster) helper(t testing.TB) (admin *kadm.Client, done func()) {
	t.Helper()
	if c.client != nil {
		return kadm.NewClient(c.client), func() {}
	}
	cl := c.connect(t)
	return kadm.NewClient(cl), cl.Close
}

// Committed are the offsets that a group has committed for a topic, by partition,
// with their metadata. Partitions without a commit are absent, all of them while there
// is no such group.
func (c *Cluster) Committed(t testing.TB, group, topic string) map[int32]kadm.Offset {
	t.Helper()
	committed := make(map[int32]kadm.Offset)
	if c.Cluster != nil { // without a client, since tests look again and again
		if info := c.GroupInfo(group); info != nil {
			for p, at := range info.Commits[topic] {
				committed[p] = kadm.Offset{Topic: topic, Partition: p, At: at.Offset, LeaderEpoch: at.LeaderEpoch, Metadata: at.Metadata}
			}
		}
		return committed
	}
	admin, done := c.helper(t)
	defer done()
	found, err := asked(func() (kadm.OffsetResponses, error) { return admin.FetchOffsets(t.Context(), group) })
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		t.Fatalf("fetching offsets of group %s: %v", group, err)
	}
	for p, offset := range maps.All(found[topic]) {
		if offset.Err != nil {
			t.Fatalf("fetching offset of partition %d: %v", p, offset.Err)
		}
		committed[p] = offset.Offset
	}
	return committed
}

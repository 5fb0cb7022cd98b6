package processor

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/sink/topics"
)

// clients are the connections to Kafka. All but producing is set before ready is closed, and
// stays; the group's callbacks wait for that.
type clients struct {
	ready  chan struct{}
	group  *kgo.Client // the consumer group's, which also writes
	large  *kgo.Client // for what the writer has to send alone
	admin  *kadm.Client
	writer *topics.Writer
	opts   []kgo.Opt // of the connection, for the ledger's reader

	mu        sync.Mutex
	producing bool // the clients that write have producer ids
}

// connect makes the clients. member are the options of the group's.
func (c *clients) connect(destination string, member []kgo.Opt) error {
	var err error
	if c.group, err = kgo.NewClient(slices.Concat(c.opts, member)...); err != nil {
		return fmt.Errorf("setting up the Kafka client of %s: %w", destination, err)
	}
	if c.large, err = kgo.NewClient(slices.Concat(c.opts, topics.LargeOptions())...); err != nil {
		c.group.Close()
		return fmt.Errorf("setting up the Kafka client of %s for large records: %w", destination, err)
	}
	c.admin = kadm.NewClient(c.group)
	return nil
}

// isReady reports whether the clients can be used.
func (c *clients) isReady() bool {
	select {
	case <-c.ready:
		return true
	default:
		return false
	}
}

// getProducerIDs has the clients get theirs, once. A client that is refused one, as it is
// without any right to write, keeps that answer and fails everything that it is to write.
// So a request that it does not see asks first, and nothing is called before.
func (c *clients) getProducerIDs(ctx context.Context) error {
	c.mu.Lock()
	have := c.producing
	c.mu.Unlock()
	if have {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	resp, err := kmsg.NewPtrInitProducerIDRequest().RequestWith(ctx, c.group)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	for _, client := range []*kgo.Client{c.group, c.large} {
		if err == nil {
			_, _, err = client.ProducerID(ctx)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.producing = err == nil
	return err
}

// describe asks the brokers for topics. The client answers from what it learned some
// seconds ago, which may be of topics that had the names before.
func (c *clients) describe(ctx context.Context, names ...string) (kadm.TopicDetails, error) {
	details, err := c.admin.ListTopics(kadm.WithAuthorizedOps(ctx), names...)
	if err == nil {
		err = details.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("listing topics: %w", err)
	}
	return details, nil
}

// forgetTopic makes the clients ask for a topic's id before they write to it again.
func (c *clients) forgetTopic(topic string) {
	c.group.PurgeTopicsFromProducing(topic)
	c.large.PurgeTopicsFromProducing(topic)
}

// pauseFetching stops fetching a partition, resumeFetching goes on.
func (c *clients) pauseFetching(tp topicPartition) {
	c.group.PauseFetchPartitions(map[string][]int32{tp.topic: {tp.id}})
}

func (c *clients) resumeFetching(tp topicPartition) {
	c.group.ResumeFetchPartitions(map[string][]int32{tp.topic: {tp.id}})
}

func (c *clients) close() {
	c.group.CloseAllowingRebalance()
	// The client polls once more while it closes, and a poll of its own keeps the
	// goroutine that leaves the group from ever ending.
	c.group.AllowRebalance()
	c.large.Close()
}

// groupOptions are those of the client that is the group's member.
func (p *Processor) groupOptions() []kgo.Opt {
	opts := []kgo.Opt{
		kgo.ConsumerGroup(p.cfg.Group),
		kgo.ConsumeTopics(p.cfg.Topics...),
		// A partition that is added has events at once, which would wait for the client's five
		// minutes.
		kgo.MetadataMaxAge(sourceCheck),
		// The commit means "settled", and its metadata is the checkpoint: only we may write it.
		kgo.DisableAutoCommit(),
		// Hand-over of fetched records and the callbacks exclude each other, so no record
		// of a partition that was taken away is taken in as one of its next assignment.
		kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(p.assigned),
		kgo.OnPartitionsRevoked(p.revoked),
		kgo.OnPartitionsLost(p.lost),
		kgo.OnOffsetsFetched(p.offsetsFetched),
		kgo.AdjustFetchOffsetsFn(p.startOffsets),
		// Offsets of transaction markers count as settled, so they have to be seen.
		kgo.KeepControlRecords(),
		// In a session the broker chooses which partition is next, the embedded one always
		// that which it has just read. Without, the client begins with another one each time.
		kgo.DisableFetchSessions(),
		kgo.FetchMaxBytes(fetchBytes),
		kgo.FetchMaxPartitionBytes(fetchPartitionBytes),
		kgo.MaxConcurrentFetches(concurrentFetches),
		// The partition of an outcome is the ledger's rule, not a hash of the key.
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		// The next event of a lane may wait for this one's acknowledgement. Where none does, the
		// Writer lingers.
		kgo.ProducerLinger(0),
		kgo.ProducerBatchMaxBytesFn(p.topics.batchBytes),
	}
	if p.cfg.Protocol == Consumer {
		opts = append(opts, kgo.ServerSideBalancer())
	} else {
		opts = append(opts,
			kgo.Balancers(kgo.CooperativeStickyBalancer()),
			kgo.SessionTimeout(p.cfg.SessionTimeout),
			kgo.HeartbeatInterval(heartbeatInterval(p.cfg.SessionTimeout)),
			kgo.RebalanceTimeout(rebalanceTimeout))
	}
	if p.cfg.InstanceID != "" {
		opts = append(opts, kgo.InstanceID(p.cfg.InstanceID))
	}
	if !p.cfg.ReadUncommitted {
		opts = append(opts, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	}
	opts = append(opts, kgo.WithHooks(p.member), kgo.RetryBackoffFn(p.member.backoff))
	return append(opts, p.metrics.clientOpts()...)
}

// What the client holds ready besides Limits.Bytes: one fetch for each of so many
// brokers, as it was compressed. Unpacked it can be several times that. A batch that is
// larger than a limit is fetched anyway. The part of one partition is small, so that
// the partitions take turns: users are spread over them, and when the limits leave room for
// the records of some only, there may be too few users to fill the places.
const (
	fetchBytes          = 1 << 20
	fetchPartitionBytes = 1 << 16
	concurrentFetches   = 2
)

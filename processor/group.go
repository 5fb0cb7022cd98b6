package processor

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// assigned begins partitions that became ours. They are not fetched until their
// ledger is read, which the group does not wait for.
func (p *Processor) assigned(_ context.Context, cl *kgo.Client, topics map[string][]int32) {
	<-p.kafka.ready // a quick group assigns before New has its client back
	p.member.assigned()
	// A pause outlives a revoke, so this also renews what an earlier assignment left.
	cl.PauseFetchPartitions(topics)
	member := p.memberID()
	foreign := p.book.holdsForOthers(member)
	var parts []*partition
	for topic, ids := range topics {
		for _, id := range ids {
			parts = append(parts, p.book.newPartition(topicPartition{topic, id}, member))
		}
		p.log.Info("partitions assigned", "topic", topic, "partitions", ids)
	}
	p.book.assign(parts, topics)
	if p.member.hasJoined(foreign) {
		p.log.Warn("member was removed from the group while joining, re-reading its partitions", "group", p.cfg.Group)
	}
}

// offsetsFetched takes the committed offsets and their checkpoints, which only this answer
// shows. It comes after assigned and before any record.
func (p *Processor) offsetsFetched(_ context.Context, _ *kgo.Client, resp *kmsg.OffsetFetchResponse) error {
	for _, t := range resp.Topics {
		for _, at := range t.Partitions {
			p.book.offsetFetched(topicPartition{t.Topic, at.Partition}, at.Offset, at.Metadata, at.ErrorCode)
		}
	}
	for _, group := range resp.Groups {
		for _, t := range group.Topics {
			p.topics.rememberSource(t.Topic, t.TopicID)
			for _, at := range t.Partitions {
				p.book.offsetFetched(topicPartition{t.Topic, at.Partition}, at.Offset, at.Metadata, at.ErrorCode)
			}
		}
	}
	return nil
}

// revoked releases partitions in good order; the group waits for it.
func (p *Processor) revoked(_ context.Context, cl *kgo.Client, topics map[string][]int32) {
	p.release(p.book.named(topics))
	cl.ResumeFetchPartitions(topics)
}

// lost drops partitions that belong to others already: nothing is waited for, and
// nothing is committed.
func (p *Processor) lost(_ context.Context, cl *kgo.Client, topics map[string][]int32) {
	p.member.lost()
	p.drop(p.book.named(topics))
	p.member.hasLeft() // until the next assignment
	cl.ResumeFetchPartitions(topics)
}

// release ends partitions: in good order what the group gave to this member, and as
// lost what it gave to one of another name, whom it has removed since.
func (p *Processor) release(parts []*partition) {
	member := p.memberID()
	var ours, others []*partition
	for _, part := range parts {
		if part.holder == member {
			ours = append(ours, part)
		} else {
			others = append(others, part)
		}
	}
	p.drop(others)
	p.handOver(ours)
}

// handOver ends partitions in good order: what is in flight may complete within the
// drain timeout, and what is settled is committed.
func (p *Processor) handOver(parts []*partition) {
	if len(parts) == 0 {
		return
	}
	p.drain(parts)
	p.end(parts, func() {
		ctx, cancel := context.WithTimeout(context.Background(), lastCommitTimeout)
		defer cancel()
		if err := p.commit(ctx, p.book.live(parts)); err != nil {
			p.log.Warn("last commit of released partitions failed, the next owner reads what it stood for in the ledger", "err", err)
		}
	})
}

// drop ends partitions at once.
func (p *Processor) drop(parts []*partition) {
	if len(parts) > 0 {
		p.end(parts, func() {})
	}
}

// end takes partitions out of the book, after a last step. A commit that is under way ends
// first, and none that comes later knows the partitions: so nothing is committed for what
// belongs to another by then.
func (p *Processor) end(parts []*partition, last func()) {
	p.committing <- struct{}{}
	defer func() { <-p.committing }()
	for _, part := range parts {
		part.cancelCalls(errStopping)
	}
	last()
	p.book.release(parts)
}

// lastCommitTimeout limits the commit with which partitions are released.
const lastCommitTimeout = 2 * time.Second

// drain starts no further event and waits for what is in flight, until the drain timeout.
func (p *Processor) drain(parts []*partition) {
	p.book.drain(parts)
	for _, part := range parts {
		part.cancelWaits(errStopping)
	}
	timeout := time.NewTimer(p.cfg.DrainTimeout)
	defer timeout.Stop()
	for _, part := range parts {
		select {
		case <-part.drained:
		case <-timeout.C:
			p.log.Warn("drain timeout reached, abandoning calls in flight", "topic", part.topic, "partition", part.id, "drain_timeout", p.cfg.DrainTimeout)
			return
		}
	}
}

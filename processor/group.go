package processor

import (
	"context"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// assigned begins partitions that became ours. They are not fetched until their
// ledger is read, which the group does not wait for.
func (p *Processor) assigned(_ context.Context, cl *kgo.Client, topics map[string][]int32) {
	<-p.made // a quick group assigns before New has its client back
	p.member.assigned()
	// A pause outlives a revoke, so this also renews what an earlier assignment left.
	cl.PauseFetchPartitions(topics)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.joined = true
	member := p.memberID()
	p.keepsLocked(member)
	for topic, ids := range topics {
		for _, id := range ids {
			tp := topicPartition{topic, id}
			p.parts[tp] = p.newPartition(tp, member)
			p.sources[topic] = max(p.sources[topic], id+1)
		}
		p.log.Info("partitions assigned", "topic", topic, "partitions", ids)
	}
	p.divide()
}

// offsetsFetched takes the committed offsets and their checkpoints, which only this answer
// shows. It comes after assigned and before any record.
func (p *Processor) offsetsFetched(_ context.Context, cl *kgo.Client, resp *kmsg.OffsetFetchResponse) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range resp.Topics {
		for _, at := range t.Partitions {
			p.committedAt(topicPartition{t.Topic, at.Partition}, at.Offset, at.Metadata, at.ErrorCode)
		}
	}
	for _, group := range resp.Groups {
		for _, t := range group.Topics {
			p.readsLocked(t.Topic, t.TopicID)
			for _, at := range t.Partitions {
				p.committedAt(topicPartition{t.Topic, at.Partition}, at.Offset, at.Metadata, at.ErrorCode)
			}
		}
	}
	return nil
}

func (p *Processor) committedAt(tp topicPartition, offset int64, metadata *string, code int16) {
	part := p.parts[tp]
	if part == nil || part.claimed {
		return
	}
	// The client gives a partition up whose offset it was not told, until it is assigned anew.
	part.untold = code != 0
	if code != 0 || offset < 0 {
		return
	}
	part.committed, part.next = offset, offset
	if metadata != nil {
		part.metadata = *metadata
	}
}

// revoked gives partitions up in good order; the group waits for it.
func (p *Processor) revoked(_ context.Context, cl *kgo.Client, topics map[string][]int32) {
	p.release(p.named(topics))
	cl.ResumeFetchPartitions(topics)
}

// lost drops partitions that belong to others already: nothing is waited for, and
// nothing is committed.
func (p *Processor) lost(_ context.Context, cl *kgo.Client, topics map[string][]int32) {
	p.member.lost()
	p.giveUp(p.named(topics), false)
	p.mu.Lock()
	p.joined = false // until the next assignment
	p.astray = false
	p.mu.Unlock()
	cl.ResumeFetchPartitions(topics)
}

func (p *Processor) named(topics map[string][]int32) []*partition {
	p.mu.Lock()
	defer p.mu.Unlock()
	var parts []*partition
	for topic, ids := range topics {
		for _, id := range ids {
			if part := p.parts[topicPartition{topic, id}]; part != nil {
				parts = append(parts, part)
			}
		}
	}
	return parts
}

// giveUp ends the partitions. In good order, what is in flight may land within the
// drain bound and what is done is committed.
func (p *Processor) giveUp(parts []*partition, inOrder bool) {
	if len(parts) == 0 {
		return
	}
	if inOrder {
		p.drain(parts)
	}
	// A commit that is under way ends first, and none that comes later knows the
	// partitions: so nothing is committed for what belongs to another by then.
	p.committing <- struct{}{}
	defer func() { <-p.committing }()
	for _, part := range parts {
		part.hard(errStopping)
	}
	if inOrder {
		ctx, cancel := context.WithTimeout(context.Background(), lastCommitTimeout)
		defer cancel()
		if err := p.commit(ctx, p.alive(parts)); err != nil {
			p.log.Warn("last commit of partitions failed, what it stood for is found in the ledger", "err", err)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, part := range parts {
		p.dropLocked(part)
	}
	p.divide()
}

// alive are those whose ledger was read: the others have nothing of ours to commit,
// and a checkpoint of theirs would hide what was not read.
func (p *Processor) alive(parts []*partition) []*partition {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(parts), func(part *partition) bool { return !part.live })
}

// lastCommitTimeout bounds the commit with which partitions are given up.
const lastCommitTimeout = 2 * time.Second

// drain starts no further event and waits for what is in flight, until the bound.
func (p *Processor) drain(parts []*partition) {
	p.mu.Lock()
	for _, part := range parts {
		if part.phase >= draining {
			continue
		}
		part.phase = draining
		if part.inFlight == 0 {
			part.allLanded()
		}
	}
	p.mu.Unlock()
	for _, part := range parts {
		part.soft(errStopping)
	}
	bound := time.NewTimer(p.cfg.DrainTimeout)
	defer bound.Stop()
	for _, part := range parts {
		select {
		case <-part.landed:
		case <-bound.C:
			p.log.Warn("drain bound reached, calls in the air are left")
			return
		}
	}
}

// dropLocked forgets a partition. What is open is given up: it stays uncommitted, for
// whoever owns the partition next.
func (p *Processor) dropLocked(part *partition) {
	if part.phase == gone {
		return
	}
	part.phase = gone
	part.hard(errStopping)
	for r := part.oldest; r != nil; r = r.next {
		p.open--
		p.bytes -= r.bytes
		p.counts.givenUp++
	}
	p.ready.remove(part)
	p.lanes -= len(part.lanes)
	if p.parts[part.topicPartition] == part {
		delete(p.parts, part.topicPartition)
	}
	if part.inFlight > 0 {
		p.left[part.topicPartition] = part
	}
	signal(p.freed)
	p.log.Info("partition given up", "topic", part.topic, "partition", part.id, "open", part.open)
}

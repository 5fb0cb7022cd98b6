package processor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// commitTimeout limits one commit, so that the release of a partition never waits for long.
const commitTimeout = 10 * time.Second

// renewAfter is how long a partition may be idle before its checkpoint is moved to the end
// of the ledger: retention would pass it otherwise. It is committed even if it did not move:
// should an older commit have arrived late, after the last one, this fixes it.
const renewAfter = 10 * time.Minute

// commitEvery commits what is settled, at the interval.
func (p *Processor) commitEvery(ctx context.Context) error {
	ticker := time.NewTicker(p.cfg.CommitInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		p.renewIdle(ctx)
		p.passMissing(ctx)
		bounded, cancel := context.WithTimeout(ctx, commitTimeout)
		err := p.commitSafely(bounded, p.book.moved)
		cancel()
		if err != nil && ctx.Err() == nil {
			p.troubles.commit.met(err)
		}
	}
}

// moved are the partitions that have something new to commit.
func (b *book) moved() []*partition {
	return b.choose(func(part *partition) bool {
		if !part.live {
			return false
		}
		at, _ := part.commitPoint()
		return at.Offset != part.committed || part.idle()
	})
}

// renewIdle takes the end of the ledger as the position of partitions that had
// nothing to commit for long.
func (p *Processor) renewIdle(ctx context.Context) {
	if len(p.book.choose((*partition).idle)) == 0 {
		return
	}
	ends, err := p.kafka.admin.ListEndOffsets(ctx, p.cfg.Writer.Responses)
	if err != nil {
		return // the next round asks again
	}
	if p.book.renewIdle(ends[p.cfg.Writer.Responses]) {
		p.topics.suspect(p.cfg.Writer.Responses, suspicion{behind: true})
	}
}

// renewIdle takes in the ends of the responses partitions. It reports whether one of them has
// given later offsets before.
func (b *book) renewIdle(ends map[int32]kadm.ListedOffset) (behind bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, part := range b.parts {
		end, ok := ends[part.id%max(part.n, 1)]
		// It was idle when the end was asked for, if it still is: so no outcome of ours
		// that is missing yet can lie before it.
		if part.idle() && ok && end.Err == nil {
			behind = behind || end.Offset < part.position
			part.position = max(part.position, end.Offset)
		}
	}
	return behind
}

func (p *partition) idle() bool {
	return p.phase == active && p.oldest == nil && time.Since(p.renewed) >= renewAfter
}

// commitSafely commits what choose names, in turn with all other commits.
func (p *Processor) commitSafely(ctx context.Context, choose func() []*partition) error {
	p.committing <- struct{}{}
	defer func() { <-p.committing }()
	return p.commit(ctx, choose())
}

// commit commits offset and checkpoint of the partitions, snapshot together, with
// committing locked. Its error names a partition that was refused.
func (p *Processor) commit(ctx context.Context, parts []*partition) error {
	if len(parts) == 0 {
		return nil
	}
	offsets, checkpoints, holders := p.book.commitPoints(parts)
	if len(offsets) == 0 {
		return nil
	}
	ctx = kgo.PreCommitFnContext(ctx, func(req *kmsg.OffsetCommitRequest) error {
		ofMember(req, holders)
		for i := range req.Topics {
			for j := range req.Topics[i].Partitions {
				text := checkpoints[topicPartition{req.Topics[i].Topic, req.Topics[i].Partitions[j].Partition}].String()
				req.Topics[i].Partitions[j].Metadata = &text
			}
		}
		return nil
	})
	var failed error
	p.kafka.group.CommitOffsetsSync(ctx, offsets, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
		failed = err
		if err == nil {
			failed = p.committed(resp, checkpoints)
		}
	})
	return failed
}

// commitPoints are the offsets and checkpoints to commit, and whose the partitions are.
func (b *book) commitPoints(parts []*partition) (map[string]map[int32]kgo.EpochOffset, map[topicPartition]checkpoint, map[topicPartition]string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	offsets := make(map[string]map[int32]kgo.EpochOffset)
	checkpoints, holders := make(map[topicPartition]checkpoint), make(map[topicPartition]string)
	for _, part := range parts {
		if part.phase == gone || part.n == 0 {
			continue
		}
		at, m := part.commitPoint()
		if offsets[part.topic] == nil {
			offsets[part.topic] = make(map[int32]kgo.EpochOffset)
		}
		offsets[part.topic][part.id], checkpoints[part.topicPartition], holders[part.topicPartition] = at, m, part.holder
	}
	return offsets, checkpoints, holders
}

// committed takes in which commits the group accepted.
func (p *Processor) committed(resp *kmsg.OffsetCommitResponse, checkpoints map[topicPartition]checkpoint) error {
	var failed error
	for _, t := range resp.Topics {
		for _, at := range t.Partitions {
			tp := topicPartition{t.Topic, at.Partition}
			err := kerr.ErrorForCode(at.ErrorCode)
			if err == nil {
				p.book.committed(tp, checkpoints[tp].Committed)
				continue
			}
			failed = fmt.Errorf("partition %d of topic %s: %w", tp.id, tp.topic, err)
			if errors.Is(err, kerr.UnknownTopicID) {
				p.topics.refusedSource(tp.topic)
			}
		}
	}
	return failed
}

func (b *book) committed(tp topicPartition, offset int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if part := b.parts[tp]; part != nil {
		part.committed, part.renewed = offset, time.Now()
	}
}

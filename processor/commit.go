package processor

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// commitTimeout bounds one commit, so that giving a partition up never waits for long.
const commitTimeout = 10 * time.Second

// renewAfter is how long a partition may be idle before its checkpoint is moved to the end
// of the ledger: retention would pass it otherwise. It is committed even if it did not move:
// should an older commit have arrived late, behind the last one, this mends it.
const renewAfter = 10 * time.Minute

// commitEvery commits what is done, at the interval.
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
		bounded, cancel := context.WithTimeout(ctx, commitTimeout)
		err := p.commitSafely(bounded, p.moved)
		cancel()
		if err != nil && ctx.Err() == nil {
			p.commitTrouble.met(err)
		}
	}
}

// moved are the partitions that have something new to commit.
func (p *Processor) moved() []*partition {
	p.mu.Lock()
	defer p.mu.Unlock()
	var parts []*partition
	for _, part := range p.parts {
		if !part.live {
			continue
		}
		if at, _ := part.commitPoint(); at.Offset != part.committed || part.idle() {
			parts = append(parts, part)
		}
	}
	return parts
}

// renewIdle takes the end of the ledger as the position of partitions that had
// nothing to commit for long.
func (p *Processor) renewIdle(ctx context.Context) {
	p.mu.Lock()
	idle := false
	for _, part := range p.parts {
		idle = idle || part.idle()
	}
	p.mu.Unlock()
	if !idle {
		return
	}
	ends, err := p.admin.ListEndOffsets(ctx, p.cfg.Writer.Responses)
	if err != nil {
		return // the next round asks again
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, part := range p.parts {
		end, ok := ends.Lookup(p.cfg.Writer.Responses, part.id%max(part.n, 1))
		// It was idle when the end was asked for, if it still is: so no outcome of ours
		// that is missing yet can lie before it.
		if part.idle() && ok && end.Err == nil {
			if end.Offset < part.position {
				p.doubtLocked(p.cfg.Writer.Responses, doubt{behind: true})
			}
			part.position = max(part.position, end.Offset)
		}
	}
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
	offsets, checkpoints, holders := p.snapshot(parts)
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
	p.client.CommitOffsetsSync(ctx, offsets, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
		failed = err
		if err == nil {
			failed = p.committed(resp, checkpoints)
		}
	})
	return failed
}

func (p *Processor) snapshot(parts []*partition) (map[string]map[int32]kgo.EpochOffset, map[topicPartition]checkpoint, map[topicPartition]string) {
	p.mu.Lock()
	defer p.mu.Unlock()
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
	p.mu.Lock()
	defer p.mu.Unlock()
	var failed error
	for _, t := range resp.Topics {
		for _, at := range t.Partitions {
			tp := topicPartition{t.Topic, at.Partition}
			if err := kerr.ErrorForCode(at.ErrorCode); err != nil {
				failed = fmt.Errorf("partition %d of topic %s: %w", tp.id, tp.topic, err)
				continue
			}
			if part, m := p.parts[tp], checkpoints[tp]; part != nil {
				part.committed, part.renewed = m.Committed, time.Now()
			}
		}
	}
	return failed
}

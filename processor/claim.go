package processor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/sink/topics"
)

// claimBackoff is the pause before a claim that did not work out is tried again.
const claimBackoff = time.Second

// errNoCheckpoint is the ordinary reason not to read the ledger: a group that begins, or an
// operator's reset of its offsets, which means that all is to be delivered again.
var errNoCheckpoint = errors.New("the commit carries no checkpoint")

// claim makes partitions ours to deliver: their ledger is read, and a checkpoint is
// committed for those that have none, before the first call.
func (p *Processor) claim(parts []*partition) {
	p.awaitOwnCalls(parts)
	for p.life.Err() == nil {
		parts = p.stillClaiming(parts)
		if len(parts) == 0 {
			return
		}
		ctx, cancel := p.claimContext(parts)
		err := p.tryClaim(ctx, parts)
		if err == nil {
			cancel()
			return
		}
		if ctx.Err() == nil {
			p.claimTrouble.met(err, "partitions", len(p.stillClaiming(parts)))
		}
		pause(ctx, claimBackoff)
		cancel()
	}
}

// awaitOwnCalls waits, within the drain bound, for calls that this process has in the
// air for a partition that it lost and now has again: so they are not made twice at
// once, and their outcomes are in the ledger when it is read.
func (p *Processor) awaitOwnCalls(parts []*partition) {
	bound := time.NewTimer(p.cfg.DrainTimeout)
	defer bound.Stop()
	for _, part := range parts {
		p.mu.Lock()
		old := p.left[part.topicPartition]
		p.mu.Unlock()
		if old == nil {
			continue
		}
		select {
		case <-old.landed:
		case <-part.stop.Soft.Done():
		case <-bound.C:
			return
		}
	}
}

// claimContext ends when the last of the partitions is given up.
func (p *Processor) claimContext(parts []*partition) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(p.life)
	var left atomic.Int64
	left.Store(int64(len(parts)))
	unhook := make([]func() bool, len(parts))
	for i, part := range parts {
		unhook[i] = context.AfterFunc(part.stop.Soft, func() {
			if left.Add(-1) == 0 {
				cancel()
			}
		})
	}
	return ctx, func() {
		for _, stop := range unhook {
			stop()
		}
		cancel()
	}
}

func (p *Processor) stillClaiming(parts []*partition) []*partition {
	p.mu.Lock()
	defer p.mu.Unlock()
	var still []*partition
	for _, part := range parts {
		if part.phase == claiming {
			still = append(still, part)
		}
	}
	return still
}

func (p *Processor) tryClaim(ctx context.Context, parts []*partition) error {
	if err := p.getProducerIDs(ctx); err != nil {
		return fmt.Errorf("getting a producer id: %w", err)
	}
	found, err := p.surveyResponses(ctx)
	if err == nil {
		err = p.meet(found)
	}
	if err != nil {
		return err
	}
	listed := found.listed(parts)
	if len(listed) > 0 {
		err = p.claimListed(ctx, listed, found)
	}
	if err == nil && len(listed) < len(parts) {
		return fmt.Errorf("listing offsets of %s: %w", p.cfg.Writer.Responses, cmp.Or(found.unlisted, errNotListed))
	}
	return err
}

// claimListed claims partitions whose responses partitions answer.
func (p *Processor) claimListed(ctx context.Context, parts []*partition, found survey) error {
	var uncommitted []*partition
	reads := newLedgerReads(p.cfg.Group, p.cfg.Writer.Responses)
	for _, part := range parts {
		end := found.end[part.id%found.n]
		from, err := p.prepare(part, found, end)
		if err != nil {
			uncommitted = append(uncommitted, part)
			continue
		}
		reads.want(part, max(from, found.start[part.id%found.n]), end)
	}
	bounded, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	if err := p.commitSafely(bounded, func() []*partition { return p.stillClaiming(uncommitted) }); err != nil {
		return fmt.Errorf("committing where the group begins: %w", err)
	}
	if err := reads.run(ctx, p.opts, p.log); err != nil {
		return fmt.Errorf("reading the ledger: %w", err)
	}
	return p.activate(parts, found, reads)
}

// getProducerIDs has the clients get theirs, once. A client that is refused one, as it is
// without any right to write, keeps that answer for good and fails all that it is to write.
// So a request that it does not see asks first, and nothing is called before.
func (p *Processor) getProducerIDs(ctx context.Context) error {
	p.mu.Lock()
	have := p.producerIDs
	p.mu.Unlock()
	if have {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	resp, err := kmsg.NewPtrInitProducerIDRequest().RequestWith(ctx, p.client)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	for _, client := range []*kgo.Client{p.client, p.large} {
		if err == nil {
			_, _, err = client.ProducerID(ctx)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.producerIDs = err == nil
	return err
}

// survey is what a claim finds of the topics.
type survey struct {
	n, letters int32
	responses  kadm.TopicID
	written    map[string]kadm.TopicID // responses and dead letters
	sources    map[string]kadm.TopicID
	partitions map[string]int32 // of the sources
	start, end map[int32]int64  // of the responses partitions whose leaders answered
	unlisted   error            // why others did not
}

// listed are those of the partitions whose responses partition answered.
func (s survey) listed(parts []*partition) []*partition {
	var listed []*partition
	for _, part := range parts {
		_, start := s.start[part.id%s.n]
		_, end := s.end[part.id%s.n]
		if start && end {
			listed = append(listed, part)
		}
	}
	return listed
}

func (p *Processor) surveyResponses(ctx context.Context) (survey, error) {
	topic := p.cfg.Writer.Responses
	details, err := p.admin.ListTopics(ctx, append([]string{topic, p.cfg.Writer.DeadLetters}, p.cfg.Topics...)...)
	if err != nil {
		return survey{}, fmt.Errorf("listing topics: %w", err)
	}
	if err := details.Error(); err != nil {
		return survey{}, fmt.Errorf("listing topics: %w", err)
	}
	s := survey{
		n: int32(len(details[topic].Partitions)), letters: int32(len(details[p.cfg.Writer.DeadLetters].Partitions)), responses: details[topic].ID,
		written: make(map[string]kadm.TopicID), sources: make(map[string]kadm.TopicID), partitions: make(map[string]int32), start: make(map[int32]int64), end: make(map[int32]int64),
	}
	for _, name := range []string{topic, p.cfg.Writer.DeadLetters} {
		s.written[name] = details[name].ID
	}
	for _, source := range p.cfg.Topics {
		s.sources[source], s.partitions[source] = details[source].ID, int32(len(details[source].Partitions))
	}
	p.mu.Lock()
	for _, source := range p.cfg.Topics {
		p.sources[source] = s.partitions[source]
	}
	p.divide()
	p.mu.Unlock()
	if err := s.list(ctx, topic, p.admin.ListStartOffsets, s.start); err != nil {
		return survey{}, err
	}
	return s, s.list(ctx, topic, p.admin.ListEndOffsets, s.end)
}

// list asks for offsets of the responses topic. Partitions without a leader that answers are
// left out.
func (s *survey) list(ctx context.Context, topic string, ask func(context.Context, ...string) (kadm.ListedOffsets, error), into map[int32]int64) error {
	listed, err := ask(ctx, topic)
	if _, some := errors.AsType[*kadm.ShardErrors](err); some {
		s.unlisted = errors.Join(s.unlisted, err)
	} else if err != nil {
		return fmt.Errorf("listing offsets of %s: %w", topic, err)
	}
	listed.Each(func(o kadm.ListedOffset) {
		if o.Err == nil {
			into[o.Partition] = o.Offset
		} else {
			s.unlisted = errors.Join(s.unlisted, fmt.Errorf("partition %d: %w", o.Partition, o.Err))
		}
	})
	return nil
}

// prepare sets a partition up and gives the offset of the responses partition from
// which its ledger is to be read. An error means that nothing can be read: all from
// the committed offset on is delivered again.
func (p *Processor) prepare(part *partition, found survey, end int64) (int64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	part.n, part.letters = found.n, found.letters
	part.responses, part.source = found.responses, found.sources[part.topic]
	part.origin = topics.Origin{Cluster: p.cfg.Cluster, TopicID: topics.TopicID(part.source)}
	part.position, part.from = end, end
	part.done = nil
	if part.committed < 0 {
		return 0, errNoCheckpoint
	}
	log := p.log.With("topic", part.topic, "partition", part.id, "committed", part.committed)
	now := checkpoint{Cluster: p.cfg.Cluster, Source: part.source, Responses: part.responses, Partitions: part.n, Committed: part.committed}
	was, err := parseCheckpoint(part.metadata)
	if err == nil {
		err = was.check(now, end)
	}
	switch {
	case errors.Is(err, errNoCheckpoint):
		log.Info("offset without a checkpoint, all from here is delivered")
	case err != nil:
		log.Warn("checkpoint not usable, all from the committed offset is delivered again", "err", err)
	case was.From < found.start[part.id%found.n]:
		log.Warn("outcomes expired, what they stood for is delivered again", "from", was.From, "log_start", found.start[part.id%found.n])
	}
	if err == nil {
		part.from = was.From
	}
	return was.From, err
}

// activate begins the delivery of partitions whose ledger is read.
func (p *Processor) activate(parts []*partition, found survey, reads *ledgerReads) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.stillWrittenTo(found) {
		return errors.New("a topic was made anew meanwhile")
	}
	resume := make(map[string][]int32)
	for _, part := range parts {
		if part.phase != claiming {
			continue
		}
		part.phase, part.live = active, true
		part.done = reads.done(part)
		resume[part.topic] = append(resume[part.topic], part.id)
		if part.done != nil {
			p.log.Info("ledger read", "topic", part.topic, "partition", part.id, "done_up_to", part.done.top)
		}
	}
	p.client.ResumeFetchPartitions(resume)
	return nil
}

// pause waits for d or for the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

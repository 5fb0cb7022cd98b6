package processor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// claimBackoff is the pause before a claim that failed is tried again.
const claimBackoff = time.Second

// errNoCheckpoint is the ordinary reason not to read the ledger: a group that begins, or an
// operator's reset of its offsets, which means that all is to be delivered again.
var errNoCheckpoint = errors.New("the commit carries no checkpoint")

// claim is the takeover of partitions: their ledger is read, and a checkpoint is
// committed for those that have none, before the first call.
func (p *Processor) claim(parts []*partition) {
	p.awaitOwnCalls(parts)
	for p.life.Err() == nil {
		parts = p.book.stillClaiming(parts)
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
			p.troubles.claim.met(err, "partitions", len(p.book.stillClaiming(parts)))
		}
		pause(ctx, claimBackoff)
		cancel()
	}
}

// awaitOwnCalls waits, within the drain timeout, for calls that this process has in
// flight for a partition that it lost and now has again: so they are not made twice at
// once, and their outcomes are in the ledger when it is read.
func (p *Processor) awaitOwnCalls(parts []*partition) {
	timeout := time.NewTimer(p.cfg.DrainTimeout)
	defer timeout.Stop()
	for _, part := range parts {
		old := p.book.drainingAt(part.topicPartition)
		if old == nil {
			continue
		}
		select {
		case <-old.drained:
		case <-part.stop.Soft.Done():
		case <-timeout.C:
			return
		}
	}
}

// claimContext ends when the last of the partitions is released.
func (p *Processor) claimContext(parts []*partition) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(p.life)
	var open atomic.Int64
	open.Store(int64(len(parts)))
	unhook := make([]func() bool, len(parts))
	for i, part := range parts {
		unhook[i] = context.AfterFunc(part.stop.Soft, func() {
			if open.Add(-1) == 0 {
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

func (p *Processor) tryClaim(ctx context.Context, parts []*partition) error {
	if err := p.kafka.getProducerIDs(ctx); err != nil {
		return fmt.Errorf("getting a producer id: %w", err)
	}
	found, err := p.surveyResponses(ctx)
	if err == nil {
		err = p.topics.rememberTopics(found)
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
	var claims map[*partition]int64
	if p.onRecord != nil {
		at := func(part *partition) claimAt {
			return claimAt{origin: found.origin(part.topic), n: found.n, least: found.end[part.id%found.n]}
		}
		var err error
		if claims, err = p.writeClaims(ctx, parts, at); err != nil {
			return err
		}
	}
	var uncommitted []*partition
	reads := newLedgerReads(p.cfg.Group, p.cfg.Writer.Responses)
	reads.onRecord, reads.dedup = p.onRecord, p.cfg.Dedup
	for _, part := range parts {
		id := part.id % found.n
		end := found.end[id]
		if number, ok := claims[part]; ok {
			end = number + 1
		}
		from, err := p.book.prepare(part, found, end)
		if err != nil {
			uncommitted = append(uncommitted, part)
			from = end
		}
		reads.want(part, max(from, found.start[id]), end)
		if since, ok := found.since[id]; ok {
			reads.wantRepeats(part, since, end)
		}
	}
	bounded, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	if err := p.commitSafely(bounded, func() []*partition { return p.book.stillClaiming(uncommitted) }); err != nil {
		return fmt.Errorf("committing where the group begins: %w", err)
	}
	if err := reads.run(ctx, p.kafka.opts, p.log); err != nil {
		return fmt.Errorf("reading the ledger: %w", err)
	}
	if err := p.keys.sync(ctx); err != nil {
		return fmt.Errorf("reading the keys: %w", err)
	}
	if !p.book.activate(parts, reads, claims, func() bool { return p.topics.areThose(found.written) }) {
		return errors.New("a topic was recreated during the claim")
	}
	p.keys.tidy(parts)
	return nil
}

// prepare sets a partition up and gives the offset of the responses partition from
// which its ledger is to be read. An error means that nothing can be read: all from
// the committed offset on is delivered again.
func (b *book) prepare(part *partition, found survey, end int64) (int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	part.n, part.letters = found.n, found.letters
	part.responses, part.source = found.responses, found.sources[part.topic]
	part.origin = found.origin(part.topic)
	part.position, part.from = end, end
	part.settled, part.progress = nil, nil
	if part.committed < 0 {
		return 0, errNoCheckpoint
	}
	log := b.log.With("topic", part.topic, "partition", part.id, "committed", part.committed)
	now := checkpoint{Cluster: found.cluster, Source: part.source, Responses: part.responses, Partitions: part.n, Committed: part.committed}
	was, err := parseCheckpoint(part.metadata)
	if err == nil {
		err = was.check(now, end)
	}
	switch {
	case errors.Is(err, errNoCheckpoint):
		log.Info("no checkpoint in the committed metadata, delivering everything from this offset")
	case err != nil:
		log.Warn("checkpoint not usable, delivering everything from the committed offset again", "err", err)
	case was.From < found.start[part.id%found.n]:
		log.Warn("some outcomes have expired, their events will be delivered again", "from", was.From, "log_start", found.start[part.id%found.n])
	}
	if err == nil {
		part.from = was.From
	}
	return was.From, err
}

// activate begins the delivery of partitions whose ledger is read, if valid says yes: under the
// lock, so that the adoption of a recreated topic sees each partition either live or not begun.
func (b *book) activate(parts []*partition, reads *ledgerReads, claims map[*partition]int64, valid func() bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !valid() {
		return false
	}
	for _, part := range parts {
		if part.phase != claiming {
			continue
		}
		part.phase, part.live = active, true
		part.settled, part.progress = reads.done(part), reads.open(part)
		part.inherit(reads.joined(part))
		if part.repeats != nil {
			part.repeats.seen = reads.seen(part)
		}
		if number, ok := claims[part]; ok {
			part.claim = ledgerClaim{number: number, ready: make(chan struct{})}
			close(part.claim.ready)
		}
		if part.settled != nil {
			b.log.Info("ledger read", "topic", part.topic, "partition", part.id, "settled_up_to", part.settled.top, "in_progress", len(part.progress))
		}
		b.kafka.resumeFetching(part.topicPartition)
	}
	return true
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

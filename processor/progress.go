package processor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// ledgerClaim is the claim of a partition's share of the ledger under which the progress of
// its events is put on record. The zero ledgerClaim is of a pipeline that puts none there.
type ledgerClaim struct {
	// number is the offset of the record that made the claim, so of several claims the latest
	// has the highest.
	number int64
	// ready is closed when number holds.
	ready chan struct{}
}

// claimAt is what a claim of a partition is written by.
type claimAt struct {
	origin topics.Origin
	n      int32 // partitions of the responses topic
	least  int64 // where the record lies at the earliest
}

// writeClaims makes claims for partitions, and returns the offset of each one's record. Every
// earlier record of the partition lies before it.
func (p *Processor) writeClaims(ctx context.Context, parts []*partition, at func(*partition) claimAt) (map[*partition]int64, error) {
	bounded, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	group, bounded := errgroup.WithContext(bounded)
	offsets := make([]int64, len(parts))
	for i, part := range parts {
		group.Go(func() (err error) {
			offsets[i], err = p.writeClaim(bounded, part, at(part))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("claiming partitions on %s: %w", p.cfg.Writer.Responses, err)
	}
	made := make(map[*partition]int64, len(parts))
	for i, part := range parts {
		made[part] = offsets[i]
	}
	return made, nil
}

func (p *Processor) writeClaim(ctx context.Context, part *partition, at claimAt) (int64, error) {
	offset, err := acknowledged(ctx, p.kafka.writer.WriteClaim, topics.Entry{
		Source: &kgo.Record{Topic: part.topic, Partition: part.id, Offset: max(part.committed, 0), LeaderEpoch: -1},
		Origin: at.origin, Partitions: func() (int32, int32) { return at.n, 1 },
	})
	if err == nil && offset < at.least {
		return 0, errNotWritten
	}
	return offset, err
}

// acknowledged writes a record for the owners of its partition, and waits for the offset that it
// is acknowledged with.
func acknowledged(ctx context.Context, write func(context.Context, topics.Entry, func(int64, error)), e topics.Entry) (int64, error) {
	type written struct {
		offset int64
		err    error
	}
	done := make(chan written, 1)
	write(ctx, e, func(offset int64, err error) { done <- written{offset, err} })
	select { // the client may keep a record for long after the end of its context
	case w := <-done:
		return w.offset, w.err
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// errNotWritten is of a record that the broker takes for one that it has, since the client has
// begun to count its writes anew: it was acknowledged, and is not there.
var errNotWritten = errors.New("the broker acknowledged the record with the offset of an earlier one")

// eventLedger puts the progress of one event on record.
type eventLedger struct {
	p    *Processor
	lane *lane
	rec  *record
}

// ledgerFor is the ledger of a lane's first record, nil where nothing is put on record.
func (p *Processor) ledgerFor(l *lane, r *record) sink.Ledger {
	if p.onRecord == nil {
		return nil
	}
	return &eventLedger{p: p, lane: l, rec: r}
}

// Record implements sink.Ledger.
func (e *eventLedger) Record(ctx context.Context, progress sink.Progress) error {
	claim := e.p.book.claimOf(e.lane.part)
	select {
	case <-claim.ready:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	life := e.p.book.lifeOf(e.lane.part)
	claim = e.p.book.claimOf(e.lane.part)
	progress.Claim = claim.number
	for {
		offset, err := acknowledged(ctx, e.p.kafka.writer.WriteProgress, topics.Entry{
			Source: e.rec.Record, Origin: e.lane.part.origin, Lane: e.lane.key.value, Progress: &progress,
			Partitions: e.p.book.writtenTo(e.lane.part), MayWait: true, // with those of other lanes
		})
		if err != nil {
			return err
		}
		if offset > claim.number { // else see errNotWritten
			e.p.book.onRecord(e.rec, life)
			return nil
		}
	}
}

// Follow implements sink.Ledger. It tries again while the brokers do not answer.
func (e *eventLedger) Follow(ctx context.Context, since time.Time) error {
	for {
		bounded, cancel := context.WithTimeout(ctx, followTimeout)
		err := e.p.others.follow(bounded, since)
		cancel()
		if err == nil || ctx.Err() != nil {
			return err
		}
		e.p.log.Warn("reading what other processes have on record failed, trying again", "topic", e.p.cfg.Writer.Responses, "err", err)
		pause(ctx, claimBackoff)
	}
}

// followTimeout bounds one reading of what others have on record.
const followTimeout = time.Minute

// Holds implements sink.Ledger.
func (e *eventLedger) Holds() bool {
	b := e.p.book
	b.mu.Lock()
	defer b.mu.Unlock()
	return e.rec.life == e.lane.part.life
}

// onRecord notes in which life of its partition the progress of a record was put on record.
func (b *book) onRecord(r *record, life int32) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r.life = life
}

// claimOf is the claim of a partition as it is now.
func (b *book) claimOf(part *partition) ledgerClaim {
	b.mu.Lock()
	defer b.mu.Unlock()
	return part.claim
}

// lifeOf is the life of a partition as it is now.
func (b *book) lifeOf(part *partition) int32 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return part.life
}

// unclaim ends the partition's claim until it is made again, since the responses topic is another
// one now.
func (p *partition) unclaim() {
	if p.claim.holds() {
		p.claim = ledgerClaim{ready: make(chan struct{})}
	}
}

// holds reports whether there is a claim.
func (c ledgerClaim) holds() bool {
	select {
	case <-c.ready:
		return true
	default:
		return false // also where nothing is put on record
	}
}

// toReclaim are the live partitions whose claim has ended.
func (b *book) toReclaim() []*partition {
	return b.choose(func(part *partition) bool {
		return part.live && part.claim.ready != nil && !part.claim.holds()
	})
}

// reclaim claims partitions again, after their responses topic was recreated or lost its end.
func (p *Processor) reclaim(ctx context.Context) error {
	parts := p.book.toReclaim()
	if len(parts) == 0 {
		return nil
	}
	made, err := p.writeClaims(ctx, parts, p.book.claimedAgainAt)
	if err != nil {
		return err
	}
	p.book.claimed(made)
	return nil
}

// claimedAgainAt is what a partition is claimed again by.
func (b *book) claimedAgainAt(part *partition) claimAt {
	b.mu.Lock()
	defer b.mu.Unlock()
	return claimAt{origin: part.origin, n: part.n, least: part.from}
}

// claimed takes in the claims that were made.
func (b *book) claimed(made map[*partition]int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for part, number := range made {
		if !part.claim.holds() {
			part.claim.number = number
			close(part.claim.ready)
		}
	}
}

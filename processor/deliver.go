package processor

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/hold"
	"github.com/deskstream/deskstream/sink/keys"
	"github.com/deskstream/deskstream/sink/topics"
)

// dispatch starts the events of ready lanes, each when the destination's gate has a
// place for it. With priorities there is one for each of them.
func (p *Processor) dispatch(ctx context.Context) error {
	if p.cfg.Priorities == nil {
		return p.dispatchInTurn(ctx)
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, priority := range mapping.Priorities {
		group.Go(func() error { return p.dispatchOf(ctx, priority) })
	}
	return group.Wait()
}

// dispatchOf starts the events of ready lanes of a priority. Which lane goes is known when there is
// a place: until then another may have become the more urgent one.
func (p *Processor) dispatchOf(ctx context.Context, priority mapping.Priority) error {
	for {
		if !p.book.anyReady(priority) {
			select {
			case <-p.book.laneReady[priority.Rank()]:
				continue
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		pass, err := p.dest.Gate().EnterAs(ctx, priority)
		if err != nil {
			return err
		}
		var r *record
		l := p.book.next(priority)
		if l != nil {
			pass.For(l.key.value)
			r = p.book.start(l)
		}
		if r == nil {
			pass.Rest()
			continue
		}
		p.events.run(func() { p.deliver(l, r, pass) })
	}
}

// dispatchInTurn starts the events of ready lanes that are all alike.
func (p *Processor) dispatchInTurn(ctx context.Context) error {
	for {
		l, err := p.nextLane(ctx)
		if err != nil {
			return err
		}
		pass, err := p.dest.Gate().Enter(ctx, l.key.value)
		if err != nil {
			return err
		}
		r := p.book.start(l)
		if r == nil {
			pass.Rest()
			continue
		}
		p.events.run(func() { p.deliver(l, r, pass) })
	}
}

func (p *Processor) nextLane(ctx context.Context) (*lane, error) {
	for {
		if l := p.book.next(mapping.Normal); l != nil {
			return l, nil
		}
		select {
		case <-p.book.laneReady[mapping.Normal.Rank()]:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// deliver carries the first record of a lane to its outcome and hands that over to
// the writer; settled goes on when it is acknowledged. No goroutine waits for that.
func (p *Processor) deliver(l *lane, r *record, pass *hold.Pass) {
	s := p.dest.Session(pass, l.part.stop)
	s.Lane, s.Timestamp, s.Decoder, s.Reader, s.Call = l.key.value, r.Timestamp, r.decoder, l.part.reader, l.part.calls
	s.Ledger, s.Inherited, s.Repeat, s.Group = p.ledgerFor(l, r), r.progress, r.message.isRepeat(), p.groupOf(l, r)
	if s.Ledger != nil {
		s.Identity = func() string {
			at := topics.Place{Origin: l.part.origin, Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Epoch: r.LeaderEpoch}
			return at.Identity(p.cfg.Group)
		}
	}
	if l.part.desks != nil {
		s.Guard = guard{p.answers, l.part.desks}
	}
	named := p.keys.of(l, r)
	if named != nil {
		s.Keys = named
	}
	p.trace(s, l, r)
	l.session.Store(s)
	if p.cfg.Priorities != nil {
		s.Own(p.book.priorityOf(l)) // which may have grown since its turn
	}
	outcome, route := new(sink.Outcome), p.route.Load()
	err := route.DeliverInto(p.life, s, r.Value, outcome)
	l.session.Store(nil)
	if err != nil {
		p.book.interrupted(l, s.Progress())
		return
	}
	if n := s.Group.Apart(outcome); n > 0 {
		p.book.takeApart(l, n)
		return
	}
	outcome.Source = p.sourceOf(r, sink.Time{Time: s.SourceTime()})
	p.unknown.note(outcome)
	p.warned.note(outcome)
	p.deaths.note(outcome)
	progress := s.Progress()
	if progress != nil { // explain tells by it that another process had the event meanwhile
		progress.Claim = p.book.claimOf(l.part).number
	}
	attempts, first, last := s.Attempts()
	p.write(p.joinedWith(&settling{lane: l, rec: r, named: named, entry: topics.Entry{
		Source: r.Record, Origin: l.part.origin, Lane: l.key.value, Outcome: outcome,
		Progress: progress, Attempts: attempts, FirstAttempt: first, LastAttempt: last,
		MayWait: !p.book.nextIs(l), Partitions: p.book.writtenTo(l.part), ConfigHash: route.ConfigHash,
		Trace: r.trace(),
	}}, s.Group), 0)
}

// settling is the first record of a lane on its way to being settled.
type settling struct {
	*lane
	rec   *record
	named *keys.OfEvent // nil without keys
	entry topics.Entry
	then  *settling // the next record of the lane, which the same calls were for; nil for none
}

// maxRewrites is how often an outcome is written again that was acknowledged with the offset of
// an earlier record. A broker remembers the latest five batches of a producer, and takes what
// has the number of one of them for a repetition.
const maxRewrites = 6

// write writes the outcome of a lane's first record until it is certain to be on its topic.
func (p *Processor) write(s *settling, rewrites int) {
	p.kafka.writer.Write(p.life, s.entry, func(offset int64, err error) {
		if err == nil && rewrites < maxRewrites && p.book.isBehind(s.lane, s.rec, offset) {
			go p.write(s, rewrites+1) // a promise may not produce itself, kgo says
			return
		}
		p.settled(s, offset, err)
	})
}

// settled is called when the outcome of a lane's first record is acknowledged, at that offset of
// its responses partition.
func (p *Processor) settled(s *settling, offset int64, err error) {
	if err != nil {
		p.book.leftOpen(s.lane)
		return
	}
	if s.named != nil && len(s.named.Closed()) > 0 {
		go p.keys.settled(s) // a promise may not produce itself, kgo says
	}
	s.endTrace()
	if p.book.settle(s, offset) {
		p.topics.suspect(p.cfg.Writer.Responses, suspicion{behind: true})
	}
	if s.then != nil {
		go p.write(s.then, 0) // a promise may not produce itself, kgo says
	}
}

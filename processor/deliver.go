package processor

import (
	"context"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/hold"
	"github.com/deskstream/deskstream/sink/topics"
)

// dispatch starts the events of ready lanes, each when the destination's gate has a
// place for it.
func (p *Processor) dispatch(ctx context.Context) error {
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
		if l := p.book.next(); l != nil {
			return l, nil
		}
		select {
		case <-p.book.laneReady:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// deliver carries the first record of a lane to its outcome and hands that over to
// the writer; settled goes on when it is acknowledged. No goroutine waits for that.
func (p *Processor) deliver(l *lane, r *record, pass *hold.Pass) {
	s := p.dest.Session(pass, l.part.stop)
	s.Lane, s.Timestamp, s.Decoder = l.key.value, r.Timestamp, r.decoder
	s.Ledger, s.Inherited, s.Repeat = p.ledgerFor(l, r), r.progress, r.message.isRepeat()
	if s.Ledger != nil {
		s.Identity = func() string {
			at := topics.Place{Origin: l.part.origin, Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Epoch: r.LeaderEpoch}
			return at.Identity(p.cfg.Group)
		}
	}
	l.session.Store(s)
	outcome, err := p.route.Deliver(p.life, s, r.Value)
	l.session.Store(nil)
	if err != nil {
		p.book.interrupted(l, s.Progress())
		return
	}
	outcome.Source = &sink.Source{
		Group: p.cfg.Group, Topic: r.Topic, Partition: r.Partition, Offset: r.Offset,
		Timestamp: sink.Time{Time: s.SourceTime()},
	}
	p.unknown.note(&outcome)
	attempts, first, last := s.Attempts()
	p.write(l, r, &topics.Entry{
		Source: r.Record, Origin: l.part.origin, Lane: l.key.value, Outcome: &outcome,
		Progress: s.Progress(), Attempts: attempts, FirstAttempt: first, LastAttempt: last,
		MayWait: !p.book.nextIs(l), Partitions: p.book.writtenTo(l.part),
	}, 0)
}

// maxRewrites is how often an outcome is written again that was acknowledged with the offset of
// an earlier record. A broker remembers the latest five batches of a producer, and takes what
// has the number of one of them for a repetition.
const maxRewrites = 6

// write writes the outcome of a lane's first record until it is certain to be on its topic.
func (p *Processor) write(l *lane, r *record, e *topics.Entry, rewrites int) {
	p.kafka.writer.Write(p.life, *e, func(offset int64, err error) {
		if err == nil && rewrites < maxRewrites && p.book.isBehind(l, r, offset) {
			go p.write(l, r, e, rewrites+1) // a promise may not produce itself, kgo says
			return
		}
		p.settled(l, e.Outcome, offset, err)
	})
}

// settled is called when the outcome of a lane's first record is acknowledged, at that offset of
// its responses partition.
func (p *Processor) settled(l *lane, o *sink.Outcome, offset int64, err error) {
	if err != nil {
		p.book.leftOpen(l)
		return
	}
	if p.book.settle(l, o, offset) {
		p.topics.suspect(p.cfg.Writer.Responses, suspicion{behind: true})
	}
}

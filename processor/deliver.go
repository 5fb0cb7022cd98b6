package processor

import (
	"context"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// started is an event that has its place: the first record of a lane.
type started struct {
	lane   *lane
	record *record
	pass   *sink.Pass
}

// dispatch starts the events of ready lanes, each when the destination's gate has a
// place for it. A goroutine that has delivered one takes the next: its stack has grown
// to what a delivery needs, and growing it anew each time is dear. No more of them wait for
// the next than there are places: after trouble there are as many as there were lanes in it.
func (p *Processor) dispatch(ctx context.Context) error {
	next, idle := make(chan started), make(chan struct{}, p.dest.MaxInFlight)
	defer close(next)
	for {
		l, err := p.nextLane(ctx)
		if err != nil {
			return err
		}
		pass, err := p.dest.Gate().Enter(ctx, l.key.value)
		if err != nil {
			return err
		}
		r := p.start(l)
		if r == nil {
			pass.Rest()
			continue
		}
		ev := started{l, r, pass}
		select {
		case next <- ev: // to one that waits
		default:
			p.events.Go(func() { p.deliverAll(ev, next, idle) })
		}
	}
}

// deliverAll delivers one event, and then the next until there are none or enough others
// wait for them.
func (p *Processor) deliverAll(ev started, next <-chan started, idle chan struct{}) {
	for ok := true; ok; {
		p.deliver(ev)
		select {
		case idle <- struct{}{}:
		default:
			return
		}
		ev, ok = <-next
		<-idle
	}
}

func (p *Processor) nextLane(ctx context.Context) (*lane, error) {
	for {
		p.mu.Lock()
		l := p.ready.pop()
		if !p.ready.enough() {
			signal(p.freed)
		}
		p.mu.Unlock()
		if l != nil {
			return l, nil
		}
		select {
		case <-p.readied:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// start counts the lane's first record as in flight; nil when its partition was taken
// away while it waited for its place.
func (p *Processor) start(l *lane) *record {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.part.phase != active {
		return nil
	}
	l.part.inFlight++
	l.inAir = true
	return l.head
}

// deliver carries the first record of a lane to its outcome and hands that over to
// the writer; settled goes on when it is acknowledged. No goroutine waits for that.
func (p *Processor) deliver(ev started) {
	l, r := ev.lane, ev.record
	s := p.dest.Session(ev.pass, l.part.stop)
	s.Lane, s.Timestamp, s.Decoder = l.key.value, r.Timestamp, r.decoder
	l.session.Store(s)
	outcome, err := p.route.Deliver(p.life, s, r.Value)
	l.session.Store(nil)
	if err != nil {
		p.interrupted(l)
		return
	}
	outcome.Source = &sink.Source{
		Group: p.cfg.Group, Topic: r.Topic, Partition: r.Partition, Offset: r.Offset,
		Timestamp: sink.Time{Time: s.SourceTime()},
	}
	p.unknown.note(&outcome)
	attempts, first, last := s.Attempts()
	p.writer.Write(p.life, topics.Entry{
		Source: r.Record, Origin: l.part.origin, Lane: l.key.value, Outcome: &outcome,
		Attempts: attempts, FirstAttempt: first, LastAttempt: last,
		MayWait: !p.nextIs(l), Partitions: p.writtenTo(l.part),
	}, func(offset int64, err error) { p.settled(l, r, &outcome, offset, err) })
}

// nextIs reports whether the record behind a lane's first would be the next to start if the
// first were settled now.
func (p *Processor) nextIs(l *lane) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ready.nextIs(l)
}

// interrupted puts an event back that was left without a verdict. Its record is open
// as before; its lane goes on only if the partition is still delivered, which is not
// so when the interruption was a stop.
func (p *Processor) interrupted(l *lane) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.landed(l.part)
	l.inAir = false
	if l.part.phase == active {
		p.ready.push(l)
		signal(p.readied)
	}
}

// settled is told that a record's outcome is acknowledged, at that offset of its
// responses partition: the record is done, and the lane's next one may start.
func (p *Processor) settled(l *lane, r *record, o *sink.Outcome, offset int64, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	part := l.part
	p.landed(part)
	l.inAir = false
	if err != nil || part.phase == gone {
		return // given up, and counted as that when the partition went
	}
	if offset >= 0 && offset < r.position {
		p.doubtLocked(p.cfg.Writer.Responses, doubt{behind: true})
	}
	part.position = max(part.position, offset+1)
	part.unlink(r)
	p.open--
	p.bytes -= r.bytes
	p.counts.settled(o)
	p.metrics.reasons.settled(o)
	switch {
	case !l.pop():
		p.lanes--
		delete(part.lanes, l.key)
	case part.phase == active:
		p.ready.push(l)
		signal(p.readied)
	}
	p.resumeAtSpan(part)
	signal(p.freed)
}

// landed takes an event out of the air. Whoever waits for the last one is told.
func (p *Processor) landed(part *partition) {
	part.inFlight--
	if part.inFlight > 0 || part.phase < draining {
		return
	}
	part.allLanded()
	if p.left[part.topicPartition] == part {
		delete(p.left, part.topicPartition)
	}
}

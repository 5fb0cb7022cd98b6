package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// send carries one letter to its end, or leaves it open.
func (r *redelivery) send(c *candidate) {
	key, inLane := c.laneKey()
	r.mu.Lock()
	stuck := inLane && r.stuck[key]
	r.mu.Unlock()
	switch {
	case r.ctx.Err() != nil:
		r.count(func(t *tallyOfLetters) { t.interrupted++ })
	case stuck:
		r.count(func(t *tallyOfLetters) { t.behind++ })
	case !r.trySend(c) && inLane:
		r.mu.Lock()
		r.stuck[key] = true
		r.mu.Unlock()
	}
}

// trySend reports whether the letters of the user behind this one may be sent. The letter has
// a place of its destination from the beginning: while that is on hold it waits.
func (r *redelivery) trySend(c *candidate) bool {
	pass, err := r.rehearsal.ways[c.destination].dest.Gate().Enter(r.ctx, c.lane)
	if err != nil {
		return r.stopped(c, err)
	}
	planned, goesOn, err := r.rehearse(c)
	if err == nil && planned != nil {
		err = r.settle(r.ctx, c, letters.Sending)
	}
	if err != nil || planned == nil {
		pass.Done()
	}
	switch {
	case err != nil:
		return r.stopped(c, err)
	case planned == nil:
		return goesOn
	}
	return r.sendPlanned(c, pass, planned)
}

// sendPlanned is trySend for a letter that is what it was planned to be.
func (r *redelivery) sendPlanned(c *candidate, pass *sink.Pass, planned *sink.Session) bool {
	entry, err := r.deliver(c, pass, planned)
	if err != nil {
		return r.stopped(c, err)
	}
	o := entry.Outcome
	if o.Error != nil && o.Error.Class == sink.Exhausted {
		r.tell(c, "the help desk kept failing, the letter stays open: "+reasonOf(o))
		r.fail(func(t *tallyOfLetters) { t.exhausted++ })
		return false
	}
	if err := r.record(c, entry); err != nil {
		return r.stopped(c, err)
	}
	switch o.Outcome {
	case sink.Delivered:
		r.count(func(t *tallyOfLetters) { t.delivered++ })
	case sink.Skipped:
		r.count(func(t *tallyOfLetters) { t.skipped++ })
	default:
		r.tell(c, "it died again: "+reasonOf(o))
		r.fail(func(t *tallyOfLetters) { t.died++ })
	}
	return true
}

// rehearse plans the letter again. It gives the session of that when the letter is what
// it was planned to be. Otherwise it says why not, and goesOn whether the letters of the
// user behind it may be sent.
func (r *redelivery) rehearse(c *candidate) (planned *sink.Session, goesOn bool, err error) {
	p := r.planned[c.letter.ID]
	mapped, err := r.rehearsal.play(r.ctx, c, r.rehearsal.session(r.ctx, c, sink.PlanOffline))
	if err != nil {
		return nil, false, err
	}
	if digestOf(&mapped) != p.Mapped {
		return nil, r.changed(c), nil
	}
	now, err := patiently(r.ctx, func(*sink.Outcome) {}, func() (sink.Outcome, error) {
		planned = r.rehearsal.session(r.ctx, c, sink.PlanWithLookup)
		return r.play(c, planned)
	})
	switch {
	case err != nil:
		return nil, false, err
	case unanswered(&now) && p.Verdict == letters.Behind:
		return planned, true, nil // the delivery asks again, and gives up by itself
	case unanswered(&now):
		r.tell(c, "the help desk answers no lookups, the letter stays open: "+reasonOf(&now))
		r.fail(func(t *tallyOfLetters) { t.exhausted++ })
		return nil, false, nil
	case now.Outcome == sink.Dead:
		r.tell(c, "it would die again: "+reasonOf(&now))
		r.count(func(t *tallyOfLetters) { t.dead++ })
		return nil, true, nil
	case p.Verdict != letters.Behind && digestOf(&now) != p.Result:
		return nil, r.changed(c), nil
	}
	return planned, true, nil
}

// changed leaves a letter open that is not what it was planned to be, and those of its
// user behind it.
func (r *redelivery) changed(c *candidate) (goesOn bool) {
	r.tell(c, "what would be sent is no longer what was planned: plan again")
	r.count(func(t *tallyOfLetters) { t.changed++ })
	return false
}

// play plans a letter for what it gives now. One behind another of its user gives what
// that one has made of it: the ids of what was found or made are those of deliveries.
func (r *redelivery) play(c *candidate, s *sink.Session) (sink.Outcome, error) {
	if r.planned[c.letter.ID].Verdict != letters.Behind {
		return r.rehearsal.play(r.ctx, c, s)
	}
	return r.rehearsal.ways[c.destination].route.Deliver(r.ctx, s, c.rec.Value)
}

// deliver makes the calls. A stop lets a write in flight get its answer. What the planned
// session has just looked up is not looked up again.
func (r *redelivery) deliver(c *candidate, pass *sink.Pass, planned *sink.Session) (topics.Entry, error) {
	p := r.rehearsal.ways[c.destination]
	s := p.dest.Session(pass, sink.Stop{Soft: r.ctx, Hard: r.ctx, Await: r.held.members[c.destination].Await})
	s.Lane, s.Timestamp, s.Round, s.Decoder = c.lane, c.original.Timestamp, c.round, c.decoder
	s.Reuse(planned)
	defer r.watch(s)()
	o, err := p.route.Deliver(context.WithoutCancel(r.ctx), s, c.rec.Value)
	planned.Forget()
	if err != nil {
		return topics.Entry{}, err
	}
	src := c.original
	o.Source = &sink.Source{
		Group: c.group, Topic: src.Topic, Partition: src.Partition, Offset: src.Offset, Timestamp: sink.Time{Time: s.SourceTime()},
	}
	attempts, first, last := s.Attempts()
	return topics.Entry{
		Source: src, Origin: r.originOf(c), Lane: c.lane, Outcome: &o, Attempts: attempts, FirstAttempt: first, LastAttempt: last, Plan: r.plan.ID,
		Partitions: func() (responses, deadLetters int32) {
			return r.found[r.box.cfg.Responses.Topic].partitions, r.found[r.box.cfg.DeadLetters.Topic].partitions
		},
	}, nil
}

// watch has progress look at what a session waits for, until what it gives back is called.
func (r *redelivery) watch(s *sink.Session) (end func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open[s] = true
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.open, s)
	}
}

// recordGrace is how long what was sent may take to be recorded once the run stops.
const recordGrace = 30 * time.Second

// record writes the outcome, its letter if it died again, and the state.
func (r *redelivery) record(c *candidate, e topics.Entry) error {
	ctx, cancel := graceful(r.ctx, recordGrace)
	defer cancel()
	written := make(chan error, 1)
	r.writers[c.destination].Write(ctx, e, func(_ int64, err error) { written <- err })
	if err := <-written; err != nil {
		return fmt.Errorf("writing the outcome of letter %s: %w", c.letter.ID, err)
	}
	status := letters.Status(e.Outcome.Outcome)
	if err := r.settle(ctx, c, status); err != nil {
		return err
	}
	return r.settleTwins(ctx, c, status)
}

// settleTwins gives the other letters of the same record what became of this one.
func (r *redelivery) settleTwins(ctx context.Context, c *candidate, status letters.Status) error {
	for _, twin := range r.twins[c.letter.ID] {
		same := *twin
		same.round = c.round // of the outcome that they share
		if err := r.settle(ctx, &same, status); err != nil {
			return err
		}
		r.count(func(t *tallyOfLetters) { t.twins++ })
	}
	return nil
}

// graceful is a context that ends a while after ctx.
func graceful(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	unhook := context.AfterFunc(ctx, func() {
		time.AfterFunc(grace, func() { cancel(errors.New("what was sent could not be recorded in time")) })
	})
	return longer, func() {
		unhook()
		cancel(nil)
	}
}

// settle writes what became of a letter and waits for the acknowledgement.
func (r *redelivery) settle(ctx context.Context, c *candidate, status letters.Status) error {
	s := letters.State{
		ID: c.letter.ID, Status: status, At: time.Now().UTC(), Round: c.round, Plan: r.plan.ID,
		Destination: c.destination, Source: &letters.Place{
			Topic: c.original.Topic, Partition: c.original.Partition, Offset: c.original.Offset, Timestamp: c.original.Timestamp,
		},
		Cluster: r.originOf(c).Cluster, TopicID: r.originOf(c).TopicID.String(),
	}
	if status == letters.Died {
		at := c.source().Place
		at.Origin = r.originOf(c)
		s.Next = topics.LetterID(at, c.destination, c.round)
	}
	return r.box.writeState(ctx, r.client, s)
}

// originOf is what the letter says of its source's topic. A letter that names no cluster counts
// as one of this cluster.
func (r *redelivery) originOf(c *candidate) topics.Origin {
	origin := c.source().Origin
	origin.Cluster = cmp.Or(origin.Cluster, r.box.cluster)
	return origin
}

func (b *letterBox) writeState(ctx context.Context, client *kgo.Client, s letters.State) error {
	rec, err := s.Record(b.stateTopic, b.statePartitions)
	if err != nil {
		return err
	}
	if err := client.ProduceSync(ctx, rec).FirstErr(); err != nil {
		return fmt.Errorf("writing the state of letter %s to %s: %w", s.ID, b.stateTopic, err)
	}
	return nil
}

package redrive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/hold"
	"github.com/deskstream/deskstream/sink/topics"
)

// send sends one letter, or leaves it open.
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

// trySend sends a letter and reports whether later letters of its user may be sent. It takes
// a place of the destination first, so it waits while the destination is on hold.
func (r *redelivery) trySend(c *candidate) bool {
	pass, err := r.rehearsal.ways[c.destination].Destination.Gate().Enter(r.ctx, c.lane)
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

// sendPlanned is trySend for a letter that does what was planned.
func (r *redelivery) sendPlanned(c *candidate, pass *hold.Pass, planned *sink.Session) bool {
	entry, err := r.deliver(c, pass, planned)
	if err != nil {
		return r.stopped(c, err)
	}
	o := entry.Outcome
	defer func() { entry.Trace.Settled(o.Traced()) }()
	if o.Error != nil && o.Error.Class == sink.Exhausted {
		if err := r.keep(c, entry.Progress); err != nil {
			return r.stopped(c, err)
		}
		r.report(c, "the help desk kept failing, the letter stays open: "+ReasonOf(o))
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
		r.report(c, "it died again: "+ReasonOf(o))
		r.fail(func(t *tallyOfLetters) { t.died++ })
	}
	return true
}

// rehearse plans the letter again. It returns the session if the letter does what was
// planned. Otherwise it notes why not, and goesOn reports whether later letters of the user
// may be sent.
func (r *redelivery) rehearse(c *candidate) (planned *sink.Session, goesOn bool, err error) {
	p := c.planned
	mapped, _, err := r.rehearsal.playOffline(r.ctx, c)
	if err != nil {
		return nil, false, err
	}
	if digestOf(&mapped) != p.Mapped {
		return nil, r.changed(c), nil
	}
	now, err := patiently(r.ctx, func(*sink.Outcome) {}, func() (sink.Outcome, error) {
		planned = r.rehearsal.session(r.ctx, c)
		return r.play(c, planned)
	})
	switch {
	case err != nil:
		return nil, false, err
	case unanswered(&now) && p.Verdict == letters.Behind:
		return planned, true, nil // the delivery repeats the lookup within its own limits
	case unanswered(&now):
		r.report(c, "the help desk answers no lookups, the letter stays open: "+ReasonOf(&now))
		r.fail(func(t *tallyOfLetters) { t.exhausted++ })
		return nil, false, nil
	case now.Outcome == sink.Dead:
		r.report(c, "it would die again: "+ReasonOf(&now))
		r.count(func(t *tallyOfLetters) { t.dead++ })
		return nil, true, nil
	case p.Verdict == letters.Behind || digestOf(&now) == p.Result:
		return planned, true, nil
	}
	as, err := r.asPlanned(c)
	if err != nil || as {
		return planned, true, err
	}
	return nil, r.changed(c), nil
}

// asPlanned reports whether the letter does what was planned but for the steps that an
// interrupted apply of the plan has done since.
func (r *redelivery) asPlanned(c *candidate) (bool, error) {
	if c.interrupted == nil {
		return false, nil
	}
	before := *c
	before.interrupted, before.unwritten = nil, true
	now, err := r.play(&before, r.rehearsal.session(r.ctx, &before))
	return err == nil && digestOf(&now) == c.planned.Result, err
}

// changed leaves a letter open that does not do what was planned, and later ones of its user.
func (r *redelivery) changed(c *candidate) (goesOn bool) {
	r.report(c, "what would be sent is no longer what was planned: plan again")
	r.count(func(t *tallyOfLetters) { t.changed++ })
	return false
}

// play plans a letter as it is now. One after another letter of its user uses the ids that
// deliveries have found or created.
func (r *redelivery) play(c *candidate, s *sink.Session) (sink.Outcome, error) {
	if c.planned.Verdict != letters.Behind {
		return r.rehearsal.play(r.ctx, c, s)
	}
	return r.rehearsal.ways[c.destination].Route.Deliver(r.ctx, s, c.rec.Value)
}

// deliver makes the calls. A stop lets a write in flight complete. Answers to the planned
// session's lookups are used again.
func (r *redelivery) deliver(c *candidate, pass *hold.Pass, planned *sink.Session) (topics.Entry, error) {
	p := r.rehearsal.ways[c.destination]
	s := p.Destination.Session(pass, sink.Stop{Soft: r.ctx, Hard: r.ctx, Await: r.held.members[c.destination].Await})
	s.Lane, s.Timestamp, s.Round, s.Reader, s.Decoder = c.lane, c.original.Timestamp, c.round, c.reader, c.decoder
	s.Ledger, s.Inherited, s.Identity, s.Call = r.ledgerFor(c), c.inherited(), c.identity, c.call
	if c.named = r.namedBy(c); c.named != nil {
		s.Keys = c.named
	}
	s.Reuse(planned)
	s.Trace = r.beginTrace(c)
	defer r.watch(s)()
	o, err := p.Route.Deliver(context.WithoutCancel(r.ctx), s, c.rec.Value)
	planned.Forget()
	if err != nil {
		s.Trace.Released()
		return topics.Entry{}, errors.Join(err, r.keep(c, s.Progress()))
	}
	src, at := c.original, s.SourceTime()
	if !c.letter.Own() {
		at = c.recordTime() // another letter of the record, which knows its time, must find the outcome
	}
	o.Source = &sink.Source{
		Group: c.group, Topic: src.Topic, Partition: src.Partition, Offset: src.Offset, Timestamp: sink.Time{Time: at},
	}
	attempts, first, last := s.Attempts()
	e := r.entry(c)
	e.Outcome, e.Progress, e.Attempts, e.FirstAttempt, e.LastAttempt = &o, s.Progress(), attempts, first, last
	e.Trace = s.Trace
	return e, nil
}

// entry is what all records of a letter's delivery have in common.
func (r *redelivery) entry(c *candidate) topics.Entry {
	return topics.Entry{
		Source: c.original, Origin: r.box.originOf(c), Lane: c.lane, Plan: r.plan.ID, ConfigHash: r.rehearsal.ways[c.destination].Route.ConfigHash,
		Partitions: func() (responses, deadLetters int32) {
			return r.found[r.box.Config.Responses.Topic].Partitions, r.found[r.box.Config.DeadLetters.Topic].Partitions
		},
	}
}

// watch makes progress show what a session waits for, until end is called.
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

// recordGrace is how long the records of a call may take after the run was stopped.
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
	if err := r.removeKeys(ctx, c); err != nil {
		return err
	}
	status := letters.Status(e.Outcome.Outcome)
	if err := r.settle(ctx, c, status); err != nil {
		return err
	}
	return r.settleTwins(ctx, c, status)
}

// settleTwins gives the other letters of the same record the status of this one.
func (r *redelivery) settleTwins(ctx context.Context, c *candidate, status letters.Status) error {
	for _, twin := range r.twins[c] {
		same := *twin
		same.round = c.round // of the outcome that they share
		if err := r.settle(ctx, &same, status); err != nil {
			return err
		}
		r.count(func(t *tallyOfLetters) { t.twins++ })
	}
	return nil
}

// graceful returns a context that ends grace after ctx.
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

// settle writes the state of a letter and waits for the acknowledgement.
func (r *redelivery) settle(ctx context.Context, c *candidate, status letters.Status) error {
	s := r.box.newState(c, status)
	s.Round, s.Plan = c.round, r.plan.ID
	if status == letters.Died {
		at := c.source().Place
		at.Origin = r.box.originOf(c)
		s.Next = topics.LetterID(at, c.destination, c.round)
	}
	return r.box.writeState(ctx, r.client, s)
}

// newState returns a state of a letter with all that is known of its source record.
func (b *redriver) newState(c *candidate, status letters.Status) letters.State {
	origin := b.originOf(c)
	return letters.State{
		ID: c.letter.ID, Status: status, At: time.Now().UTC(), Destination: c.destination,
		Source: &letters.Place{
			Topic: c.original.Topic, Partition: c.original.Partition, Offset: c.original.Offset, Timestamp: c.recordTime(),
		},
		Cluster: origin.Cluster, TopicID: origin.TopicID.String(), Epoch: c.letter.Source.Epoch,
		LetterTopicID: topics.TopicID(b.TopicID).String(),
	}
}

// originOf returns the ids of the letter's source topic. A letter without a cluster id counts
// as one of this cluster.
func (b *redriver) originOf(c *candidate) topics.Origin {
	origin := c.source().Origin
	origin.Cluster = cmp.Or(origin.Cluster, b.Cluster)
	return origin
}

func (b *redriver) writeState(ctx context.Context, client *kgo.Client, s letters.State) error {
	rec, err := s.Record(b.StateTopic, b.StatePartitions)
	if err != nil {
		return err
	}
	if err := client.ProduceSync(ctx, rec).FirstErr(); err != nil {
		return fmt.Errorf("writing the state of letter %s to %s: %w", s.ID, b.StateTopic, err)
	}
	return nil
}

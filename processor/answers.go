package processor

import (
	"cmp"
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/echoes"
	"github.com/deskstream/deskstream/sink/topics"
)

const (
	// mostAnswers is how many events of a ticket a rule answers within echoes.Window.
	mostAnswers = 3
	// echoWait is how long an event waits for the outcome of the write that it may come from, see
	// firstQuestion.asked, and echoLook the pause between two looks for it.
	echoWait = 5 * time.Second
	echoLook = 500 * time.Millisecond
	// openWait is how long an event waits for what becomes of a write that was announced, and that it
	// may come from. Clocks of processes may differ by echoWait.
	openWait = echoes.Window
)

// answers has what the guards of a pipeline know. That is what lies on the responses topic, which is read
// when an event asks: so all processes know the same, also after a restart, and where no rule takes an
// event of a help desk nothing is read.
type answers struct {
	group   string
	ownUser func(ctx context.Context, destination string) string
	log     *slog.Logger
	known   *echoes.Log
	topic   string
	// readUp reads what is on record by now and was not before a moment, see others.follow.
	readUp func(ctx context.Context, since time.Time) error

	mu    sync.Mutex
	since time.Time       // what is on record from then on is read
	loops map[string]bool // rules of which a loop was logged
}

// newAnswers makes the guard of a pipeline, nil where nothing is read that help desks send.
func newAnswers(p *Processor) *answers {
	if p.cfg.Inbound.Topic == "" {
		return nil
	}
	a := &answers{group: p.cfg.Group, ownUser: p.cfg.OwnUser, log: p.log, known: echoes.New(), topic: p.cfg.Writer.Responses, loops: make(map[string]bool)}
	a.readUp = newOthers(p, a.takes()).follow
	return a
}

// takes takes in what records say.
func (a *answers) takes() func(*kgo.Record) {
	var entries topics.EntryReader
	return func(r *kgo.Record) {
		e, ok := entries.Read(r)
		if !ok || e.Outcome == topics.Claimed {
			return
		}
		trail := topics.ParseTrail(r)
		a.wrote(r, &e, &trail)
		if e.Group != a.group {
			return
		}
		if trail.Echoes != "" {
			a.known.Explained(trail.Echoes, trail.Event)
		}
		if by := trail.Answered; by != nil {
			a.known.Answered(by.Rule, by.To, e.String(), by.At.Time)
		}
	}
}

// wrote takes in what a record says of an event's writes: those that took effect, and the one that may
// have been sent. What took effect did so when it was announced, however late it is on record.
func (a *answers) wrote(r *kgo.Record, e *topics.LedgerEntry, trail *topics.Trail) {
	event := topics.EventRef(e)
	seen := make(map[string]int)
	for _, w := range trail.Writes {
		if len(w.Types) == 0 {
			continue
		}
		n := w.Types[0] + "/" + w.ID
		a.known.Wrote(e.Destination, w.ID, echoes.Write{
			ID: topics.WriteRef(event, w, seen[n]), Types: w.Types, Label: w.Label, Comment: w.Comment, At: a.known.Since(event, w.Types, r.Timestamp),
		})
		seen[n]++
	}
	a.known.Settled(event)
	if next := trail.Next; next != nil && e.Outcome == topics.InProgress {
		for _, w := range next.Echoes {
			a.known.Announced(event, e.Destination, w.ID, echoes.Write{Types: w.Types, Label: w.Label, At: r.Timestamp})
		}
	}
}

// guard is the sink.Guard of a partition.
type guard struct {
	*answers
	first *firstQuestion
}

// firstQuestion is when one of a partition's events was asked about first since the partition was taken
// over. Its zero value is a partition of which none was.
type firstQuestion struct {
	mu sync.Mutex
	at time.Time
}

// asked returns since when the outcome of a write that an event may come from is waited for: when its
// record was written or, where that is later, the first question of its partition. Who wrote may have been
// killed together with the partition's owner, and then puts it on record when it starts again.
func (f *firstQuestion) asked(received time.Time) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if f.at.IsZero() {
		f.at = now
	}
	switch {
	case received.IsZero(), received.After(now): // by another clock
		return now
	case received.Before(f.at):
		return f.at
	}
	return received
}

// MayAnswer implements sink.Guard.
func (a guard) MayAnswer(ctx context.Context, q sink.Question) (skip mapping.Skip, echo string, err error) {
	if !q.Own {
		switch a.byUser(ctx, q.Event) {
		case ours:
			return mapping.Own, "", nil
		case unknown:
			if echo, err = a.explained(ctx, q); echo != "" || err != nil {
				return mapping.Own, echo, err
			}
		case somebodyElse:
		}
	}
	if err := a.follow(ctx, q.At.Time); err != nil {
		return "", "", err
	}
	if a.known.Answers(q.Rule, q.To, q.At.Time) >= mostAnswers {
		a.noteLoop(q.Rule)
		return mapping.Loop, "", nil
	}
	return "", "", nil
}

// whose is who caused an event.
type whose uint8

const (
	unknown whose = iota
	ours
	somebodyElse
)

// byUser says who caused an event, as far as it names its user and ours is known.
func (a *answers) byUser(ctx context.Context, ev mapping.Event) whose {
	actor := ev.Body.Get("actor")
	id, kind := actor.Get("id").Text(), actor.Get("type").Str()
	switch {
	case kind == "contact":
		return somebodyElse
	case id == "" || a.ownUser == nil:
		return unknown
	}
	switch user := a.ownUser(ctx, ev.Body.Get("destination").Str()); {
	case user == "":
		return unknown
	case user == id, strings.Contains(user, "@") && ev.Body.Get("user", "id").Text() == id && strings.EqualFold(user, ev.Body.Get("user", "email").Str()):
		return ours
	case kind != "user":
		return unknown
	}
	return somebodyElse
}

// echoOf is the event that a question is about, as writes explain it.
func echoOf(q sink.Question) echoes.Event {
	body := q.Event.Body
	return echoes.Event{
		Destination: body.Get("destination").Str(), ID: cmp.Or(body.Get("ticket", "id").Text(), body.Get("contact", "id").Text()),
		Type: q.Event.Type, Label: body.Get("label", "id").Text(), Comment: body.Get("comment", "id").Text(),
		Digest: sink.DigestOf(q.Event.ID()), At: q.At.Time,
	}
}

// explained returns the write of ours that an event comes from, "" if there is none. It waits for one
// that is not on record yet, and longer for one that was announced and of which nobody knows what became.
func (a guard) explained(ctx context.Context, q sink.Question) (write string, err error) {
	ev, asked := echoOf(q), a.first.asked(q.Received)
	announced := q.Received.Add(echoWait) // of what is announced later it does not come
	if q.Received.IsZero() {
		announced = asked
	}
	for {
		if err := a.follow(ctx, q.At.Time); err != nil {
			return "", err
		}
		if write, ok := a.known.Explain(ev); ok {
			return write, nil
		}
		left := time.Until(asked.Add(echoWait))
		switch {
		case left > 0:
		case time.Since(asked) < openWait && a.known.MayExplain(ev, announced):
			left = echoLook
		default:
			return "", nil
		}
		pause(ctx, min(left, echoLook))
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
	}
}

// follow reads what is on record by now and may matter to an event of a moment. It tries again while
// the brokers do not answer.
func (a *answers) follow(ctx context.Context, at time.Time) error {
	from := at.Add(-echoes.Window)
	a.mu.Lock()
	if a.since.IsZero() || from.Before(a.since) {
		a.since = from.Add(-echoes.Window) // others are a little earlier
	}
	since := a.since
	a.mu.Unlock()
	for {
		bounded, cancel := context.WithTimeout(ctx, followTimeout)
		err := a.readUp(bounded, since)
		cancel()
		if err == nil || ctx.Err() != nil {
			return err
		}
		a.log.Warn("reading what was written to help desks failed, trying again", "topic", a.topic, "err", err)
		pause(ctx, claimBackoff)
	}
}

// noteLoop logs once of each rule that it runs in a loop.
func (a *answers) noteLoop(rule string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.loops[rule] {
		a.loops[rule] = true
		a.log.Warn("rule answers the events of one ticket again and again, further ones are skipped as loop", "rule", rule, "most", mostAnswers, "within", echoes.Window.String())
	}
}

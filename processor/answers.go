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
	// echoWait is how long an event waits for the outcome of the write that it may come from, counted
	// from its record's timestamp, and echoLook the pause between two looks for it.
	echoWait = 5 * time.Second
	echoLook = 500 * time.Millisecond
)

// answers is the sink.Guard of a pipeline. What it knows is what lies on the responses topic, which it
// reads when an event asks: so all processes know the same, also after a restart, and where no rule
// takes an event of a help desk nothing is read.
type answers struct {
	group   string
	ownUser func(ctx context.Context, destination string) string
	log     *slog.Logger
	known   *echoes.Log
	others  *others

	mu    sync.Mutex
	since time.Time       // what is on record from then on is read
	loops map[string]bool // rules of which a loop was logged
}

// newAnswers makes the guard of a pipeline, nil where nothing is read that help desks send.
func newAnswers(p *Processor) *answers {
	if p.cfg.Inbound.Topic == "" {
		return nil
	}
	a := &answers{group: p.cfg.Group, ownUser: p.cfg.OwnUser, log: p.log, known: echoes.New(), loops: make(map[string]bool)}
	a.others = newOthers(p, a.takes())
	return a
}

// takes takes in what records say.
func (a *answers) takes() func(*kgo.Record) {
	var entries topics.EntryReader
	return func(r *kgo.Record) {
		trail, ok := topics.ParseTrail(r)
		if !ok {
			return
		}
		e, ok := entries.Read(r)
		if !ok {
			return
		}
		seen := make(map[string]int)
		for _, w := range trail.Writes {
			if len(w.Types) == 0 {
				continue
			}
			n := w.Types[0] + "/" + w.ID
			a.known.Wrote(e.Destination, w.ID, echoes.Write{ID: topics.WriteRef(&e, w, seen[n]), Types: w.Types, Label: w.Label, At: r.Timestamp})
			seen[n]++
		}
		if e.Group != a.group {
			return
		}
		if trail.Echoes != "" {
			a.known.Explained(trail.Echoes)
		}
		if by := trail.Answered; by != nil {
			a.known.Answered(by.Rule, by.To, e.String(), by.At.Time)
		}
	}
}

// MayAnswer implements sink.Guard.
func (a *answers) MayAnswer(ctx context.Context, q sink.Question) (skip mapping.Skip, echo string, err error) {
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
		Type: q.Event.Type, Label: body.Get("label", "id").Text(), At: q.At.Time,
	}
}

// explained returns the write of ours that an event comes from, "" if there is none. It waits for one
// that is not on record yet.
func (a *answers) explained(ctx context.Context, q sink.Question) (write string, err error) {
	ev := echoOf(q)
	now := time.Now()
	until := now.Add(echoWait)
	if received := q.Received.Add(echoWait); !q.Received.IsZero() && received.Before(until) {
		until = received
	}
	for {
		if err := a.follow(ctx, q.At.Time); err != nil {
			return "", err
		}
		if write, ok := a.known.Explain(ev); ok {
			return write, nil
		}
		left := time.Until(until)
		if left <= 0 {
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
		err := a.others.follow(bounded, since)
		cancel()
		if err == nil || ctx.Err() != nil {
			return err
		}
		a.log.Warn("reading what was written to help desks failed, trying again", "topic", a.others.topic, "err", err)
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

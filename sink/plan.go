package sink

import (
	"context"
	"net/http"
	"time"
)

// Plan says what a session does instead of delivering.
type Plan uint8

// The ways of planning.
const (
	Live           Plan = iota // deliver
	PlanWithLookup             // make lookups, send no write
	PlanOffline                // make no call at all: every lookup finds nothing
)

// looks are the lookups of one planned event.
type looks struct {
	answers *Answers
	asked   []string           // their URLs, whoever asked the desk
	own     map[string]finding // the answers that this session got itself, by URL
}

// finding is the answer to a lookup, and its entry in the list of calls.
type finding struct {
	reply  Reply
	record CallRecord
	at     time.Time
}

// PlanSession is a session that sends no write. It makes one attempt at a lookup,
// and takes no place of the Gate for it. Answers, if not nil, spare it the lookups that
// other sessions have made.
func (d *Destination) PlanSession(ctx context.Context, plan Plan, answers *Answers) *Session {
	return &Session{
		dest: d, stop: Stop{Soft: ctx, Hard: ctx}, plan: plan,
		looks: &looks{answers: answers, own: make(map[string]finding)},
	}
}

// doPlanned makes no write. Offline, a lookup gets the status that means "nothing
// there" for its call, or an empty list.
func (s *Session) doPlanned(ctx context.Context, r *request, record int) (Reply, error) {
	if err := s.mayGoOn(ctx); err != nil {
		s.dropUnused(record)
		return Reply{}, err
	}
	if r.Lookup {
		s.looks.asked = append(s.looks.asked, r.url)
	}
	if !r.Lookup || s.plan == PlanOffline {
		return plannedReply(r.Call), nil
	}
	ask := func() (Reply, error) { return s.askPlanned(ctx, r, record) }
	if s.looks.answers == nil {
		return ask()
	}
	return s.looks.answers.get(ctx, r.url, ask)
}

// askPlanned makes one attempt at a lookup.
func (s *Session) askPlanned(ctx context.Context, r *request, record int) (Reply, error) {
	if err := s.spend(ctx); err != nil {
		return Reply{}, err
	}
	reply, j, err := s.attempt(ctx, r, record)
	if err != nil {
		return Reply{}, err
	}
	if j == nil && len(s.calls) == record+1 { // nothing was redirected
		s.looks.own[r.url] = finding{reply: reply, record: s.calls[record], at: time.Now()}
	}
	for i := record; i < len(s.calls); i++ { // the call, and where redirects led
		s.calls[i].forget()
	}
	if j == nil {
		return reply, nil
	}
	class := Rejected
	if j.verdict != refusedForGood {
		class = Exhausted
	}
	return Reply{}, s.failure(r.Call, *j, class)
}

// Asked are the URLs of the lookups that a planned event needed, whoever asked the desk.
func (s *Session) Asked() []string { return s.looks.asked }

// Forget has the Answers of a planned session forget what its event asked for: the event
// is delivered, which may change what a lookup finds.
func (s *Session) Forget() { s.looks.answers.drop(s.looks.asked) }

// findingsLast is how long an answer stands for the one that a delivery would get.
const findingsLast = 10 * time.Second

// Reuse spares a session the lookups that the planned session of the same event has just
// made itself: they are in its outcome as if they were its own.
func (s *Session) Reuse(planned *Session) { s.looks = planned.looks }

// reused is the answer that the planned session got to a lookup, once.
func (s *Session) reused(url string, record int) (Reply, bool) {
	f, ok := s.looks.own[url]
	if !ok || time.Since(f.at) >= findingsLast {
		return Reply{}, false
	}
	delete(s.looks.own, url) // an event that looks again wants to know what is there now
	s.calls[record] = f.record
	s.last = f.at
	if s.started.IsZero() {
		s.started = f.at
	}
	return f.reply, true
}

func plannedReply(call Call) Reply {
	reply := Reply{Planned: true}
	if call.Lookup {
		reply.Status, reply.Body = http.StatusOK, []byte(`{"data":[]}`)
		if call.answers(http.StatusNotFound) {
			reply.Status, reply.Body = http.StatusNotFound, nil
		}
	}
	return reply
}

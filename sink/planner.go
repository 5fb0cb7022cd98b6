package sink

import (
	"context"
	"net/http"
	"slices"
	"time"
)

// Plan is what a session does instead of delivering.
type Plan uint8

// The ways of planning.
const (
	Live           Plan = iota // deliver
	PlanWithLookup             // make lookups, send no write
	PlanOffline                // make no call at all: every lookup finds nothing
)

// planner is the Doer of a plan. It sends no write, and makes one attempt at a lookup.
type planner struct {
	sender
	offline bool
	looks   *looks
}

// looks are the lookups of one planned event.
type looks struct {
	answers *Answers
	given   Given              // nil for none
	asked   []string           // their URLs, whoever asked the desk
	own     map[string]finding // the responses that this session got itself, by URL
}

// finding is the response to a lookup, and its entry in the list of calls.
type finding struct {
	reply  Reply
	record CallRecord
	at     time.Time
}

// findingsLast is how long a response stands for the one that a delivery would get.
const findingsLast = 10 * time.Second

// wouldKnow reports whether a run would know what a URL answers, which a plan does not ask: the event,
// or an earlier one of the same Answers, would have read it.
func (l *looks) wouldKnow(url string) bool {
	return slices.Contains(l.asked, url) || l.answers != nil && l.answers.planned(url)
}

// take is the finding of a URL, once: an event that looks again wants to know what is
// there now.
func (l *looks) take(url string) (finding, bool) {
	f, ok := l.own[url]
	if !ok || time.Since(f.at) >= findingsLast {
		return finding{}, false
	}
	delete(l.own, url)
	return f, true
}

// PlanSession is a session that sends no write. It makes one attempt at a lookup,
// and takes no place of the Gate for it. Answers, if not nil, spare it the lookups that
// other sessions have made.
func (d *Destination) PlanSession(ctx context.Context, plan Plan, answers *Answers) *Session {
	p := &planner{offline: plan == PlanOffline, looks: &looks{answers: answers, own: make(map[string]finding)}}
	p.dest, p.stop = d, Stop{Soft: ctx, Hard: ctx}
	p.turns = p
	return &Session{sender: &p.sender, doer: p, looks: p.looks}
}

// Look calls look with a Doer that makes lookups and sends no write, for what is no event.
func (d *Destination) Look(ctx context.Context, look func(context.Context, Doer) error) error {
	s := d.PlanSession(ctx, PlanWithLookup, nil)
	s.begin(ctx)
	defer s.doer.done()
	return look(ctx, s.doer)
}

// Asked are the URLs of the lookups that a planned event needed, whoever asked the desk.
func (s *Session) Asked() []string { return s.looks.asked }

// Forget has the Answers of a planned session forget what its event asked for: the event
// is delivered, which may change what a lookup finds.
func (s *Session) Forget() { s.looks.answers.drop(s.looks.asked) }

// Reuse spares a session the lookups that the planned session of the same event has just
// made itself: they are in its outcome as if they were its own.
func (s *Session) Reuse(planned *Session) { s.looks = planned.looks }

// takeTurn waits for the rate budget. A plan has nothing to leave open, so it waits for a limit
// that is used up.
func (s *planner) takeTurn(ctx context.Context) error { return s.spend(ctx, 0) }

func (s *planner) plans() bool { return true }

func (s *planner) done() {}

func (s *planner) putBack(context.Context, *Outcome) (bool, error) { return false, nil }

// Await makes it a Doer.
func (s *planner) Await(ctx context.Context, done <-chan struct{}) error {
	return s.await(ctx, done, s.dest.longestWait())
}

// CountFailure makes it a Doer: a plan does not wait, so its event is exhausted at once.
func (s *planner) CountFailure(_ context.Context, call Call, reply Reply) error {
	return s.failure(call, judgeAnswer(call, reply), Exhausted)
}

// Reject makes it a Doer.
func (s *planner) Reject(call Call, reply Reply) error {
	return s.failure(call, judgeAnswer(call, reply), Rejected)
}

// Do makes it a Doer. Offline, a lookup gets the status that means "nothing there" for its
// call, or an empty list.
func (s *planner) Do(ctx context.Context, call Call) (Reply, error) {
	if call.Plan != nil {
		call.Body = *call.Plan
	}
	request := s.dest.client.request(&call)
	record := s.open(&request, s.dest.redaction())
	if err := s.mayGoOn(ctx); err != nil {
		s.dropUnused(record)
		return Reply{}, err
	}
	if reply, given, err := s.answer(call, request.url); given {
		return reply, err
	}
	if s.offline && call.Shared && s.looks.wouldKnow(request.url) {
		s.dropUnused(record)
		return plannedReply(call), nil
	}
	if call.Lookup {
		s.looks.asked = append(s.looks.asked, request.url)
	}
	if !call.Lookup || s.offline {
		return plannedReply(call), nil
	}
	ask := func() (Reply, error) { return s.ask(ctx, &request, record) }
	if s.looks.answers == nil {
		return ask()
	}
	return s.looks.answers.get(ctx, request.url, ask)
}

// Once makes it a Doer. For the effect of a write that was announced it looks once.
func (s *planner) Once(ctx context.Context, e Effect) (Effected, error) {
	if done, ok := s.already(e.Step); ok {
		return done, nil
	}
	if next := s.progress.Next; next != nil && next.Step == e.Step && !e.Blind {
		seen, err := e.Find(ctx, next.Mark)
		if err != nil {
			return Effected{}, err
		}
		if seen.IDs != nil {
			s.steps = append(s.steps, StepInfo{Name: e.Step, State: StepAdopted})
			return Effected{IDs: seen.IDs, State: StepAdopted}, nil
		}
	}
	reply, err := s.Do(ctx, e.Call)
	s.wouldDo(e.Step, reply)
	return Effected{Reply: reply}, err
}

// wouldDo lists a step that a delivery would bring about.
func (s *planner) wouldDo(step string, reply Reply) {
	if reply.Planned {
		s.steps = append(s.steps, StepInfo{Name: step, State: StepPlanned})
	}
}

// ask makes one attempt at a lookup.
func (s *planner) ask(ctx context.Context, r *request, record int) (Reply, error) {
	if err := s.takeTurn(ctx); err != nil {
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
	return Reply{}, s.failure(r.Call, *j, classOf(*j))
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

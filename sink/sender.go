package sink

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/deskstream/deskstream/sink/budget"
	"github.com/deskstream/deskstream/sink/hold"
	"github.com/deskstream/deskstream/sink/traces"
)

// sender makes single attempts at the calls of one event.
type sender struct {
	recorder
	waiter

	dest *Destination
	// turns is the Doer that this sender is a part of.
	turns     turns
	timestamp time.Time // of the record, of several the earliest
	several   bool      // it is for several events
	group     *Group    // of the event, nil for none
	eventSteps
	reference
	keys     Keys         // nil for none
	alone    bool         // the event is of no lane
	grant    budget.Grant // of the latest request, or of the next one
	granted  bool         // it is of the next one
	shared   bool         // the next one is a Shared call
	answered time.Time    // when the latest request ended
	answer   *Reply       // to the latest attempt at a call that is the event itself
	parent   traces.Parent
}

// turns waits until the next request may be made.
type turns interface {
	takeTurn(ctx context.Context) error
}

// mayGoOn returns why the event may make no further call.
func (s *sender) mayGoOn(ctx context.Context) error {
	if s.over(ctx) {
		return ErrInterrupted
	}
	if !s.wrote && !s.behind && !s.onRecord && s.dest.tooOld(s.timestamp) {
		return &Failure{Stage: StageMap, Class: Expired, Code: TooOld, Message: "the record is older than delivery.max_age"}
	}
	return nil
}

// alsoFor takes in that the calls are for another record too.
func (s *sender) alsoFor(timestamp time.Time) {
	s.several = true
	if s.timestamp.IsZero() || !timestamp.IsZero() && timestamp.Before(s.timestamp) {
		s.timestamp = timestamp
	}
}

// attempt makes one attempt, follows its redirects and judges the last response: no
// judgement is an accepted one. A redirect is a call like any other: it waits for its turn.
func (s *sender) attempt(ctx context.Context, r *request, record int) (Reply, *judgement, error) {
	credential := s.dest.Credential.Reveal()
	r.target = r.url
	for redirects := 0; ; redirects++ {
		reply, fault, err := s.request(ctx, r, record)
		if err != nil {
			return Reply{}, nil, err
		}
		next, ok := "", false
		if r.Lookup && redirects < maxRedirects {
			next, ok = ownRedirect(r.target, reply)
		}
		if !ok {
			return reply, s.judge(r, reply, fault, credential), nil
		}
		if err := s.turns.takeTurn(ctx); err != nil {
			return Reply{}, nil, err
		}
		r.target, record = next, s.redirected(record, next, s.dest.redaction())
	}
}

// judge is the judgement of an attempt, nil for an accepted one. It is a function of
// its own, so that its copies are not on the stack of those who wait.
func (s *sender) judge(r *request, reply Reply, fault error, credential string) *judgement {
	j := judge(r.Call, reply, fault, s.answered)
	if j.verdict == accepted {
		return nil
	}
	s.dest.latest.Store(&failure{j.code, j.at})
	failed := j
	failed.outdated = j.verdict == denied && credential != s.dest.Credential.Reveal()
	return &failed
}

// spend waits for the rate budget, for longest at most unless that is 0.
func (s *sender) spend(ctx context.Context, longest time.Duration) error {
	if s.granted {
		return nil
	}
	grant, ok := s.dest.budget.Take()
	if !ok && s.shared {
		grant, ok = s.dest.budget.TakeReserved()
	}
	if ok {
		s.grant, s.granted = grant, true
		return nil
	}
	s.awaitsBudget()
	began := time.Now()
	defer func() { s.dest.waited.Add(int64(time.Since(began))) }()
	return s.wait(ctx, func(ctx context.Context) (err error) {
		s.grant, err = s.dest.budget.Wait(ctx, longest)
		s.granted = err == nil
		if late, ok := errors.AsType[*budget.TooLongError](err); ok {
			return &hold.Error{Why: "its " + late.Error()}
		}
		return err
	})
}

// awaitsBudget notes that the next call waits for the rate budget.
func (s *sender) awaitsBudget() {
	s.does(awaitsBudget)
	if until := s.dest.budget.UsedUpNews(time.Now()); !until.IsZero() {
		s.dest.log.Warn("rate limit used up, calls wait", "until", until.UTC())
	}
}

// request makes one request and records it. fault is a *transportError for a request
// without a response, or nil. The error is ErrInterrupted.
func (s *sender) request(ctx context.Context, r *request, record int) (_ Reply, fault, err error) {
	began := time.Now()
	s.granted = false
	s.begin(began)
	s.does(calls)
	traced := s.trace.Call(r.Op, r.Lookup, s.calls[record].Attempts+1)
	if s.dest.TraceCalls {
		r.parent = cmp.Or(traced.Names(), s.parent)
	}
	reply, fault := s.send(ctx, r)
	s.answered = time.Now()
	traced.Ended(s.answered, reply.Status, faultCode(fault), r.answers(reply.Status))
	took := s.answered.Sub(began)
	s.record(record, &reply, took, s.dest.redaction())
	if s.calls[record].Attempts > 1 {
		s.dest.retries.Add(1)
	}
	if r.Own {
		answer := reply
		s.answer = &answer
	}
	if fault != nil {
		if _, ok := errors.AsType[*transportError](fault); !ok {
			return Reply{}, nil, ErrInterrupted
		}
	}
	if s.dest.OnCall != nil {
		s.dest.OnCall(Attempt{Op: r.Op, Status: reply.Status, Took: took, TraceID: s.trace.ID()})
	}
	s.dest.budget.Learn(s.grant, reply.Status, reply.Header, s.answered)
	return reply, fault, nil
}

// faultCode is the code of a request without a response, "" for none.
func faultCode(fault error) string {
	if fault == nil {
		return ""
	}
	if known, ok := errors.AsType[*transportError](fault); ok {
		return string(known.code)
	}
	return "interrupted"
}

// send makes the request. A lookup is cut short by a stop, since nothing is lost with
// it; a write is left to get its response.
func (s *sender) send(ctx context.Context, r *request) (Reply, error) {
	if r.Lookup {
		var cancel context.CancelFunc
		ctx, cancel = s.patient(ctx)
		defer cancel()
	}
	return s.dest.client.do(ctx, r)
}

// failure is the *Failure of a call that was judged.
func (s *sender) failure(call Call, j judgement, class Class) *Failure {
	return &Failure{
		Stage: call.stage(), Class: class, Code: j.code, Status: j.status,
		Message: j.message, Detail: cut(s.dest.redaction().answers.text(j.detail), maxDetail),
	}
}

// maxDetail limits, in bytes, what is taken of a help desk's own text.
const maxDetail = 300

// judgeAnswer judges a response as if the call did not expect it.
func judgeAnswer(call Call, reply Reply) judgement {
	call.Answers = nil
	j := judge(call, reply, nil, time.Now())
	if reply.OK() {
		j.code, j.message = BadAnswer, answered(reply.Status)+", but without what the event needs"
	}
	return j
}

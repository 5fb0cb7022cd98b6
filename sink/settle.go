package sink

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

type trialKey struct {
	op  string
	how verdict
}

// settle takes in a judgement other than accepted: the error that ends the event, or
// nil when the call is to be made again, the back-off being over.
func (s *Session) settle(ctx context.Context, c *Call, judged *judgement) error {
	call, j := *c, *judged
	s.warn(call, j)
	switch {
	case j.verdict == refusedForGood:
		s.passed(call)
		return s.failure(call, j, Rejected)
	case j.holds():
		// A 403 that is the event's own fault opens no hold, and is no evidence against others.
		if j.status == http.StatusForbidden && s.tried(call, j).convicts(s.others(call)) {
			return s.failure(call, j, Rejected)
		}
		s.pass.Hold(holdReason(j), j.wait)
		return nil
	case j.limited():
		return s.settleLimited(ctx, j)
	}
	return s.settlePassing(ctx, call, j)
}

// warn logs a failed attempt that will be made again, when it fails otherwise than the
// one before. What holds the destination is logged once, by the hold.
func (s *Session) warn(call Call, j judgement) {
	if j.verdict == refusedForGood || j.holds() || s.warned == j.code {
		return
	}
	s.warned = j.code
	s.dest.log.Warn("call failed, it is made again", "op", call.Op, "code", j.code, "failures", s.failures+1)
}

// settleLimited waits for the limit of one object. Alone nothing but this ends with
// Retry.MaxElapsed: it is no failure, and no hold of the Gate's.
func (s *Session) settleLimited(ctx context.Context, j judgement) error {
	if s.limited++; s.limitedAt.IsZero() {
		s.limitedAt = j.at
	}
	s.pass.Limited(j.wait)
	most := s.dest.Retry.MaxElapsed
	if s.dest.Alone && most > 0 && j.at.Add(j.wait).Sub(s.limitedAt) >= most {
		return ErrHeld
	}
	return s.backOff(ctx, s.limited, j)
}

func (s *Session) settlePassing(ctx context.Context, call Call, j judgement) error {
	s.wrote = s.wrote || !call.Lookup && j.mayHaveActed
	if s.failures == 0 {
		s.first, s.held = j.at, s.dest.gate.HeldFor()
	}
	s.failures++
	trial := s.tried(call, j)
	s.pass.Failed(j.wait)
	if j.unanswered && call.Unrepeatable && s.dest.UnknownIsDead {
		return s.failure(call, j, Unknown)
	}
	elapsed := j.at.Sub(s.first) - (s.dest.gate.HeldFor() - s.held)
	spent := s.dest.Retry.spent(s.failures, elapsed)
	if spent && (s.dest.Alone || trial.convicts(s.others(call))) {
		return s.failure(call, j, Exhausted)
	}
	if err := s.backOff(ctx, s.failures, j); err != nil {
		return err
	}
	if spent && trial.convicts(s.others(call)) { // others passed meanwhile
		return s.failure(call, j, Exhausted)
	}
	return nil
}

// backOff waits before the call is made again, after the n-th failure of its kind.
func (s *Session) backOff(ctx context.Context, n int, j judgement) error {
	s.does(backsOff)
	ctx, cancel := s.patient(ctx)
	defer cancel()
	if err := sleep(ctx, s.dest.Retry.delay(n, j.wait)); err != nil {
		return ErrInterrupted
	}
	return nil
}

// tried takes a failure in as evidence: 403 and passing failures are separate cases.
func (s *Session) tried(call Call, j judgement) *trial {
	if s.trials == nil {
		s.trials = make(map[trialKey]*trial)
	}
	key := trialKey{call.Op, j.verdict}
	t := s.trials[key]
	if t == nil {
		t = &trial{}
		s.trials[key] = t
	}
	t.fail(s.others(call))
	return t
}

// ownCalls is how many of an event's calls have passed at an Op, of which it has few.
type ownCalls struct {
	op string
	n  uint64
}

// ownAt is the entry of an Op, made if there is none.
func (s *Session) ownAt(op string) *ownCalls {
	for i := range s.own {
		if s.own[i].op == op {
			return &s.own[i]
		}
	}
	s.own = append(s.own, ownCalls{op: op})
	return &s.own[len(s.own)-1]
}

// others is how many calls of other events have passed at the call's Op.
func (s *Session) others(call Call) uint64 {
	return s.dest.evidence.count(call.Op) - s.ownAt(call.Op).n
}

// passed reports a call that the API accepted or judged.
func (s *Session) passed(call Call) {
	s.limitedAt = time.Time{}
	s.ownAt(call.Op).n++
	s.dest.evidence.note(call.Op)
	s.pass.Passed(!call.Lookup)
}

func (s *Session) failure(call Call, j judgement, class Class) *Failure {
	stage := StageRequest
	if call.Lookup {
		stage = StageLookup
	}
	return &Failure{
		Stage: stage, Class: class, Code: j.code, Status: j.status,
		Message: j.message, Detail: cut(s.dest.redaction().answers.text(j.detail), maxDetail),
	}
}

// maxDetail bounds, in bytes, what is taken of a help desk's own text.
const maxDetail = 300

func holdReason(j judgement) string {
	if j.verdict == unreachable {
		return "refused"
	}
	return "http_" + strconv.Itoa(j.status)
}

package sink

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink/hold"
)

// retrier is the Doer of a delivery: it makes a call until it passes or the event is dead
// of it.
type retrier struct {
	sender
	proof
	urgency

	pass  *hold.Pass
	looks *looks // of the planned session of the same event; else nil

	ledger Ledger // nil: nothing is put on record before the outcome

	warned    mapping.Code // of the failure that was logged last
	saidAlone bool         // that no other lane waits for the breaker's hold to end
	failures  int
	patiently int           // failures of calls that are patient
	first     time.Time     // of the failures
	held      time.Duration // in holds before the first failure
	limited   int           // responses that were a limit of one object
	limitedAt time.Time     // of the first since a call passed
}

func (s *retrier) plans() bool { return false }

// done gives the place back after the event's last call.
func (s *retrier) done() { s.pass.Done() }

// Await makes it a Doer. What the event has done goes on record first, so that a stop need not
// wait with it.
func (s *retrier) Await(ctx context.Context, done <-chan struct{}) error {
	if err := s.catchUp(ctx, nil); err != nil {
		return err
	}
	s.pass.Rest()
	return s.await(ctx, done, s.dest.longestWait())
}

// Do makes it a Doer.
func (s *retrier) Do(ctx context.Context, call Call) (Reply, error) {
	reply, _, err := s.call(ctx, call, nil)
	return reply, err
}

// call makes a call until it passes, or its effect is found instead.
func (s *retrier) call(ctx context.Context, call Call, o *once) (Reply, Effected, error) {
	if err := s.catchUp(ctx, o); err != nil {
		return Reply{}, Effected{}, err
	}
	s.shared = call.Shared
	request := s.dest.client.request(&call)
	record := s.open(&request, s.dest.redaction())
	if s.looks != nil && call.Lookup {
		if reply, ok := s.reused(request.url, record); ok {
			return reply, Effected{}, nil
		}
	}
	for {
		if err := s.recordGroup(ctx, call); err != nil {
			s.dropUnused(record)
			return Reply{}, Effected{}, err
		}
		if ready, err := s.mayCall(ctx, o); err != nil {
			s.dropUnused(record)
			return Reply{}, Effected{}, err
		} else if !ready {
			continue
		}
		if o != nil {
			o.sent = true
		}
		reply, j, err := s.attempt(ctx, &request, record)
		if err != nil {
			return Reply{}, Effected{}, err
		}
		if j == nil {
			s.wrote = s.wrote || !call.Lookup && !call.recorded && reply.OK()
			if reply.OK() {
				s.echo(call, &reply)
			}
			s.passed(call)
			return reply, Effected{}, nil
		}
		if call.Optional && !reply.OK() && (j.refused() || j.status == http.StatusForbidden) {
			return reply, Effected{}, nil
		}
		if j.outdated {
			continue // it says nothing about the credential that the next one has
		}
		s.failed(j.code)
		if found, err := s.goOn(ctx, request.Call, *j, o); err != nil || found.State != "" {
			return Reply{}, found, err
		}
	}
}

// mayCall waits until the call may go out. It reports false when too much time has passed
// meanwhile: then it has to wait again. A write that is announced keeps what the rate budget
// has granted it.
func (s *retrier) mayCall(ctx context.Context, o *once) (bool, error) {
	if o == nil {
		s.granted = false
		err := s.takeTurn(ctx)
		return err == nil, err
	}
	if err := s.takeTurn(ctx); err != nil {
		return false, err
	}
	return o.announce(ctx)
}

// goOn takes in a judgement other than accepted. It returns when the call is to be made again,
// with the call's effect where that is found, or with the error that ends the event.
func (s *retrier) goOn(ctx context.Context, call Call, j judgement, o *once) (Effected, error) {
	ended := s.answered
	fate := s.settle(ctx, call, j)
	if o != nil && !j.unanswered && (!j.mayHaveActed || o.effect.Blind) {
		o.withdraw()
		o.sent = false
	}
	if o == nil || !o.unsure(j) {
		return Effected{}, fate
	}
	if _, dead := errors.AsType[*Failure](fate); fate != nil && !dead {
		return Effected{}, fate
	}
	found, err := o.look(ctx, o.announced, ended)
	if err != nil || found.State != "" {
		return found, err
	}
	return Effected{}, fate
}

// catchUp puts on record what is not, or not any more. The announcement of a write does so
// by itself.
func (s *retrier) catchUp(ctx context.Context, o *once) error {
	if s.ledger == nil || o != nil || !s.behind && (!s.progress.Exists() || s.ledger.Holds()) {
		return nil
	}
	err := s.putOnRecord(ctx)
	s.behind = s.behind && err != nil
	return err
}

// putOnRecord puts the event's progress on record.
func (s *retrier) putOnRecord(ctx context.Context) error {
	s.does(awaitsRecord)
	return s.wait(ctx, func(ctx context.Context) error { return s.ledger.Record(ctx, s.progress) })
}

// reused is the response that the planned session got to a lookup, once.
func (s *retrier) reused(url string, record int) (Reply, bool) {
	f, ok := s.looks.take(url)
	if !ok {
		return Reply{}, false
	}
	s.calls[record] = f.record
	s.begin(f.at)
	return f.reply, true
}

// CountFailure makes it a Doer.
func (s *retrier) CountFailure(ctx context.Context, call Call, reply Reply) error {
	j := judgeAnswer(call, reply)
	j.verdict = passing
	s.failed(j.code)
	return s.settle(ctx, call, j)
}

// Reject makes it a Doer.
func (s *retrier) Reject(call Call, reply Reply) error {
	return s.failure(call, judgeAnswer(call, reply), Rejected)
}

// takeTurn waits for the event's place and the rate budget, and checks that it may still
// call.
func (s *retrier) takeTurn(ctx context.Context) error {
	for ready := false; !ready; {
		if err := s.mayGoOn(ctx); err != nil {
			return err
		}
		take := s.takePlace
		if s.dest.budget.IsPrioritised() {
			take = s.takePlaceAndCall
		}
		if err := take(ctx); err != nil {
			return err
		}
		if s.stop.Await != nil {
			s.does(awaitsGroup)
			if err := s.wait(ctx, s.stop.Await); err != nil {
				return err
			}
		}
		ready = s.pass.MayCall() // a hold may have begun meanwhile
	}
	return s.mayGoOn(ctx) // it may have waited long
}

// takePlace waits for the event's place, then for the rate budget. What the budget granted before
// a hold is not kept: all who wait would make their calls at once when the hold ends.
func (s *retrier) takePlace(ctx context.Context) error {
	if !s.pass.MayCall() {
		s.granted = false
		s.pass.Rest()
		s.does(awaitsPlace)
		if err := s.wait(ctx, s.pass.Return); err != nil {
			return err
		}
	}
	return s.spend(ctx, s.dest.longestWait())
}

// settle takes in a judgement other than accepted: the error that ends the event, or
// nil when the call is to be made again, the back-off being over.
func (s *retrier) settle(ctx context.Context, call Call, j judgement) error {
	s.warn(call, j)
	switch {
	case j.verdict == refusedForGood:
		s.passed(call)
		return s.failure(call, j, Rejected)
	case j.holds():
		// A 403 that is the event's own fault opens no hold, and is no evidence against others.
		if j.status == http.StatusForbidden && !call.Patient && s.tried(call, j, s.others(call)).enoughEvidence(s.others(call)) {
			return s.failure(call, j, Rejected)
		}
		s.pass.Hold(holdReason(j), j.wait)
		return nil
	case j.limited():
		return s.settleLimited(ctx, j)
	case call.Own && j.code == BadAnswer:
		s.pass.Limited(0) // it says nothing about the destination
		return s.failure(call, j, badAnswerOf(call))
	}
	return s.settlePassing(ctx, call, j)
}

// warn logs a failed attempt that will be made again, when it fails otherwise than the
// one before. What holds the destination is logged once, by the hold.
func (s *retrier) warn(call Call, j judgement) {
	if j.verdict == refusedForGood || j.holds() || s.warned == j.code {
		return
	}
	s.warned = j.code
	s.dest.log.Warn("call failed, retrying", "op", call.Op, "code", j.code, "failures", s.failures+1)
}

// tooLong reports whether the event has to wait for longer than its caller does.
func (s *retrier) tooLong(wait time.Duration) bool {
	longest := s.dest.longestWait()
	return longest > 0 && wait >= longest
}

// askedTooLong is the error of an event that the help desk asks to come back too late.
func askedTooLong(j judgement) *hold.Error {
	return &hold.Error{Why: string(j.code) + " asks to wait until " + momentText(j.at.Add(j.wait))}
}

// momentText is a moment for people.
func momentText(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// settleLimited waits for the limit of one object. It is no failure, and no hold of the
// Gate's, so it is the one that looks how long it may last.
func (s *retrier) settleLimited(ctx context.Context, j judgement) error {
	if s.limited++; s.limitedAt.IsZero() {
		s.limitedAt = j.at
	}
	s.pass.Limited(j.wait)
	if s.tooLong(j.at.Sub(s.limitedAt) + j.wait) {
		return askedTooLong(j)
	}
	return s.backOff(ctx, s.limited, j)
}

func (s *retrier) settlePassing(ctx context.Context, call Call, j judgement) error {
	if call.Patient && !s.dest.Alone {
		s.pass.Failed(j.wait)
		s.patiently++
		return s.backOff(ctx, s.patiently, j)
	}
	s.wrote = s.wrote || !call.Lookup && j.mayHaveActed && !call.recorded
	if s.failures == 0 {
		s.first, s.held = j.at, s.dest.gate.HeldFor()
	}
	s.failures++
	trial := s.tried(call, j, s.others(call))
	s.pass.Failed(j.wait)
	if j.unanswered && call.Unrepeatable && (call.Own || call.blind || s.dest.Unknown == UnknownDies) {
		return s.failure(call, j, Unknown)
	}
	elapsed := j.at.Sub(s.first) - (s.dest.gate.HeldFor() - s.held)
	spent := s.dest.Retry.spent(s.failures, elapsed)
	if spent && (s.dest.Alone || trial.enoughEvidence(s.others(call))) {
		return s.failure(call, j, Exhausted)
	}
	if j.wait > 0 && s.tooLong(elapsed+j.wait) {
		return askedTooLong(j) // a later response may be another one: the event need not die
	}
	if err := s.backOff(ctx, s.failures, j); err != nil {
		return err
	}
	if spent && trial.enoughEvidence(s.others(call)) { // others passed meanwhile
		return s.failure(call, j, Exhausted)
	}
	return nil
}

// backOff waits before the call is made again, after n similar failures.
func (s *retrier) backOff(ctx context.Context, n int, j judgement) error {
	s.does(backsOff)
	return s.wait(ctx, func(ctx context.Context) error { return sleep(ctx, s.dest.Retry.delay(n, j.wait)) })
}

// passed reports a call that the API accepted or judged.
func (s *retrier) passed(call Call) {
	s.limitedAt = time.Time{}
	s.ownAt(call.Op).n++
	s.dest.evidence.note(call.Op)
	s.pass.Passed(!call.Lookup)
}

// others is how many calls of other events have passed at the call's Op.
func (s *retrier) others(call Call) uint64 {
	return s.dest.evidence.count(call.Op) - s.ownAt(call.Op).n
}

func holdReason(j judgement) string {
	if j.verdict == unreachable {
		return "refused"
	}
	return string(HTTPCode(j.status))
}

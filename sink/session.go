package sink

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"
)

// Stop tells a session when to give its event up. Soft is done first, and so on.
type Stop struct {
	// Soft ends waiting and looking up; an event that has made a write which may have
	// taken effect goes on.
	Soft context.Context
	// Hard lets no further call begin. A write in flight still gets its answer, until
	// the context of Deliver ends it.
	Hard context.Context
}

// Session carries one event through its calls. It is the Doer that the help desks'
// packages are given, and is used by one goroutine.
type Session struct {
	// Lane is the event's lane, "" for an event that stands alone.
	Lane string
	// Timestamp is the record's Kafka timestamp, for max_age; zero for none.
	Timestamp time.Time
	// Round is 0 for a live delivery.
	Round int

	dest  *Destination
	pass  *Pass // nil when planning
	stop  Stop
	plan  Plan
	calls []CallRecord

	wrote    bool // a write may have taken effect
	failures int
	first    time.Time     // of the failures
	held     time.Duration // in holds before the first failure
	trials   map[trialKey]*trial
	own      map[string]uint64 // this event's own passed calls per Op
	started  time.Time
	last     time.Time
}

type trialKey struct {
	op  string
	how verdict
}

// Plan says what a session does instead of delivering.
type Plan uint8

// The ways of planning.
const (
	Live           Plan = iota // deliver
	PlanWithLookup             // make lookups, send no write
	PlanOffline                // make no call at all: every lookup finds nothing
)

// Session is a session for one event that holds a place of the destination's Gate.
// It gives the place back when Route.Deliver ends.
func (d *Destination) Session(pass *Pass, stop Stop) *Session {
	return &Session{dest: d, pass: pass, stop: stop}
}

// PlanSession is a session that sends no write.
func (d *Destination) PlanSession(ctx context.Context, plan Plan) *Session {
	return &Session{dest: d, stop: Stop{Soft: ctx, Hard: ctx}, plan: plan}
}

// Attempts is the number of attempts at calls, and when the first and the last began.
func (s *Session) Attempts() (n int, first, last time.Time) {
	for i := range s.calls {
		n += s.calls[i].Attempts
	}
	return n, s.started, s.last
}

// Rest gives the session's place back while its event waits for something that is
// no call of its own, such as another event's lookup. The next call takes one again.
func (s *Session) Rest() {
	if s.pass != nil {
		s.pass.Rest()
	}
}

// Do makes the call until it passes or the event is dead of it: see Doer.
func (s *Session) Do(ctx context.Context, call Call) (Reply, error) {
	record := s.newRecord(call)
	if s.plan != Live {
		return s.doPlanned(ctx, call, record)
	}
	for {
		if err := s.turn(ctx, call); err != nil {
			s.dropUnused(record)
			return Reply{}, err
		}
		reply, j, err := s.attempt(ctx, call, record)
		if err != nil {
			return Reply{}, err
		}
		if j.verdict == accepted {
			s.wrote = s.wrote || !call.Lookup && reply.OK()
			s.passed(call)
			return reply, nil
		}
		if failure := s.settle(call, j); failure != nil {
			return Reply{}, failure
		}
	}
}

// turn waits for the event's place and the budget, and checks that it may still call.
func (s *Session) turn(ctx context.Context, call Call) error {
	wait := s.patience()
	if wait.Err() != nil {
		return ErrInterrupted
	}
	if s.tooOld() {
		return errTooOld()
	}
	if !s.pass.holdsPlace() {
		if err := s.pass.Return(wait); err != nil {
			return interrupted(err)
		}
	}
	if err := s.dest.budget.Wait(wait); err != nil {
		return interrupted(err)
	}
	if wait.Err() != nil || ctx.Err() != nil {
		return ErrInterrupted
	}
	if s.tooOld() { // it may have waited long for its place
		return errTooOld()
	}
	return nil
}

func errTooOld() *Failure {
	return &Failure{Stage: StageMap, Class: Expired, Code: TooOld, Message: "the record is older than delivery.max_age"}
}

// patience is the context that ends this event's waiting.
func (s *Session) patience() context.Context {
	if s.wrote {
		return s.stop.Hard
	}
	return s.stop.Soft
}

func (s *Session) tooOld() bool {
	age := s.dest.MaxAge
	return age > 0 && !s.wrote && !s.Timestamp.IsZero() && time.Since(s.Timestamp) > age
}

func interrupted(err error) error {
	if errors.Is(err, ErrHeld) {
		return ErrHeld
	}
	return ErrInterrupted
}

// attempt makes one attempt and records it. Its error is ErrInterrupted.
func (s *Session) attempt(ctx context.Context, call Call, record int) (Reply, judgement, error) {
	began := time.Now()
	if s.started.IsZero() {
		s.started = began
	}
	s.last = began
	reply, err := s.send(ctx, call)
	took := time.Since(began)
	if err != nil {
		if _, ok := errors.AsType[*transportError](err); !ok {
			s.record(record, reply, took)
			return Reply{}, judgement{}, ErrInterrupted
		}
	}
	s.record(record, reply, took)
	if s.dest.OnCall != nil {
		s.dest.OnCall(call.Op, reply.Status, took)
	}
	s.dest.budget.Learn(reply, time.Now())
	return reply, judge(call, reply, err, time.Now()), nil
}

// send makes the request. A lookup of an event that has written nothing yet is cut
// short by a stop; a write is left to get its answer.
func (s *Session) send(ctx context.Context, call Call) (Reply, error) {
	if call.Lookup && !s.wrote {
		var cancel context.CancelCauseFunc
		ctx, cancel = context.WithCancelCause(ctx)
		defer cancel(nil)
		defer context.AfterFunc(s.stop.Soft, func() { cancel(ErrInterrupted) })()
	}
	return s.dest.client.do(ctx, call)
}

// settle takes in a judgement other than accepted: a failure that ends the event, or
// nil when the call is to be made again, the waiting being done.
func (s *Session) settle(call Call, j judgement) error {
	switch {
	case j.verdict == refusedForGood:
		s.passed(call)
		return s.failure(call, j, Rejected)
	case j.verdict.holds():
		if j.status == http.StatusForbidden && s.convicted(call, j) {
			s.passed(call)
			return s.failure(call, j, Rejected)
		}
		s.pass.Hold(holdReason(j), j.wait)
		return nil
	}
	return s.settlePassing(call, j)
}

func (s *Session) settlePassing(call Call, j judgement) error {
	s.wrote = s.wrote || !call.Lookup && j.mayHaveActed
	if j.unanswered && call.Unrepeatable && s.dest.UnknownIsDead {
		s.pass.Failed(j.wait)
		return s.failure(call, j, Unknown)
	}
	if s.failures == 0 {
		s.first, s.held = time.Now(), s.dest.gate.HeldFor()
	}
	s.failures++
	convicted := s.convicted(call, j)
	s.pass.Failed(j.wait)
	if s.dest.Retry.spent(s.failures, s.elapsed()) && (convicted || s.dest.Alone) {
		return s.failure(call, j, Exhausted)
	}
	if err := sleep(s.patience(), s.dest.Retry.delay(s.failures, j.wait)); err != nil {
		return ErrInterrupted
	}
	return nil
}

// elapsed is the time since the first failure, holds left out.
func (s *Session) elapsed() time.Duration {
	return time.Since(s.first) - (s.dest.gate.HeldFor() - s.held)
}

// convicted takes a failure in as evidence and tells whether enough speaks against
// this event. 403 and passing failures are separate cases.
func (s *Session) convicted(call Call, j judgement) bool {
	if s.trials == nil {
		s.trials = make(map[trialKey]*trial)
	}
	key := trialKey{call.Op, j.verdict}
	t := s.trials[key]
	if t == nil {
		t = &trial{}
		s.trials[key] = t
	}
	n := s.dest.evidence.count(call.Op) - s.own[call.Op]
	t.fail(n)
	return t.convicts(n)
}

// passed reports a call that the API accepted or judged.
func (s *Session) passed(call Call) {
	if s.own == nil {
		s.own = make(map[string]uint64)
	}
	s.own[call.Op]++
	s.dest.evidence.note(call.Op)
	s.pass.Passed(!call.Lookup)
}

func (s *Session) failure(call Call, j judgement, class Class) *Failure {
	stage := StageRequest
	if call.Lookup {
		stage = StageLookup
	}
	return &Failure{Stage: stage, Class: class, Code: j.code, Status: j.status, Message: s.dest.redact.Replace(j.message)}
}

func holdReason(j judgement) string {
	if j.verdict == unreachable {
		return "refused"
	}
	return "http_" + strconv.Itoa(j.status)
}

// doPlanned makes no write. Offline, a lookup gets the status that means "nothing
// there" for its call, or an empty list.
func (s *Session) doPlanned(ctx context.Context, call Call, record int) (Reply, error) {
	if !call.Lookup || s.plan == PlanOffline {
		return plannedReply(call), nil
	}
	reply, j, err := s.attempt(ctx, call, record)
	if err != nil {
		return Reply{}, err
	}
	s.calls[record].forget()
	if j.verdict == accepted {
		return reply, nil
	}
	class := Rejected
	if j.verdict != refusedForGood {
		class = Exhausted
	}
	return Reply{}, s.failure(call, j, class)
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

package sink

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/deskstream/deskstream/mapping"
)

// Stop tells a session when to give its event up. Soft is done first, and so on.
type Stop struct {
	// Soft ends waiting and looking up; an event that has made a write which may have
	// taken effect goes on.
	Soft context.Context
	// Hard lets no further call begin. A write in flight still gets its answer, until
	// the context of Deliver ends it.
	Hard context.Context
	// Await, if set, waits while no call may begin because somebody else may have the
	// event by now. Its error is the cause of ctx. It does not look at ctx, which may have
	// ended, when a call may begin at once.
	Await func(ctx context.Context) error
}

// Session carries one event through its calls. It is the Doer that the help desks'
// packages are given, and is used by one goroutine.
type Session struct {
	// Lane is the event's lane, "" for an event that stands alone.
	Lane string
	// Timestamp is the record's Kafka timestamp, for max_age; zero for an unknown one. See
	// KnownTime.
	Timestamp time.Time
	// Decoder reads the record's value; nil is JSON.
	Decoder mapping.Decoder
	// Round is 0 for a live delivery.
	Round int

	eventTime time.Time // the event's own, where Timestamp is zero

	dest  *Destination
	pass  *Pass // nil when planning
	stop  Stop
	plan  Plan
	calls []CallRecord

	warned    mapping.Code // of the failure that was logged last
	saidAlone bool         // that no other lane waits for the breaker's hold to end
	wrote     bool         // a write may have taken effect
	failures  int
	limited   int           // answers that were a limit of one object
	limitedAt time.Time     // of the first since a call passed
	first     time.Time     // of the failures
	held      time.Duration // in holds before the first failure
	trials    map[trialKey]*trial
	own       []ownCalls // this event's own passed calls, by Op
	grant     Grant      // of the latest call
	looks     *looks     // of a plan, also when its event is delivered right after; else nil
	started   time.Time
	last      time.Time
	doing     atomic.Uint32                // a doing, for those who look on
	fault     atomic.Pointer[mapping.Code] // of the latest failed attempt
}

// Session is a session for one event that holds a place of the destination's Gate.
// It gives the place back when Route.Deliver ends.
func (d *Destination) Session(pass *Pass, stop Stop) *Session {
	return &Session{dest: d, pass: pass, stop: stop}
}

// Attempts is the number of attempts at calls, and when the first and the last began.
func (s *Session) Attempts() (n int, first, last time.Time) {
	for i := range s.calls {
		n += s.calls[i].Attempts
	}
	return n, s.started, s.last
}

// SourceTime is the time of the record for people: its Kafka timestamp or, where that is
// unknown, the event's own. It is zero if neither is known. Route.Deliver has to have ended.
func (s *Session) SourceTime() time.Time {
	if s.Timestamp.IsZero() {
		return s.eventTime
	}
	return s.Timestamp
}

// Rest gives the session's place back while its event waits for something that is
// no call of its own. The next call takes one again.
func (s *Session) Rest() {
	if s.pass != nil {
		s.pass.Rest()
	}
}

// done gives the place back after the event's last call.
func (s *Session) done() {
	if s.pass != nil {
		s.pass.Done()
	}
}

// Await rests until done is closed. Its error is ErrInterrupted when the event is to
// be given up, or ctx ends, before that.
func (s *Session) Await(ctx context.Context, done <-chan struct{}) error {
	s.Rest()
	s.does(awaitsLookup)
	ctx, cancel := s.patient(ctx)
	defer cancel()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ErrInterrupted
	}
}

// Do makes the call until it passes or the event is dead of it: see Doer.
func (s *Session) Do(ctx context.Context, call Call) (Reply, error) {
	request := s.dest.client.request(&call)
	record := s.newRecord(&request)
	if s.plan != Live {
		return s.doPlanned(ctx, &request, record)
	}
	if s.looks != nil && call.Lookup {
		if reply, ok := s.reused(request.url, record); ok {
			return reply, nil
		}
	}
	for {
		if err := s.turn(ctx); err != nil {
			s.dropUnused(record)
			return Reply{}, err
		}
		reply, j, err := s.attempt(ctx, &request, record)
		if err != nil {
			return Reply{}, err
		}
		if j == nil {
			s.wrote = s.wrote || !call.Lookup && reply.OK()
			s.passed(call)
			return reply, nil
		}
		if j.outdated {
			continue // it says nothing about the credential that the next one has
		}
		code := j.code
		s.fault.Store(&code)
		if err := s.settle(ctx, &request.Call, j); err != nil {
			return Reply{}, err
		}
	}
}

// turn waits for the event's place and the budget, and checks that it may still call.
func (s *Session) turn(ctx context.Context) error {
	for ready := false; !ready; {
		if err := s.mayGoOn(ctx); err != nil {
			return err
		}
		if !s.pass.mayCall() {
			s.pass.Rest()
			s.does(awaitsPlace)
			if err := s.wait(ctx, s.pass.Return); err != nil {
				return err
			}
		}
		if err := s.spend(ctx); err != nil {
			return err
		}
		if s.stop.Await != nil && s.stop.Await(ended) != nil {
			s.does(awaitsGroup)
			if err := s.wait(ctx, s.stop.Await); err != nil {
				return err
			}
		}
		ready = s.pass.mayCall() // a hold may have begun meanwhile
	}
	return s.mayGoOn(ctx) // it may have waited long
}

// mayGoOn tells why the event may make no further call.
func (s *Session) mayGoOn(ctx context.Context) error {
	if ctx.Err() != nil || s.patience().Err() != nil {
		return ErrInterrupted
	}
	age := s.dest.MaxAge
	if age > 0 && !s.wrote && !s.Timestamp.IsZero() && time.Since(s.Timestamp) > age {
		return &Failure{Stage: StageMap, Class: Expired, Code: TooOld, Message: "the record is older than delivery.max_age"}
	}
	return nil
}

// patience is the context that ends this event's waiting.
func (s *Session) patience() context.Context {
	if s.wrote {
		return s.stop.Hard
	}
	return s.stop.Soft
}

// wait lets what need not be waited for go without it: the context that ends with the
// event's patience costs more than all else that a turn does.
func (s *Session) wait(ctx context.Context, until func(context.Context) error) error {
	ctx, cancel := s.patient(ctx)
	defer cancel()
	if err := until(ctx); err != nil {
		return interrupted(err)
	}
	return nil
}

// ended is a context of somebody who does not wait.
var ended = func() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(ErrInterrupted)
	return ctx
}()

// patient is ctx that also ends with the event's patience.
func (s *Session) patient(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	unhook := context.AfterFunc(s.patience(), func() { cancel(ErrInterrupted) })
	return ctx, func() {
		unhook()
		cancel(nil)
	}
}

func interrupted(err error) error {
	if errors.Is(err, ErrHeld) {
		return ErrHeld
	}
	return ErrInterrupted
}

// attempt makes one attempt, follows its redirects and judges the last answer: no
// judgement is an accepted one. A redirect is a call like any other: it waits for its
// turn and the budget.
func (s *Session) attempt(ctx context.Context, r *request, record int) (Reply, *judgement, error) {
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
		if err := s.onward(ctx); err != nil {
			return Reply{}, nil, err
		}
		r.target, record = next, s.redirected(record, next)
	}
}

// judge gives the judgement of an attempt, nil for an accepted one. It is a function of
// its own, so that its copies are not on the stack of those who wait.
func (s *Session) judge(r *request, reply Reply, fault error, credential string) *judgement {
	j := judge(r.Call, reply, fault, time.Now())
	if j.verdict == accepted {
		return nil
	}
	failed := j
	failed.outdated = j.verdict == denied && credential != s.dest.Credential.Reveal()
	return &failed
}

// onward waits until the request that a redirect asks for may be made.
func (s *Session) onward(ctx context.Context) error {
	if s.plan != Live {
		return s.spend(ctx)
	}
	return s.turn(ctx)
}

// spend waits for the budget alone.
func (s *Session) spend(ctx context.Context) error {
	grant, ok := s.dest.budget.Take()
	if ok {
		s.grant = grant
		return nil
	}
	s.does(awaitsBudget)
	return s.wait(ctx, func(ctx context.Context) (err error) {
		s.grant, err = s.dest.budget.Wait(ctx)
		return err
	})
}

// request makes one request and records it. fault is a *transportError for a request
// without an answer, or nil. The error is ErrInterrupted.
func (s *Session) request(ctx context.Context, r *request, record int) (_ Reply, fault, err error) {
	began := time.Now()
	if s.started.IsZero() {
		s.started = began
	}
	s.last = began
	s.does(calls)
	reply, fault := s.send(ctx, r)
	took := time.Since(began)
	s.record(record, reply, took)
	if fault != nil {
		if _, ok := errors.AsType[*transportError](fault); !ok {
			return Reply{}, nil, ErrInterrupted
		}
	}
	if s.dest.OnCall != nil {
		s.dest.OnCall(r.Op, reply.Status, took)
	}
	s.dest.budget.Learn(s.grant, reply, time.Now())
	return reply, fault, nil
}

// send makes the request. A lookup is cut short by a stop, since nothing is lost with
// it; a write is left to get its answer.
func (s *Session) send(ctx context.Context, r *request) (Reply, error) {
	if r.Lookup {
		var cancel context.CancelFunc
		ctx, cancel = s.patient(ctx)
		defer cancel()
	}
	return s.dest.client.do(ctx, r)
}

package sink

import (
	"context"
	"errors"
	"maps"
	"slices"
)

// Change is a write that takes no further effect when it is sent again, as one step of an event.
type Change struct {
	// Step names the step, in the outcome and among the event's progress.
	Step string
	// Call is the write.
	Call Call
	// Refusals are the statuses of refusals that may mean that the desk is so already.
	Refusals []int
	// Already reports whether the desk is so already. It is called after one of Refusals.
	Already func(ctx context.Context) (bool, error)
	// IDs returns the ids of what the response to the write says was made, nil for none. A nil IDs is
	// for a write that makes nothing.
	IDs func(Reply) map[string]string
	// Lenient has a refusal that is none of that kind returned, as one of Call.Answers is; else the
	// event dies of it.
	Lenient bool
	// Final marks a change after which another process would not find what the event is about:
	// the progress so far goes on record before it.
	Final bool
}

// Begun makes it a Doer.
func (e *eventSteps) Begun(name string) bool {
	return e.progress.step(name) != nil || e.progress.Next != nil && e.progress.Next.Step == name
}

// keep adds a step to the progress, which is put on record with the next write that may not be
// repeated.
func (e *eventSteps) keep(step StepRecord) {
	e.progress.Steps = append(slices.Clip(e.progress.Steps), step) // what is inherited stays as it is
}

// change makes a Change with the calls of a Doer.
func (s *sender) change(ctx context.Context, do Doer, c Change) (Effected, error) {
	if done, ok := s.already(c.Step); ok {
		return done, nil
	}
	call := c.Call
	call.Answers = slices.Concat(call.Answers, c.Refusals)
	reply, err := do.Do(ctx, call)
	took := err == nil && reply.OK()
	if err == nil && slices.Contains(c.Refusals, reply.Status) {
		if took, err = c.Already(ctx); err == nil && !took && !c.Lenient {
			err = do.Reject(c.Call, reply)
		}
	}
	if _, dead := errors.AsType[*Failure](err); dead {
		s.steps = append(s.steps, StepInfo{Name: c.Step, State: StepFailed})
	}
	if err != nil || !took {
		return Effected{Reply: reply}, err
	}
	var ids, kept map[string]string
	if c.IDs != nil {
		ids = c.IDs(reply)
		kept = s.dest.redaction().calls.ids(maps.Clone(ids))
	}
	info := StepInfo{Name: c.Step, State: StepDone}
	s.steps = append(s.steps, info)
	s.keep(StepRecord{StepInfo: info, IDs: kept, Repeatable: true})
	return Effected{Reply: reply, IDs: ids, State: StepDone}, nil
}

// Fail makes it a Doer.
func (e *eventSteps) Fail(step string) {
	e.steps = append(e.steps, StepInfo{Name: step, State: StepFailed})
}

// Skip makes it a Doer.
func (s *sender) Skip(step string, found map[string]string) {
	info := StepInfo{Name: step, State: StepSkipped}
	s.steps = append(s.steps, info)
	if found != nil {
		s.keep(StepRecord{StepInfo: info, IDs: s.dest.redaction().calls.ids(maps.Clone(found))})
	}
}

// Change makes it a Doer.
func (s *retrier) Change(ctx context.Context, c Change) (done Effected, err error) {
	if done, ok := s.already(c.Step); ok {
		return done, nil
	}
	end := s.trace.Step(c.Step)
	defer func() { end(string(done.State)) }()
	s.behind = s.behind || c.Final && s.ledger != nil && s.progress.Exists()
	return s.change(ctx, s, c)
}

// Change makes it a Doer.
func (s *planner) Change(ctx context.Context, c Change) (Effected, error) {
	made, err := s.change(ctx, s, c)
	s.wouldDo(c.Step, made.Reply)
	return made, err
}

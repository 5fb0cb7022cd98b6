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
func (e *eventSteps) change(ctx context.Context, do Doer, c Change) (Effected, error) {
	if done, ok := e.already(c.Step); ok {
		return done, nil
	}
	call := c.Call
	call.Answers = slices.Concat(call.Answers, c.Refusals)
	reply, err := do.Do(ctx, call)
	took := err == nil && reply.OK()
	if err == nil && slices.Contains(c.Refusals, reply.Status) {
		if took, err = c.Already(ctx); err == nil && !took {
			err = do.Reject(c.Call, reply)
		}
	}
	if _, dead := errors.AsType[*Failure](err); dead {
		e.steps = append(e.steps, StepInfo{c.Step, StepFailed})
	}
	if err != nil || !took {
		return Effected{Reply: reply}, err
	}
	info := StepInfo{c.Step, StepDone}
	e.steps = append(e.steps, info)
	e.keep(StepRecord{StepInfo: info})
	return Effected{Reply: reply, State: StepDone}, nil
}

// Skip makes it a Doer.
func (s *sender) Skip(step string, found map[string]string) {
	info := StepInfo{step, StepSkipped}
	s.steps = append(s.steps, info)
	if found != nil {
		s.keep(StepRecord{StepInfo: info, IDs: s.dest.redaction().calls.ids(maps.Clone(found))})
	}
}

// Change makes it a Doer.
func (s *retrier) Change(ctx context.Context, c Change) (Effected, error) {
	s.behind = s.behind || c.Final && s.ledger != nil && s.progress.Exists()
	return s.change(ctx, s, c)
}

// Change makes it a Doer.
func (s *planner) Change(ctx context.Context, c Change) (Effected, error) {
	return s.change(ctx, s, c)
}

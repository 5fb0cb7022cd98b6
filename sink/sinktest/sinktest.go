// Package sinktest has Doers for the tests of the help desks' packages.
package sinktest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/deskstream/deskstream/sink"
)

// DoerFunc makes a function a Doer that repeats nothing: its event is exhausted by one
// failure.
type DoerFunc func(ctx context.Context, call sink.Call) (sink.Reply, error)

// Do calls f.
func (f DoerFunc) Do(ctx context.Context, call sink.Call) (sink.Reply, error) { return f(ctx, call) }

// Once makes the call. An answer is its effect, or one of the call's Answers.
func (f DoerFunc) Once(ctx context.Context, e sink.Effect) (sink.Effected, error) {
	return Once(ctx, f.Do, e)
}

// Change makes the call.
func (f DoerFunc) Change(ctx context.Context, c sink.Change) (sink.Effected, error) {
	return Change(ctx, f.Do, c)
}

// Begun is false: no step is remembered.
func (f DoerFunc) Begun(string) bool { return false }

// Fail does nothing.
func (f DoerFunc) Fail(string) {}

// Skip does nothing.
func (f DoerFunc) Skip(string, map[string]string) {}

// Adopt does nothing.
func (f DoerFunc) Adopt(string, map[string]string) {}

// FindKey finds nothing.
func (f DoerFunc) FindKey(context.Context, sink.Key) (sink.KeyedTicket, error) {
	return sink.KeyedTicket{}, nil
}

// RecordKey does nothing.
func (f DoerFunc) RecordKey(context.Context, sink.Key, sink.KeyedTicket) error { return nil }

// Ref is the step's name, repeated.
func (f DoerFunc) Ref(step string) string { return Ref(step) }

// Ref is the step's name, repeated, as long as a Doer's.
func Ref(step string) string { return strings.Repeat(step, 32)[:32] }

// Await waits as ctx allows.
func (f DoerFunc) Await(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-ctx.Done():
		return fmt.Errorf("%w: waiting for another lookup: %w", sink.ErrInterrupted, context.Cause(ctx))
	case <-done:
		return nil
	}
}

// CountFailure is the end of the event.
func (f DoerFunc) CountFailure(_ context.Context, call sink.Call, reply sink.Reply) error {
	return failure(call, reply, sink.Exhausted)
}

// Reject is the end of the event.
func (f DoerFunc) Reject(call sink.Call, reply sink.Reply) error {
	return failure(call, reply, sink.Rejected)
}

func failure(call sink.Call, reply sink.Reply, class sink.Class) *sink.Failure {
	f := &sink.Failure{Stage: sink.StageRequest, Class: class, Code: sink.HTTPCode(reply.Status), Status: reply.Status, Message: "the API answered"}
	if call.Lookup {
		f.Stage = sink.StageLookup
	}
	if reply.OK() {
		f.Code = sink.BadAnswer
	}
	return f
}

// Once brings about an effect with one call that do makes.
func Once(ctx context.Context, do func(context.Context, sink.Call) (sink.Reply, error), e sink.Effect) (sink.Effected, error) {
	reply, err := do(ctx, e.Call)
	if err != nil || !reply.OK() {
		return sink.Effected{Reply: reply}, err
	}
	return sink.Effected{Reply: reply, IDs: e.IDs(reply), State: sink.StepDone}, nil
}

// Change makes a change with one call that do makes.
func Change(ctx context.Context, do func(context.Context, sink.Call) (sink.Reply, error), c sink.Change) (sink.Effected, error) {
	reply, err := do(ctx, c.Call)
	if err != nil || !reply.OK() {
		return sink.Effected{Reply: reply}, err
	}
	made := sink.Effected{Reply: reply, State: sink.StepDone}
	if c.IDs != nil {
		made.IDs = c.IDs(reply)
	}
	return made, nil
}

// Ledger is a sink.Ledger that keeps the latest progress.
type Ledger struct {
	Last *sink.Progress
	// Follows is the error of Follow.
	Follows error
}

// Record implements sink.Ledger.
func (l *Ledger) Record(_ context.Context, p sink.Progress) error {
	l.Last = &p
	return nil
}

// Follow implements sink.Ledger.
func (l *Ledger) Follow(context.Context, time.Time) error { return l.Follows }

// Holds implements sink.Ledger.
func (*Ledger) Holds() bool { return true }

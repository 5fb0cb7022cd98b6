package sink

import (
	"context"
	"errors"
	"runtime/debug"
	"slices"
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink/hold"
)

// Route is the way of an event to one destination: decode, filter, map, send.
type Route struct {
	// Name and Type are the destination's, as in the configuration.
	Name, Type string
	// Reader reads records as events; nil is mapping.PlainReader.
	Reader *mapping.Reader
	// OnRecord is called with each step that events have on record, and its Ref, before an event is
	// delivered whose step may have been done. It is nil where no step is put on record.
	OnRecord func(ref string, step StepRecord)
	filter   mapping.Filter
	deliver  func(ctx context.Context, s *Session, ev mapping.Event) (Receipt, error)
}

// Ruled is what a rule may have decided about an event.
type Ruled interface {
	// RuleName is the name of the rule that the event matched, "" for none.
	RuleName() string
}

// NewRoute joins a help desk's mapping and its sender. mapEvent returns what to tell
// the help desk, which may be a Ruled, a *mapping.Error or a mapping.Skip. send makes the calls; its error
// is the Doer's, a *Failure of its own, or a mapping.Skip.
func NewRoute[T any](
	to DestinationInfo, filter mapping.Filter,
	mapEvent func(mapping.Event) (T, error),
	send func(context.Context, Doer, T) (Receipt, error),
) Route {
	var zero T
	_, ruled := any(zero).(Ruled) // asked once: for each message it would take a copy of it
	return Route{
		Name: to.Name, Type: to.Type, filter: filter,
		deliver: func(ctx context.Context, s *Session, ev mapping.Event) (Receipt, error) {
			message, err := mapEvent(ev)
			if ruled {
				s.rule = any(message).(Ruled).RuleName()
			}
			if err != nil {
				return Receipt{}, err
			}
			return send(ctx, s.doer, message)
		},
	}
}

// Deliver carries the record with the given value to its end and says what became of
// it. A nil value is a tombstone. The caller fills in Source, and DLQID when it writes
// a dead letter. The error is ErrInterrupted or hold.ErrHeld: then there is no outcome.
func (r Route) Deliver(ctx context.Context, s *Session, value []byte) (Outcome, error) {
	s.begin(ctx)
	defer s.doer.done()
	o, receipt, err := r.once(ctx, s, value)
	for again := true; err == nil && again; {
		if again, err = s.doer.putBack(ctx, &o); again && err == nil {
			o, receipt, err = r.once(ctx, s, value)
		}
	}
	if err != nil {
		return Outcome{}, err
	}
	o.IDs = s.sender.dest.redaction().calls.ids(receipt.IDs)
	if o.Warnings = append(o.Warnings, receipt.Warnings...); o.Warnings == nil {
		o.Warnings = []string{}
	}
	o.Rule, o.Steps = s.rule, s.sender.steps
	if o.Calls = s.sender.calls; o.Calls == nil {
		o.Calls = []CallRecord{}
	}
	o.At = Time{time.Now()}
	return o, nil
}

// once makes the event's calls. The error is ErrInterrupted or hold.ErrHeld.
func (r Route) once(ctx context.Context, s *Session, value []byte) (Outcome, Receipt, error) {
	o := Outcome{
		Destination: DestinationInfo{Name: r.Name, Type: r.Type},
		Outcome:     Delivered, Round: s.Round, Schema: 1,
		Event: EventInfo{Lane: text(s.Lane)},
	}
	receipt, err := r.run(ctx, s, value, &o)
	if errors.Is(err, ErrInterrupted) || errors.Is(err, hold.ErrHeld) {
		return Outcome{}, Receipt{}, err
	}
	if s.doer.plans() {
		o.Outcome = Planned
	}
	o.conclude(err)
	return o, receipt, nil
}

// run does the work of Deliver. A panic is the record's fault, or it would end the
// process again after each restart.
func (r Route) run(ctx context.Context, s *Session, value []byte, o *Outcome) (_ Receipt, err error) {
	defer func() {
		if p := recover(); p != nil {
			// The panic's value may quote the event; the stack does not.
			s.sender.dest.log.Error("event caused a panic", "destination", r.Name, "stack", string(debug.Stack()))
			err = s.panicked()
		}
	}()
	if value == nil {
		return Receipt{}, mapping.Tombstone
	}
	decoder := s.Decoder
	if decoder == nil {
		decoder = mapping.JSON
	}
	reader := r.Reader
	if reader == nil {
		reader = mapping.PlainReader
	}
	ev, err := reader.Event(decoder, value)
	if err != nil {
		return Receipt{}, failureOf(err, StageDecode)
	}
	o.Warnings = slices.Clip(ev.Warnings)
	o.Event.name(ev)
	if s.Timestamp.IsZero() {
		s.eventTime = EventTime(ev)
	}
	if s.Repeat {
		return Receipt{}, mapping.Duplicate
	}
	if err := r.filter.Check(ev); err != nil {
		return Receipt{}, failureOf(err, StageMap)
	}
	receipt, err := r.deliver(ctx, s, ev)
	return receipt, failureOf(err, StageMap)
}

func (s *Session) panicked() *Failure {
	f := &Failure{Stage: StageMap, Class: Invalid, Code: Panic, Message: "the event caused a fault in this program"}
	if s.sender.sentWrite() {
		f.Stage, f.Class = StageRequest, Unknown
	}
	return f
}

// failureOf turns a *mapping.Error into the *Failure that it means at a stage.
func failureOf(err error, stage Stage) error {
	if fault, ok := errors.AsType[*mapping.Error](err); ok {
		return &Failure{Stage: stage, Class: Invalid, Code: fault.Code, Message: fault.Message}
	}
	return err
}

// conclude sets the disposition that err means.
func (o *Outcome) conclude(err error) {
	if err == nil {
		return
	}
	if skip, ok := errors.AsType[mapping.Skip](err); ok {
		o.Outcome, o.Reason = Skipped, &skip
		return
	}
	f, ok := errors.AsType[*Failure](err)
	if !ok {
		f = &Failure{Stage: StageRequest, Class: Invalid, Code: Panic, Message: "the delivery ended without a verdict"}
	}
	message := f.Message
	if f.Detail != "" {
		message += ": " + f.Detail
	}
	o.Outcome = Dead
	o.Error = &ErrorInfo{Stage: f.Stage, Class: f.Class, Code: f.Code, Message: cut(message, MaxText)}
	if f.Status != 0 {
		o.Error.HTTPStatus = &f.Status
	}
}

// text is an event's text as an outcome holds it: nil for none, cut at MaxText.
func text(s string) *string {
	if s == "" {
		return nil
	}
	s = cut(s, MaxText)
	return &s
}

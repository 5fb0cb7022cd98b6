package sink

import (
	"cmp"
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
	// ConfigHash names the settings that it was made from, in letters.
	ConfigHash string
	// Reader reads records as events; nil is mapping.PlainReader.
	Reader *mapping.Reader
	// OnRecord is called with each step that events have on record, and its Ref, before an event is
	// delivered whose step may have been done. It is nil where no step is put on record.
	OnRecord func(ref string, step StepRecord)
	// Find returns what looks for the effect of an announced step of a name, nil for a step of
	// which the desk cannot be asked. It is for steps that the rule no longer asks for, and is nil
	// where no step is put on record.
	Find func(do Doer, step string) Finder
	// Calls is what the destination does with records that are API requests; nil: it takes none.
	Calls   *Calls
	filter  mapping.Filter
	deliver func(ctx context.Context, s *Session, ev mapping.Event, o *Outcome) (Receipt, error)
}

// Ruled is what a rule may have decided about an event.
type Ruled interface {
	// RuleMark is that of the rule by which the event goes, the zero mark for none.
	RuleMark() mapping.RuleMark
	// Answers reports whether the event is a help desk's, and whether the rule takes what we caused.
	Answers() (desk, own bool)
}

// Way is what a help desk makes of an event. T is what its mapping says and its sender sends.
type Way[T any] struct {
	// Map returns what to tell the help desk, which may be a Ruled, a *mapping.Error or a
	// mapping.Skip.
	Map func(mapping.Event) (T, error)
	// Send makes the calls; its error is the Doer's, a *Failure of its own, or a mapping.Skip.
	Send func(context.Context, Doer, T) (Receipt, error)
	// Merge returns what leaves the desk as older and then newer would, and false where nothing
	// does. It is nil for a desk that is told of each event alone.
	Merge func(older, newer T) (T, bool)
	// Warnings are those of what Map returned, where there is a Merge.
	Warnings func(T) []string
}

// NewRoute is the Route of a Way without Merge.
func NewRoute[T any](
	to DestinationInfo, filter mapping.Filter,
	mapEvent func(mapping.Event) (T, error),
	send func(context.Context, Doer, T) (Receipt, error),
) Route {
	return Way[T]{Map: mapEvent, Send: send}.Route(to, filter)
}

// Route is the way to a destination for the events that filter lets through.
func (w Way[T]) Route(to DestinationInfo, filter mapping.Filter) Route {
	var zero T
	_, ruled := any(zero).(Ruled) // asked once: for each message it would take a copy of it
	return Route{
		Name: to.Name, Type: to.Type, filter: filter,
		deliver: func(ctx context.Context, s *Session, ev mapping.Event, o *Outcome) (Receipt, error) {
			ev.Begun = s.begun()
			message, err := w.Map(ev)
			s.Trace.Mapped()
			var mark mapping.RuleMark
			if ruled {
				mark = any(message).(Ruled).RuleMark()
			}
			s.goesBy(mark, ev.Begun)
			if _, skipped := errors.AsType[mapping.Skip](err); ruled && !skipped {
				if err := s.mayAnswer(ctx, ev, any(message).(Ruled)); err != nil {
					return Receipt{}, err
				}
			}
			if err != nil {
				return Receipt{}, err
			}
			if w.Merge != nil && mark == (mapping.RuleMark{}) && s.mayJoin(ev) {
				message = w.join(s, message, o)
			}
			return w.Send(ctx, s.doer, message)
		},
	}
}

// Deliver carries the record with the given value to its end and says what became of
// it. A nil value is a tombstone. The caller fills in Source, and DLQID when it writes
// a dead letter. The error is ErrInterrupted or hold.ErrHeld: then there is no outcome.
func (r Route) Deliver(ctx context.Context, s *Session, value []byte) (Outcome, error) {
	var o Outcome
	if err := r.DeliverInto(ctx, s, value, &o); err != nil {
		return Outcome{}, err
	}
	return o, nil
}

// DeliverInto is Deliver with the outcome in its place: a copy in each function that waits for
// the responses would double the stack of an event.
func (r *Route) DeliverInto(ctx context.Context, s *Session, value []byte, o *Outcome) error {
	s.begin(ctx)
	defer s.doer.done()
	receipt, err := r.once(ctx, s, value, o)
	for again := true; err == nil && again; {
		if again, err = s.doer.putBack(ctx, o); again && err == nil {
			receipt, err = r.once(ctx, s, value, o)
		}
	}
	if err != nil {
		return err
	}
	o.IDs = s.sender.dest.redaction().calls.ids(receipt.IDs)
	if o.Warnings = append(o.Warnings, receipt.Warnings...); o.Warnings == nil {
		o.Warnings = []string{}
	}
	o.Warnings = append(o.Warnings, s.ruleChanges...)
	o.Rule, o.Steps, o.Trail = s.rule, s.sender.steps, s.trail()
	if o.Calls = s.sender.calls; o.Calls == nil {
		o.Calls = []CallRecord{}
	}
	o.At = Time{time.Now()}
	return nil
}

// once makes the event's calls. The error is ErrInterrupted or hold.ErrHeld.
func (r *Route) once(ctx context.Context, s *Session, value []byte, o *Outcome) (Receipt, error) {
	*o = Outcome{
		Destination: DestinationInfo{Name: r.Name, Type: r.Type},
		Outcome:     Delivered, Round: s.Round, Schema: 1,
		Event: EventInfo{Lane: text(s.Lane)},
	}
	receipt, err := r.run(ctx, s, value, o)
	if errors.Is(err, ErrInterrupted) || errors.Is(err, hold.ErrHeld) {
		return Receipt{}, err
	}
	if s.doer.plans() {
		o.Outcome = Planned
	}
	o.conclude(err)
	return receipt, nil
}

// run does the work of Deliver. A panic is the record's fault, or it would end the
// process again after each restart.
func (r *Route) run(ctx context.Context, s *Session, value []byte, o *Outcome) (_ Receipt, err error) {
	s.Trace.Map()
	defer func() {
		s.Trace.Mapped() // of an event that was not mapped
		if p := recover(); p != nil {
			// The panic's value may quote the event; the stack does not.
			s.sender.dest.log.Error("event caused a panic", "destination", r.Name, "stack", string(debug.Stack()))
			err = s.panicked()
		}
	}()
	if value == nil {
		return Receipt{}, mapping.Tombstone
	}
	if s.Call && r.Calls != nil {
		return r.call(ctx, s, value, o)
	}
	ev, err := r.read(s, s.Decoder, value)
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
	s.beginGroup(r)
	receipt, err := r.deliver(ctx, s, ev, o)
	if s.announced != nil && !errors.Is(err, ErrInterrupted) && !errors.Is(err, hold.ErrHeld) {
		if left := r.lookForAnnounced(ctx, s, &receipt); left != nil {
			return Receipt{}, left
		}
	}
	return receipt, failureOf(err, StageMap)
}

// read returns the event of a record's value. A nil decoder is JSON's.
func (r *Route) read(s *Session, decoder mapping.Decoder, value []byte) (mapping.Event, error) {
	if decoder == nil {
		decoder = mapping.JSON
	}
	return cmp.Or(s.Reader, r.Reader, mapping.PlainReader).Event(decoder, value)
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

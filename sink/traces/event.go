package traces

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Event is the trace of one event at one destination, from its record's arrival until its outcome is
// on record. It is used by one goroutine at a time; Release and Parent may be called by any.
type Event struct {
	t     *Tracer
	own   trace.Span
	ctx   context.Context // of the span that is the parent of the next one
	began time.Time
	// parent is what names the event's own span to others.
	parent Parent
	// mapping is when the mapping began, zero when it has ended.
	mapping time.Time
	started bool
}

// worthShowing is the shortest wait that gets a span.
const worthShowing = time.Millisecond

// Started says that the event's delivery begins: it was first of its lane since first, and the
// destination was on hold for held since its record arrived. Further deliveries of the event, as after a
// group was taken apart, are told nothing of that.
func (e *Event) Started(first time.Time, held time.Duration) {
	if e == nil || e.started {
		return
	}
	e.started = true
	now := time.Now()
	if first.Before(e.began) {
		first = e.began
	}
	e.span("wait lane", e.began, first)
	e.span("wait turn", first, now, heldFor(held)...)
}

func heldFor(held time.Duration) []attribute.KeyValue {
	if held <= 0 {
		return nil
	}
	return []attribute.KeyValue{attrHeld.Float64(held.Seconds())}
}

// Map says that the event is being mapped, until Mapped.
func (e *Event) Map() {
	if e != nil {
		e.mapping = time.Now()
	}
}

// Mapped says that the mapping has ended. It may be called again.
func (e *Event) Mapped() {
	if e == nil || e.mapping.IsZero() {
		return
	}
	began := e.mapping
	e.mapping = time.Time{}
	_, span := e.t.tracer.Start(e.ctx, "map", trace.WithTimestamp(began))
	span.End()
}

// Waited says for what the event waited since began. code is the error for which it backs off, "" for
// none; held is how long the destination was on hold meanwhile.
func (e *Event) Waited(what string, began time.Time, code string, held time.Duration) {
	if e == nil {
		return
	}
	attributes := heldFor(held)
	if code != "" {
		attributes = append(attributes, semconv.ErrorTypeKey.String(code))
	}
	e.span("wait "+what, began, time.Now(), attributes...)
}

// span makes a span of what is over, if it took long enough to be seen.
func (e *Event) span(name string, began, ended time.Time, attributes ...attribute.KeyValue) {
	if ended.Sub(began) < worthShowing {
		return
	}
	_, span := e.t.tracer.Start(e.ctx, name, trace.WithTimestamp(began), trace.WithAttributes(attributes...))
	span.End(trace.WithTimestamp(ended))
}

// Step begins a step of a rule; what the event does until its end belongs to it. The end is told the
// step's state, "" for one that is to be done again.
func (e *Event) Step(name string) (end func(state string)) {
	if e == nil {
		return func(string) {}
	}
	outer := e.ctx
	ctx, span := e.t.tracer.Start(outer, "step "+name)
	e.ctx = ctx
	return func(state string) {
		e.ctx = outer
		if state != "" {
			span.SetAttributes(attrState.String(state))
		}
		span.End()
	}
}

// Join links this event, whose calls are for another event too, and that one.
func (e *Event) Join(other *Event) {
	if e == nil || other == nil {
		return
	}
	e.own.AddLink(trace.Link{SpanContext: other.own.SpanContext()})
	other.own.AddLink(trace.Link{SpanContext: e.own.SpanContext()})
}

// Sent says that a record of the event was acknowledged by a topic, written since began.
func (e *Event) Sent(topic string, began time.Time) {
	if e == nil {
		return
	}
	ctx := trace.ContextWithSpan(context.Background(), e.own)
	_, span := e.t.tracer.Start(ctx, "send "+topic, trace.WithTimestamp(began), trace.WithSpanKind(trace.SpanKindProducer),
		trace.WithAttributes(semconv.MessagingSystemKafka, semconv.MessagingOperationTypeSend, semconv.MessagingOperationName("send"), semconv.MessagingDestinationName(topic)))
	span.End()
}

// Parent names the event's own span, for what is written of it; the zero Parent without a trace.
func (e *Event) Parent() Parent {
	if e == nil {
		return Parent{}
	}
	return e.parent
}

// ID is the id of the trace, "" without one.
func (e *Event) ID() string {
	if e == nil {
		return ""
	}
	return e.own.SpanContext().TraceID().String()
}

// Exemplar is what a histogram keeps of a value that belongs to a trace; nil for none.
func Exemplar(traceID string) map[string]string {
	if traceID == "" {
		return nil
	}
	return map[string]string{"trace_id": traceID}
}

// Outcome is what became of an event.
type Outcome struct {
	// Outcome is its disposition, Reason why it was skipped, Code what it died of.
	Outcome, Reason, Code string
	// EventType is the event's, Rule that by which it went.
	EventType, Rule string
	// Round is how often it was sent before; Merged says that it went out with another one.
	Round  int
	Merged bool
}

// Settled says that the event's outcome is on record, which ends the trace.
func (e *Event) Settled(o Outcome) {
	if e == nil {
		return
	}
	e.own.SetAttributes(attrOutcome.String(o.Outcome), attrRound.Int(o.Round))
	for _, a := range []struct {
		key  attribute.Key
		text string
	}{{attrReason, o.Reason}, {attrEventType, o.EventType}, {attrRule, o.Rule}, {semconv.ErrorTypeKey, o.Code}} {
		if a.text != "" {
			e.own.SetAttributes(a.key.String(a.text))
		}
	}
	if o.Merged {
		e.own.SetAttributes(attrMergedInto.Bool(true))
	}
	if o.Code != "" {
		e.own.SetStatus(codes.Error, o.Code)
	}
	e.own.End()
}

// Released says that the event is left open, to another process as a rule, which ends the trace here.
func (e *Event) Released() {
	if e == nil {
		return
	}
	e.own.SetAttributes(attrOutcome.String("released"))
	e.own.End()
}

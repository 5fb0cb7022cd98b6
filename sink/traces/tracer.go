package traces

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// The attributes of this program. Those of messages and HTTP are OpenTelemetry's.
const (
	attrDestination = attribute.Key("deskstream.destination")
	attrRound       = attribute.Key("deskstream.round")
	attrEventType   = attribute.Key("deskstream.event.type")
	attrOutcome     = attribute.Key("deskstream.outcome")
	attrReason      = attribute.Key("deskstream.reason")
	attrRule        = attribute.Key("deskstream.rule")
	attrMergedInto  = attribute.Key("deskstream.merged_into")
	attrHeld        = attribute.Key("deskstream.hold.seconds")
	attrState       = attribute.Key("deskstream.step.state")
	attrLookup      = attribute.Key("deskstream.lookup")
)

// Source is where spans come from.
type Source interface {
	// Tracer returns what makes spans by OpenTelemetry's API.
	Tracer() trace.Tracer
	// FollowsParent reports whether what a record says of its trace decides if that is sampled, so
	// that the sampler need not be asked about a record which says no.
	FollowsParent() bool
}

// Tracer makes the traces of events at one destination. A nil Tracer makes none. It may be used by
// many goroutines.
type Tracer struct {
	tracer  trace.Tracer
	follows bool
	process []trace.SpanStartOption // of an event's own span
	event   []attribute.KeyValue    // of the same
	call    []attribute.KeyValue    // of calls, the destination first
}

// Destination is what spans say of a destination.
type Destination struct {
	// Name is the destination's, Group its consumer group.
	Name, Group string
	// BaseURL is the address of its API, of which spans name host and port.
	BaseURL string
}

// New makes the Tracer of a destination; nil without a source.
func New(from Source, d Destination) *Tracer {
	if from == nil {
		return nil
	}
	t := &Tracer{
		tracer: from.Tracer(), follows: from.FollowsParent(),
		process: []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindConsumer)},
		event: []attribute.KeyValue{
			semconv.MessagingSystemKafka, semconv.MessagingOperationTypeProcess, semconv.MessagingOperationName("process"),
			semconv.MessagingConsumerGroupName(d.Group), attrDestination.String(d.Name),
		},
		call: []attribute.KeyValue{attrDestination.String(d.Name)},
	}
	if base, err := url.Parse(d.BaseURL); err == nil {
		t.call = append(t.call, semconv.ServerAddress(base.Hostname()))
		if port, err := strconv.Atoi(portOf(base)); err == nil {
			t.call = append(t.call, semconv.ServerPort(port))
		}
	}
	return t
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "http":
		return "80"
	default:
		return "443"
	}
}

// Record is a record that is traced.
type Record struct {
	Topic     string
	Partition int32
	Offset    int64
	// Traceparent and Tracestate are its headers, empty for none.
	Traceparent, Tracestate []byte
}

// Begin begins the trace of a record, as a part of its producer's if its headers name one. It is nil
// when the sampler does not choose it.
func (t *Tracer) Begin(r Record) *Event {
	if t == nil || t.follows && isUnsampled(r.Traceparent) {
		return nil
	}
	ctx := context.Background()
	if parent := ParentOf(r.Traceparent, r.Tracestate); parent != (Parent{}) {
		ctx = trace.ContextWithRemoteSpanContext(ctx, parent.spanContext())
	}
	ctx, span := t.tracer.Start(ctx, "process", t.process...)
	if !span.IsRecording() {
		return nil
	}
	span.SetName("process " + r.Topic)
	span.SetAttributes(t.event...)
	span.SetAttributes(
		semconv.MessagingDestinationName(r.Topic), semconv.MessagingDestinationPartitionID(strconv.Itoa(int(r.Partition))),
		semconv.MessagingKafkaOffset(int(r.Offset)),
	)
	return t.begun(ctx, span)
}

// BeginLine begins the trace of an event that is the line of a file, and of no record. It is nil when the
// sampler does not choose it.
func (t *Tracer) BeginLine() *Event {
	if t == nil {
		return nil
	}
	ctx, span := t.tracer.Start(context.Background(), "deliver", trace.WithAttributes(t.call[0]))
	if !span.IsRecording() {
		return nil
	}
	return t.begun(ctx, span)
}

func (t *Tracer) begun(ctx context.Context, span trace.Span) *Event {
	return &Event{t: t, own: span, ctx: ctx, began: time.Now(), parent: parentOf(span.SpanContext())}
}

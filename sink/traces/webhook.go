package traces

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Webhook is the span of a webhook that a help desk sent. A nil one, which is not sampled, does nothing.
type Webhook struct{ own trace.Span }

// Receive begins the span of a webhook that came at began, as a part of its sender's trace if sent names one.
// parent is what the event's record names: the span, or sent where there is none.
func Receive(from Source, destination string, sent Parent, began time.Time) (w *Webhook, parent Parent) {
	if from == nil || from.FollowsParent() && isUnsampled([]byte(sent.Traceparent)) {
		return nil, sent
	}
	ctx := context.Background()
	if sent != (Parent{}) {
		ctx = trace.ContextWithRemoteSpanContext(ctx, sent.spanContext())
	}
	_, span := from.Tracer().Start(ctx, "POST /webhooks/"+destination, trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(began))
	if !span.IsRecording() {
		return nil, sent
	}
	span.SetAttributes(semconv.HTTPRequestMethodPost, attrDestination.String(destination))
	return &Webhook{span}, parentOf(span.SpanContext())
}

// Ended ends the span of a webhook that became an event of a type. code is why the event is not on the
// topic, "" where it is.
func (w *Webhook) Ended(eventType, code string) {
	if w == nil {
		return
	}
	w.own.SetAttributes(attrEventType.String(eventType))
	if code != "" {
		w.own.SetAttributes(semconv.ErrorTypeKey.String(code))
		w.own.SetStatus(codes.Error, code)
	}
	w.own.End()
}

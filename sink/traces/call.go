package traces

import (
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Call is the span of one attempt at a call; nil for one that is not traced.
type Call struct {
	span   trace.Span
	Parent Parent // what the API is told of it
}

// Call begins an attempt at a call. op is the method and the path's template, "PUT /contacts/{id}",
// attempt counts from 1.
func (e *Event) Call(op string, lookup bool, attempt int) *Call {
	if e == nil {
		return nil
	}
	method, template, _ := strings.Cut(op, " ")
	attributes := make([]attribute.KeyValue, 0, len(e.t.call)+4)
	attributes = append(attributes, e.t.call...)
	attributes = append(attributes, semconv.HTTPRequestMethodKey.String(method), semconv.URLTemplate(template))
	if lookup {
		attributes = append(attributes, attrLookup.Bool(true))
	}
	if attempt > 1 {
		attributes = append(attributes, semconv.HTTPRequestResendCount(attempt-1))
	}
	_, span := e.t.tracer.Start(e.ctx, op, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...))
	return &Call{span: span, Parent: parentOf(span.SpanContext())}
}

// Names is what the API is told of the call's span.
func (c *Call) Names() Parent {
	if c == nil {
		return Parent{}
	}
	return c.Parent
}

// Ended says how the attempt ended: with a status, 0 for none, or with the code of the fault for
// which there is no response. expected says that the status is an answer to the call.
func (c *Call) Ended(at time.Time, status int, code string, expected bool) {
	if c == nil {
		return
	}
	if status != 0 {
		c.span.SetAttributes(semconv.HTTPResponseStatusCode(status))
		if code == "" && status >= 400 && !expected {
			code = strconv.Itoa(status)
		}
	}
	if code != "" {
		c.span.SetAttributes(semconv.ErrorTypeKey.String(code))
		c.span.SetStatus(codes.Error, "")
	}
	c.span.End(trace.WithTimestamp(at))
}

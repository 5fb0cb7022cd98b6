package traces

import (
	"context"
	"strings"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// The names of the headers of W3C Trace Context, on records and in requests.
const (
	HeaderParent = "traceparent"
	HeaderState  = "tracestate"
)

// Parent is the span that what follows belongs to, as the headers of W3C Trace Context have it. The
// zero Parent is none.
type Parent struct{ Traceparent, Tracestate string }

// maxState bounds a tracestate, in bytes: W3C asks for 512 at least.
const maxState = 512

// ParentOf reads the headers of a record or a request. It is the zero Parent when they name no span,
// or are not in their form: what it returns can be sent in a header of HTTP.
func ParentOf(traceparent, tracestate []byte) Parent {
	if len(traceparent) == 0 {
		return Parent{}
	}
	p := Parent{Traceparent: string(traceparent)}
	if len(tracestate) <= maxState {
		p.Tracestate = string(tracestate)
	}
	sc := p.spanContext()
	if !sc.IsValid() {
		return Parent{}
	}
	return parentOf(sc)
}

// spanContext is that of the span which p names, not valid for none.
func (p Parent) spanContext() trace.SpanContext {
	ctx := propagation.TraceContext{}.Extract(context.Background(), &p)
	return trace.SpanContextFromContext(ctx)
}

// parentOf names a span.
func parentOf(sc trace.SpanContext) (p Parent) {
	propagation.TraceContext{}.Inject(trace.ContextWithSpanContext(context.Background(), sc), &p)
	return p
}

// Get makes it a propagation.TextMapCarrier.
func (p *Parent) Get(key string) string {
	switch strings.ToLower(key) {
	case HeaderParent:
		return p.Traceparent
	case HeaderState:
		return p.Tracestate
	default:
		return ""
	}
}

// Set makes it a propagation.TextMapCarrier.
func (p *Parent) Set(key, value string) {
	switch strings.ToLower(key) {
	case HeaderParent:
		p.Traceparent = value
	case HeaderState:
		p.Tracestate = value
	}
}

// Keys makes it a propagation.TextMapCarrier.
func (p *Parent) Keys() []string { return []string{HeaderParent, HeaderState} }

// isUnsampled reports whether a traceparent says that its trace is not sampled. It looks at the one
// digit that does, so that such a record costs nothing.
func isUnsampled(traceparent []byte) bool {
	const size = len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	if len(traceparent) != size {
		return false
	}
	return strings.IndexByte("02468ace", traceparent[size-1]) >= 0
}

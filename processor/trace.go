package processor

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/traces"
)

// traceKey is the key of a record's trace in its context.
type traceKey struct{}

// traced is the trace of a record that has one.
type traced struct {
	*traces.Event
	held time.Duration // in holds, when the record arrived
}

// beginTrace begins the trace of a record that was taken in. It is the record's context, which kgo
// has for that: so a record without a trace takes no more memory. It is nil for such a one.
func (b *book) beginTrace(r *kgo.Record) context.Context {
	if b.tracer == nil {
		return nil
	}
	e := b.tracer.Begin(traces.Record{
		Topic: r.Topic, Partition: r.Partition, Offset: r.Offset,
		Traceparent: headerOf(r, traces.HeaderParent), Tracestate: headerOf(r, traces.HeaderState),
	})
	if e == nil {
		return nil
	}
	return context.WithValue(context.Background(), traceKey{}, &traced{e, b.heldFor()})
}

// headerOf is the first header of a name, nil for none.
func headerOf(r *kgo.Record, name string) []byte {
	for _, h := range r.Headers {
		if h.Key == name {
			return h.Value
		}
	}
	return nil
}

// traced is the record's trace, nil for none.
func (r *record) traced() *traced {
	if r.Context == nil {
		return nil
	}
	t, _ := r.Context.Value(traceKey{}).(*traced)
	return t
}

// trace is the same for those who go on with it.
func (r *record) trace() *traces.Event {
	if t := r.traced(); t != nil {
		return t.Event
	}
	return nil
}

// trace has the calls of a record be a part of its trace.
func (p *Processor) trace(s *sink.Session, l *lane, r *record) {
	if t := r.traced(); t != nil {
		s.Trace = t.Event
		t.Started(l.since, p.dest.Gate().HeldFor()-t.held)
	} else if p.dest.TraceCalls {
		s.Parent = traces.ParentOf(headerOf(r.Record, traces.HeaderParent), headerOf(r.Record, traces.HeaderState))
	}
}

// endTrace ends the trace of a record whose outcome is acknowledged.
func (s *settling) endTrace() {
	if e := s.rec.trace(); e != nil {
		e.Settled(s.entry.Outcome.Traced())
	}
}

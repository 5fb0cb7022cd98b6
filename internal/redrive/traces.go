package redrive

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink/topics"
	"github.com/deskstream/deskstream/sink/traces"
)

// beginTrace begins the trace of a letter, as a part of the one in which the event died or, where a
// letter does not say that, of its producer's. It is nil for none.
func (r *redelivery) beginTrace(c *candidate) *traces.Event {
	if r.options.Traces == nil {
		return nil
	}
	way := r.rehearsal.ways[c.destination]
	t := traces.New(r.options.Traces, traces.Destination{Name: c.destination, Group: c.group, BaseURL: way.Config.BaseURL()})
	src := traces.Record{Topic: c.original.Topic, Partition: c.original.Partition, Offset: c.original.Offset}
	src.Traceparent, src.Tracestate = lastHeader(c.rec, topics.TraceHeader), lastHeader(c.rec, traces.HeaderState)
	if src.Traceparent == nil {
		src.Traceparent = lastHeader(c.rec, traces.HeaderParent)
	}
	return t.Begin(src)
}

// lastHeader is the last header of a name, nil for none.
func lastHeader(rec *kgo.Record, name string) (value []byte) {
	for _, h := range rec.Headers {
		if h.Key == name {
			value = h.Value
		}
	}
	return value
}

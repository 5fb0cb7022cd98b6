package topics

import (
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/traces"
)

// The headers of an outcome. CONTRACT: An outcome.
const (
	headerGroup       = "deskstream.group"
	headerSource      = "deskstream.source"
	headerEpoch       = "deskstream.source.epoch"
	headerTopicID     = "deskstream.source.topic_id"
	headerCluster     = "deskstream.cluster"
	headerDestination = "deskstream.destination"
	headerOutcome     = "deskstream.outcome"
	headerRound       = "deskstream.round"
	headerEvent       = "deskstream.event"
	headerReason      = "deskstream.reason"
	headerTrace       = traces.HeaderParent
)

// The forms of an outcome, from the whole to the least.
const (
	outcomeWhole = iota
	outcomeNoBodies
	outcomeNoCalls
	outcomeShortKey
)

// callsLeftOut is the warning in an outcome that has lost its calls.
const callsLeftOut = "calls and warnings were left out: the outcome did not fit its topic"

// resultLeftOut is the warning in an outcome that has lost its result too.
const resultLeftOut = "calls, warnings and the result were left out: the outcome did not fit its topic"

// maxTrace bounds the trace that an outcome continues, in bytes. W3C Trace Context
// has 55 and lets later versions grow.
const maxTrace = 256

// identity is what every record of a pipeline says of it.
type identity struct{ group, destination []byte }

func (w *Writer) outcomeRecord(e *Entry, out *sink.Outcome, form int) *kgo.Record {
	if !w.cfg.Bodies && form == outcomeWhole {
		form = outcomeNoBodies
	}
	n, _ := e.partitions()
	return &kgo.Record{
		Topic:     w.cfg.Responses,
		Partition: targetPartition(e.Source, n),
		Key:       outcomeKey(e.Lane, form),
		Value:     w.outcomeValue(*out, form),
		Headers:   w.outcomeHeaders(e, out),
	}
}

func outcomeKey(lane string, form int) []byte {
	switch {
	case lane == "":
		return nil
	case form >= outcomeShortKey:
		return []byte(cut(lane, sink.MaxText))
	default:
		return []byte(lane)
	}
}

func (w *Writer) outcomeHeaders(e *Entry, out *sink.Outcome) []kgo.RecordHeader {
	// The values that differ lie in one piece of memory.
	src := e.Source
	text := appendCoordinates(make([]byte, 0, len(src.Topic)+len(e.Origin.Cluster)+128), src)
	source := len(text)
	text = strconv.AppendInt(text, int64(src.LeaderEpoch), 10)
	epoch := len(text)
	text = e.Origin.TopicID.appendText(text)
	topicID := len(text)
	text = append(text, e.Origin.Cluster...)
	cluster := len(text)
	text = append(text, out.Outcome...)
	outcome := len(text)
	text = strconv.AppendInt(text, int64(out.Round), 10)
	round := len(text)
	text = out.Event.Digest.AppendHex(text)
	headers := make([]kgo.RecordHeader, 0, 11)
	headers = append(headers,
		kgo.RecordHeader{Key: headerGroup, Value: w.own.group},
		kgo.RecordHeader{Key: headerSource, Value: text[:source:source]},
		kgo.RecordHeader{Key: headerEpoch, Value: text[source:epoch:epoch]},
		kgo.RecordHeader{Key: headerTopicID, Value: text[epoch:topicID:topicID]},
		kgo.RecordHeader{Key: headerCluster, Value: text[topicID:cluster:cluster]},
		kgo.RecordHeader{Key: headerDestination, Value: w.own.destination},
		kgo.RecordHeader{Key: headerOutcome, Value: text[cluster:outcome:outcome]},
		kgo.RecordHeader{Key: headerRound, Value: text[outcome:round:round]},
		kgo.RecordHeader{Key: headerEvent, Value: text[round:]},
	)
	if isDuplicate(out) {
		headers = append(headers, kgo.RecordHeader{Key: headerReason, Value: []byte(mapping.Duplicate)})
	}
	if e.Progress != nil {
		headers = append(headers, progressHeader(e.Progress))
	}
	if out.Trail != nil {
		headers = append(headers, kgo.RecordHeader{Key: headerTrail, Value: []byte(jsonText(out.Trail))})
	}
	if p := e.Trace.Parent(); p != (traces.Parent{}) {
		return append(headers, kgo.RecordHeader{Key: headerTrace, Value: []byte(p.Traceparent)})
	}
	for _, h := range src.Headers {
		if h.Key == headerTrace && len(h.Value) <= maxTrace {
			return append(headers, h)
		}
	}
	return headers
}

// appendCoordinates appends "topic/partition/offset".
func appendCoordinates(text []byte, r *kgo.Record) []byte {
	text = append(text, r.Topic...)
	text = append(text, '/')
	text = strconv.AppendInt(text, int64(r.Partition), 10)
	text = append(text, '/')
	return strconv.AppendInt(text, r.Offset, 10)
}

// outcomeValue is the outcome in the form asked for or, when that cannot be written
// because the other form of the topic cannot hold it, in the next smaller one.
func (w *Writer) outcomeValue(out sink.Outcome, form int) []byte {
	if form >= outcomeNoCalls {
		out.Calls = []sink.CallRecord{}
		out.Warnings = []string{callsLeftOut}
		if !out.Result.IsZero() {
			out.Warnings = []string{resultLeftOut}
			out.Result, out.Truncated = sink.RawJSON{}, true
		}
		form = outcomeShortKey
	} else if form == outcomeNoBodies {
		out.Calls = withoutBodies(out.Calls, w.cfg.Bodies)
	}
	value := out.AppendJSON(nil)
	if w.cfg.Encode == nil {
		return value
	}
	value, err := w.cfg.Encode(value)
	if err != nil && form < outcomeShortKey {
		return w.outcomeValue(out, form+1)
	}
	return value
}

func withoutBodies(calls []sink.CallRecord, mark bool) []sink.CallRecord {
	bare := make([]sink.CallRecord, len(calls))
	for i, call := range calls {
		call.Truncated = mark && (call.Truncated || !call.Request.IsZero() || !call.Response.IsZero())
		call.Request, call.Response = sink.RawJSON{}, sink.RawJSON{}
		bare[i] = call
	}
	return bare
}

package topics

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink"
)

// The forms of a dead letter, from the whole to the least.
const (
	letterWhole = iota
	letterNoDialects
	letterTerse // without the message and the texts of the event
)

// The longest texts in a letter's own headers, in bytes, so that all of them together
// stay below about 4 KB. dlq.fingerprint is made from the whole message.
const (
	maxMessage        = 512
	maxDialectMessage = 160
	maxLane           = 512
	maxEventID        = 256
	maxEventType      = 64
)

const (
	ownPrefix     = "dlq."
	versionHeader = ownPrefix + "version" // the first of ours
	letterVersion = "1"
)

// TraceHeader names in a letter the span of the event's delivery, where that has a trace. What the
// record says of its producer's trace stays as it is.
const TraceHeader = ownPrefix + "traceparent"

// letter is one dead letter before it takes the form of a record.
type letter struct {
	w     *Writer
	entry *Entry
	out   *sink.Outcome
	err   sink.ErrorInfo
	id    string
	at    time.Time
}

func (w *Writer) newLetter(e *Entry, out *sink.Outcome, at time.Time) *letter {
	l := &letter{w: w, entry: e, out: out, at: at, id: LetterID(e.place(), w.cfg.Destination, out.Round)}
	if out.Error != nil {
		l.err = *out.Error
	}
	return l
}

// LetterID is the value of dlq.id: the first 16 bytes, in hex, of the SHA-256 of the
// cluster's id, the source topic's id and name, the partition and offset, the destination's
// name and the round, joined by zero bytes. Where the topic's id is not known it is left
// out, as releases did that wrote no topic ids. A letter that is written twice has the same
// id twice.
func LetterID(at Place, destination string, round int) string {
	parts := []string{at.Cluster}
	if id := at.TopicID.String(); id != "" {
		parts = append(parts, id)
	}
	return digest(16, append(parts, at.Topic, strconv.Itoa(int(at.Partition)),
		strconv.FormatInt(at.Offset, 10), destination, strconv.Itoa(round))...)
}

// digest is the beginning, size bytes in hex, of the SHA-256 of parts joined by zero bytes.
func digest(size int, parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:size])
}

// record is the letter: the original's key, value and headers as they are, then ours.
// Its timestamp is that of its writing, so that retention counts from there.
func (l *letter) record(form int) *kgo.Record {
	src := l.entry.Source
	h := headerList{list: l.originals()}
	original := len(h.list)
	l.describe(&h, form)
	if form == letterWhole {
		h.kept = h.list[:original]
		for _, d := range l.w.cfg.Dialects {
			l.translate(&h, d)
		}
	}
	_, n := l.entry.partitions()
	return &kgo.Record{
		Topic:     l.w.cfg.DeadLetters,
		Partition: targetPartition(src, n),
		Key:       src.Key,
		Value:     src.Value,
		Headers:   h.list,
	}
}

// originals are the record's headers as it came. A reprocessed record may still have
// what the letter of the round before added: from its last dlq.version on, the
// headers that have our names. What stands before that came with the record, even
// if it looks like ours, as when one deskstream reads what another gave up.
func (l *letter) originals() []kgo.RecordHeader {
	headers := l.entry.Source.Headers
	kept := make([]kgo.RecordHeader, 0, len(headers)+48)
	ours := len(headers)
	if l.out.Round > 0 {
		for i, h := range slices.Backward(headers) {
			if h.Key == versionHeader {
				ours = i
				break
			}
		}
	}
	kept = append(kept, headers[:ours]...)
	for _, h := range headers[ours:] {
		if !strings.HasPrefix(h.Key, ownPrefix) && !dialectHeader(h.Key) {
			kept = append(kept, h)
		}
	}
	return kept
}

// describe adds the headers of our own namespace, all UTF-8 text.
func (l *letter) describe(h *headerList, form int) {
	l.describeOrigin(h)
	l.describeError(h, form)
	h.text("dlq.attempts", strconv.Itoa(l.entry.Attempts))
	h.moment("dlq.first.attempt.at", l.entry.FirstAttempt)
	h.moment("dlq.last.attempt.at", l.entry.LastAttempt)
	h.moment("dlq.at", l.at)
	if form < letterTerse {
		h.optional("dlq.lane", cut(l.entry.Lane, maxLane))
		h.optional("dlq.event.id", cut(deref(l.out.Event.ID), maxEventID))
		h.optional("dlq.event.type", cut(deref(l.out.Event.Type), maxEventType))
	}
	l.describeSteps(h)
	h.text("dlq.redrive.round", strconv.Itoa(l.out.Round))
	h.optional("dlq.redrive.plan", l.entry.Plan)
}

// describeSteps adds what whoever sends the letter again goes on from. No form leaves it out: a
// letter without it would open a second ticket.
func (l *letter) describeSteps(h *headerList) {
	h.optional("dlq.rule", l.out.Rule)
	p := l.entry.Progress
	if p == nil {
		return
	}
	h.optional("dlq.rule.hash", p.RuleHash)
	if len(p.Steps) > 0 {
		h.text("dlq.steps", jsonText(p.Steps))
	}
	if p.Next != nil {
		h.text("dlq.steps.next", jsonText(p.Next))
	}
}

func (l *letter) describeOrigin(h *headerList) {
	src, cfg := l.entry.Source, &l.w.cfg
	h.text(versionHeader, letterVersion)
	h.text("dlq.id", l.id)
	h.text("dlq.source.topic", src.Topic)
	h.text("dlq.source.partition", strconv.Itoa(int(src.Partition)))
	h.text("dlq.source.offset", strconv.FormatInt(src.Offset, 10))
	h.moment("dlq.source.timestamp", src.Timestamp)
	h.text("dlq.source.timestamp.type", timestampType(src))
	h.text("dlq.source.group", cfg.Group)
	h.optional("dlq.source.cluster", l.entry.Origin.Cluster)
	h.optional("dlq.source.topic_id", l.entry.Origin.TopicID.String())
	if src.LeaderEpoch >= 0 {
		h.text("dlq.source.epoch", strconv.Itoa(int(src.LeaderEpoch)))
	}
	h.text("dlq.destination", cfg.Destination)
	h.optional("dlq.config.hash", l.entry.ConfigHash)
	h.optional("dlq.app.version", cfg.AppVersion)
	h.optional(TraceHeader, l.entry.Trace.Parent().Traceparent)
}

func (l *letter) describeError(h *headerList, form int) {
	h.text("dlq.stage", string(l.err.Stage))
	h.text("dlq.class", string(l.err.Class))
	h.text("dlq.code", string(l.err.Code))
	h.text("dlq.fault", string(sink.InfoOfCode(l.err.Code).Fault))
	if l.err.HTTPStatus != nil {
		h.text("dlq.http.status", strconv.Itoa(*l.err.HTTPStatus))
	}
	if form < letterTerse {
		h.optional("dlq.message", cut(l.err.Message, maxMessage))
	}
	h.text("dlq.fingerprint", Fingerprint(l.w.cfg.Destination, l.err))
	h.optional("dlq.retryable", retryable(l.err.Class))
}

// retryable says whether sending the event again can help.
func retryable(class sink.Class) string {
	switch class {
	case sink.Exhausted:
		return "yes"
	case sink.Invalid, sink.Rejected:
		return "after_fix"
	case sink.Expired:
		return "no"
	case sink.Unknown:
		return "probe_first"
	default:
		return ""
	}
}

// timestampType is the type's name as Kafka's own clients write it.
func timestampType(r *kgo.Record) string {
	switch r.Attrs.TimestampType() {
	case 0:
		return "CreateTime"
	case 1:
		return "LogAppendTime"
	default:
		return "NoTimestampType"
	}
}

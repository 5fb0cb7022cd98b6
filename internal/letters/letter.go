package letters

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// Letter is a dead letter as its headers tell it. Texts that are not told are empty.
type Letter struct {
	// ID is dlq.id, or for another program's letter made from where it lies.
	ID      string
	Dialect Dialect
	// Fault says why a letter of ours cannot be used; "" for a sound one.
	Fault string

	// At is where and when the letter itself was written.
	At Place
	// Source is where the event was read first.
	Source Source

	// Destination is the destination's name, or what another program calls the
	// consumer that gave the record up.
	Destination string
	Stage       string
	Class       string
	// Code is ours, or the exception's class of another program.
	Code string
	// Status is the HTTP status, 0 for none.
	Status      int
	Message     string
	Fingerprint string
	Retryable   string

	Attempts   int
	FirstTry   string // as the header has it
	LastTry    string
	ConfigHash string
	AppVersion string
	Lane       string
	EventID    string
	EventType  string
	Round      int
	PlanID     string
	// Steps took effect before the event died, and Next is the write of which nobody knows, nil
	// for none: whoever sends the letter again goes on from there.
	Steps []sink.StepRecord
	Next  *sink.Announcement
	// Rule is the name of the rule by which the event went, "" for none, and RuleHash that of what
	// the rule asked for, where steps took effect.
	Rule, RuleHash string
	Traceparent    string
	// Pointer marks a letter that names the record and does not hold it.
	Pointer bool
	// Bare marks a letter without the record's headers, which only the record has.
	Bare bool
	// KeptTime marks a letter that was written with the timestamp of its record: At says
	// nothing of when it was written.
	KeptTime bool
}

// Place is a record's place and timestamp.
type Place struct {
	Topic     string    `json:"topic"`
	Partition int32     `json:"partition"`
	Offset    int64     `json:"offset"`
	Timestamp time.Time `json:"timestamp,omitzero"` // zero for an unknown one
}

// String is "topic/partition/offset".
func (p Place) String() string {
	return p.Topic + "/" + strconv.Itoa(int(p.Partition)) + "/" + strconv.FormatInt(p.Offset, 10)
}

// Source is where an event was read. Known is false when the headers do not name
// topic, partition and offset; what they do name is there all the same.
type Source struct {
	Place
	Known         bool   `json:"known"`
	TimestampType string `json:"timestamp_type,omitempty"`
	Group         string `json:"group,omitempty"`
	Cluster       string `json:"cluster,omitempty"`
	// TopicID is the topic's id as Kafka's tools print it.
	TopicID string `json:"topic_id,omitempty"`
	// Epoch is the record's leader epoch, nil if the letter does not name it.
	Epoch *int32 `json:"epoch,omitempty"`
}

// Record is the place by which the event's record is known.
func (s *Source) Record() topics.Place {
	id, _ := topics.ParseTopicID([]byte(s.TopicID)) // one that cannot be read is not known
	at := topics.Place{
		Origin: topics.Origin{Cluster: s.Cluster, TopicID: id},
		Topic:  s.Topic, Partition: s.Partition, Offset: s.Offset, Epoch: -1,
	}
	if s.Epoch != nil {
		at.Epoch = *s.Epoch
	}
	return at
}

// Progress is what was done of the letter's event, nil for nothing.
func (l *Letter) Progress() *sink.Progress {
	p := &sink.Progress{Rule: l.Rule, RuleHash: l.RuleHash, Steps: l.Steps, Next: l.Next}
	if !p.Exists() {
		return nil
	}
	return p
}

// Own reports whether this program wrote the letter, with headers that can be read.
func (l *Letter) Own() bool { return l.Dialect == Own && l.Fault == "" }

// Parse reads a record of a dead-letter topic.
func Parse(rec *kgo.Record) Letter {
	l := Letter{At: Place{rec.Topic, rec.Partition, rec.Offset, rec.Timestamp}}
	if ours, ok := ownHeaders(rec.Headers); ok {
		l.readOwn(ours)
	} else {
		l.readForeign(rec)
	}
	if l.ID == "" {
		l.ID = foreignID(rec)
	}
	return l
}

// foreignID names a letter that has no id by where it lies, as 16 bytes in hex.
func foreignID(rec *kgo.Record) string {
	return hash(16, "letter", rec.Topic, strconv.Itoa(int(rec.Partition)), strconv.FormatInt(rec.Offset, 10))
}

// hash is the beginning, size bytes in hex, of the SHA-256 of parts joined by zero bytes.
func hash(size int, parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:size])
}

// Key is an ID in the form that many of them are kept in.
type Key [16]byte

// KeyOf is the ID's Key; ok is false for a text that is no ID.
func KeyOf(id string) (key Key, ok bool) {
	if len(id) != 2*len(key) {
		return Key{}, false
	}
	_, err := hex.Decode(key[:], []byte(id))
	return key, err == nil
}

// NeedsRecord reports whether the record that the letter names has something that the
// letter does not: all of it, its headers, or its time.
func (l *Letter) NeedsRecord() bool {
	return l.Pointer || l.Dialect != Own && l.Source.Known && !l.KeptTime && (l.Bare || l.Source.Timestamp.IsZero())
}

// Since is a time before which no outcome of the letter's event was written, but for
// clocks that differ; zero if that is not known.
func (l *Letter) Since() time.Time {
	at := l.At.Timestamp
	if l.Source.Known && l.Source.Timestamp.Before(at) {
		at = l.Source.Timestamp
	}
	if at.UnixMilli() <= 0 { // neither -1 nor 0 is a time
		return time.Time{}
	}
	return at
}

// Fill gives a letter what it lacks of the record that it names. The letter's own headers
// stay behind those of the record. It returns false, and takes nothing, when the record is
// not the one that the letter holds: the topic was recreated. A record that is a letter
// itself, of an earlier round of the same dialect, tells the source, and may lack its
// record in turn.
func Fill(rec *kgo.Record, l *Letter, record *kgo.Record) bool {
	same := bytes.Equal(rec.Key, record.Key) && bytes.Equal(rec.Value, record.Value)
	if !l.Pointer && !same {
		return false
	}
	lacks := l.lacksHeaders(rec, record)
	if l.Pointer {
		rec.Key, rec.Value = record.Key, record.Value
	}
	l.Pointer = false
	if lacks {
		rec.Headers = slices.Concat(record.Headers, rec.Headers)
		l.Bare = false
		if first := Parse(record); first.Dialect == l.Dialect && first.Source.Known {
			l.Source, l.Pointer, l.Bare = first.Source, first.Pointer, first.Bare
			return true
		}
	}
	l.Source.Timestamp, l.Source.TimestampType = sink.KnownTime(record.Timestamp), ""
	switch record.Attrs.TimestampType() {
	case 0:
		l.Source.TimestampType = createTime
	case 1:
		l.Source.TimestampType = logAppendTime
	}
	return true
}

// lacksHeaders reports whether the letter is without the headers of its record. Kafka
// Streams leaves key and value out and keeps the headers, in front of its own.
func (l *Letter) lacksHeaders(rec, record *kgo.Record) bool {
	if l.Dialect == KIP1191 {
		return true
	}
	begins := len(rec.Headers) >= len(record.Headers) && slices.EqualFunc(rec.Headers[:len(record.Headers)], record.Headers,
		func(a, b kgo.RecordHeader) bool { return a.Key == b.Key && bytes.Equal(a.Value, b.Value) })
	return l.Pointer && !begins && !slices.ContainsFunc(rec.Headers, func(h kgo.RecordHeader) bool { return dialectOf(h.Key) == "" })
}

// How headers call the kinds of timestamps.
const (
	createTime    = "CreateTime"
	logAppendTime = "LogAppendTime"
)

// Original is the event's record as it was read first, for a Writer that reprocesses
// it: with the coordinates of the source, and with all headers of the letter. A letter
// that does not tell its source stands for itself.
func Original(rec *kgo.Record, l *Letter) *kgo.Record {
	original := &kgo.Record{
		Topic: rec.Topic, Partition: rec.Partition, Offset: rec.Offset, Timestamp: rec.Timestamp, Attrs: rec.Attrs,
		Key: rec.Key, Value: rec.Value, Headers: rec.Headers,
		LeaderEpoch: -1,
	}
	if !l.Source.Known {
		return original
	}
	at := l.Source.Record()
	original.Topic, original.Partition, original.Offset, original.LeaderEpoch = at.Topic, at.Partition, at.Offset, at.Epoch
	if !l.Source.Timestamp.IsZero() || l.Own() { // ours say it if it is known
		original.Timestamp = l.Source.Timestamp
	}
	switch l.Source.TimestampType {
	case createTime:
		original.Attrs = kgo.NewRecordAttrs(kgo.RecordAttrsOpts{})
	case logAppendTime:
		original.Attrs = kgo.NewRecordAttrs(kgo.RecordAttrsOpts{TimestampType: 1})
	case "NoTimestampType":
		original.Attrs = kgo.NewRecordAttrs(kgo.RecordAttrsOpts{TimestampType: -1})
	}
	return original
}

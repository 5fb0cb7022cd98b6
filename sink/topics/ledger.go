package topics

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink"
)

// LedgerEntry says which record of the source an outcome settled.
type LedgerEntry struct {
	Group string
	// Place is that of the source record. Versions before 2 of the checkpoint wrote no Origin.
	Place
	Destination string
	Outcome     sink.Disposition
	// Round is 0 for a live delivery.
	Round int
}

// ParseEntry reads from a record of the responses topic what it settled. ok is false
// for a record that is not one of ours: a header is missing, there twice or not in
// the form that Write gives it. The headers of the Origin may be missing or empty. The
// value is not looked at.
func ParseEntry(rec *kgo.Record) (entry LedgerEntry, ok bool) {
	var r EntryReader
	return r.Parse(rec)
}

// SourceTime is the timestamp of the source record as its outcome has it, zero for an unknown
// one. The error is an *UnreadableError.
func SourceTime(outcome *kgo.Record) (time.Time, error) {
	var o struct {
		Source struct {
			Timestamp sink.Time `json:"timestamp"`
		} `json:"source"`
	}
	if err := json.Unmarshal(outcome.Value, &o); err != nil {
		return time.Time{}, &UnreadableError{outcome.Topic, outcome.Partition, outcome.Offset, err}
	}
	return sink.KnownTime(o.Source.Timestamp.Time), nil
}

// UnreadableError is returned for a record with the headers of an outcome whose value is none.
type UnreadableError struct {
	Topic     string
	Partition int32
	Offset    int64
	Err       error
}

// Error says where the record lies.
func (e *UnreadableError) Error() string {
	return fmt.Sprintf("reading the outcome at %s, partition %d, offset %d: %v", e.Topic, e.Partition, e.Offset, e.Err)
}

// Unwrap returns the reason.
func (e *UnreadableError) Unwrap() error { return e.Err }

// EntryReader parses many entries. It keeps the texts of the latest one, which are mostly
// those of the next, so that they are not allocated again. Its zero value is ready.
type EntryReader struct {
	group, topic, destination, cluster string

	topicIDText []byte
	topicID     TopicID
}

// Parse is ParseEntry.
func (p *EntryReader) Parse(rec *kgo.Record) (entry LedgerEntry, ok bool) {
	entry, ok = p.Read(rec)
	if entry.Outcome == InProgress || entry.Outcome == Claimed {
		return LedgerEntry{}, false
	}
	return entry, ok
}

// Read is ParseEntry that also reads what is no outcome, for those who go on with a source
// partition: Outcome is InProgress or Claimed then.
func (p *EntryReader) Read(rec *kgo.Record) (entry LedgerEntry, ok bool) {
	h, ok := entryHeadersOf(rec)
	if !ok {
		return LedgerEntry{}, false
	}
	topic, partition, offset, okSource := splitCoordinates(h.source)
	epoch, okEpoch := number(h.epoch, 32, -1)
	round, okRound := number(h.round, 32, 0)
	id, okID := p.readTopicID(h.topicID)
	outcome, okOutcome := disposition(h.outcome)
	if !okSource || !okEpoch || !okRound || !okID || !okOutcome {
		return LedgerEntry{}, false
	}
	return LedgerEntry{
		Group: same(&p.group, h.group), Destination: same(&p.destination, h.destination),
		Place: Place{
			Origin: Origin{Cluster: same(&p.cluster, h.cluster), TopicID: id},
			Topic:  same(&p.topic, topic), Partition: partition, Offset: offset, Epoch: int32(epoch),
		},
		Outcome: outcome, Round: int(round),
	}, true
}

// entryHeaders are the values of an outcome's headers.
type entryHeaders struct{ group, source, epoch, topicID, cluster, destination, outcome, round []byte }

// entryHeadersOf finds them, each at most once.
func entryHeadersOf(rec *kgo.Record) (found entryHeaders, ok bool) {
	for _, h := range rec.Headers {
		field, mayBeEmpty := found.field(h.Key)
		if field == nil {
			continue
		}
		if *field != nil || len(h.Value) == 0 && !mayBeEmpty {
			return entryHeaders{}, false
		}
		if *field = h.Value; h.Value == nil {
			*field = []byte{} // it is there
		}
	}
	return found, found.group != nil && found.destination != nil
}

// field is where the value of a header goes, nil for those of others.
func (e *entryHeaders) field(name string) (value *[]byte, mayBeEmpty bool) {
	switch name {
	case headerGroup:
		return &e.group, false
	case headerSource:
		return &e.source, false
	case headerEpoch:
		return &e.epoch, false
	case headerTopicID:
		return &e.topicID, true
	case headerCluster:
		return &e.cluster, true
	case headerDestination:
		return &e.destination, false
	case headerOutcome:
		return &e.outcome, false
	case headerRound:
		return &e.round, false
	default:
		return nil, false
	}
}

func (p *EntryReader) readTopicID(text []byte) (TopicID, bool) {
	if bytes.Equal(text, p.topicIDText) {
		return p.topicID, true
	}
	id, ok := ParseTopicID(text)
	if ok {
		p.topicIDText, p.topicID = append(p.topicIDText[:0], text...), id
	}
	return id, ok
}

// same is text as a string, which last keeps for the next one.
func same(last *string, text []byte) string {
	if *last != string(text) {
		*last = string(text)
	}
	return *last
}

func disposition(text []byte) (sink.Disposition, bool) {
	for _, d := range [...]sink.Disposition{sink.Delivered, sink.Skipped, sink.Dead, InProgress, Claimed} {
		if string(text) == string(d) {
			return d, true
		}
	}
	return "", false
}

// splitCoordinates parts "topic/partition/offset" from the right.
func splitCoordinates(text []byte) (topic []byte, partition int32, offset int64, ok bool) {
	i := bytes.LastIndexByte(text, '/')
	if i < 0 {
		return nil, 0, 0, false
	}
	j := bytes.LastIndexByte(text[:i], '/')
	if j <= 0 {
		return nil, 0, 0, false
	}
	p, okPartition := number(text[j+1:i], 32, 0)
	offset, okOffset := number(text[i+1:], 64, 0)
	return text[:j], int32(p), offset, okPartition && okOffset
}

// number reads a decimal number as strconv writes it, and no other spelling.
func number(text []byte, bits int, least int64) (int64, bool) {
	n, err := strconv.ParseInt(string(text), 10, bits)
	if err != nil || n < least {
		return 0, false
	}
	var again [20]byte
	return n, bytes.Equal(strconv.AppendInt(again[:0], n, 10), text)
}

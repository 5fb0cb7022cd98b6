package topics

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/keys"
)

// headerKey holds, in the record that removes a key, what the value of others does. A record
// without it removes the key whoever wrote it.
const headerKey = "deskstream.key"

// KeyRecord is a record of the topic of keys. CONTRACT: Keys live on.
type KeyRecord struct {
	Group string
	keys.Name
	// Removed says that the key was removed, by the event and under the claim of the Entry.
	Removed bool
	// Forced says that it was removed whoever wrote it; then there is no Entry.
	Forced bool
	keys.Entry
}

// keyText is the value of a KeyRecord.
type keyText struct {
	Ticket   string     `json:"ticket,omitempty"`
	State    string     `json:"state"` // open, closed, removed
	Kept     bool       `json:"kept,omitempty"`
	Source   keySource  `json:"source"`
	Claim    *keyClaim  `json:"claim,omitempty"` // nil for a letter that was sent again
	At       sink.Time  `json:"at"`
	Expires  *sink.Time `json:"expires,omitempty"`
	Redriven bool       `json:"redriven,omitempty"`
}

type keySource struct {
	TopicID   string     `json:"topic_id"`
	Partition int32      `json:"partition"`
	Offset    int64      `json:"offset"`
	Epoch     int32      `json:"epoch"`
	Timestamp *sink.Time `json:"timestamp,omitempty"`
}

type keyClaim struct {
	TopicID   string `json:"topic_id"`
	Partition int32  `json:"partition"`
	Number    int64  `json:"number"`
}

// The states of a key on its topic.
const (
	keyOpen    = "open"
	keyClosed  = "closed"
	keyRemoved = "removed"
)

// KeyPrefix is what the record keys of a lane's keys begin with, for a group and a source topic.
func KeyPrefix(group, topic string, lane keys.Digest) []byte {
	prefix := append(append(append([]byte(group), '/'), topic...), '/')
	return append(hex.AppendEncode(prefix, lane[:]), '/')
}

// NewKeyRecord makes the record of a key, for the partition of its topic that is its hash among n.
func NewKeyRecord(topic string, n int32, k KeyRecord) *kgo.Record {
	r := &kgo.Record{Topic: topic, Key: hex.AppendEncode(KeyPrefix(k.Group, k.Topic, k.Lane), k.Key[:])}
	switch {
	case k.Forced:
	case k.Removed:
		r.Headers = []kgo.RecordHeader{{Key: headerKey, Value: k.text()}}
	default:
		r.Value = k.text()
	}
	r.Partition = keyPartition(r, n)
	return r
}

// keyPartitions places records by the hash of their key as Kafka's own producer does, so that
// what another tool writes under the key lies in the same partition.
var keyPartitions = kgo.StickyKeyPartitioner(nil).ForTopic("")

func keyPartition(r *kgo.Record, n int32) int32 {
	return int32(keyPartitions.Partition(r, int(max(n, 1))))
}

func (k *KeyRecord) text() []byte {
	t := keyText{
		Ticket: k.Ticket, State: keyOpen, Kept: k.Kept, Redriven: k.Redriven, At: sink.Time{Time: time.Now()},
		Source: keySource{
			TopicID: TopicID(k.By.TopicID).String(), Partition: k.By.Partition, Offset: k.By.Offset, Epoch: k.By.Epoch, Timestamp: momentOf(k.By.At),
		},
		Expires: momentOf(k.Expires),
	}
	if !k.Redriven {
		t.Claim = &keyClaim{TopicID: TopicID(k.Claim.TopicID).String(), Partition: k.Claim.Partition, Number: k.Claim.Number}
	}
	switch {
	case k.Removed:
		t.State, t.Ticket = keyRemoved, ""
	case k.Closed:
		t.State = keyClosed
	}
	return []byte(jsonText(t))
}

func momentOf(at time.Time) *sink.Time {
	if at.IsZero() {
		return nil
	}
	return &sink.Time{Time: at}
}

// KeyReader parses many records of the topic of keys. Its zero value is ready.
type KeyReader struct{ group, topic string }

// Parse reads a record of the topic of keys. ok is false for one that is none of ours.
func (p *KeyReader) Parse(rec *kgo.Record) (k KeyRecord, ok bool) {
	if ok = p.parseName(&k, rec.Key); !ok {
		return KeyRecord{}, false
	}
	value := rec.Value
	if k.Removed = value == nil; k.Removed {
		k.Forced = true
		for _, h := range rec.Headers {
			if h.Key == headerKey {
				k.Forced, value = false, h.Value
			}
		}
	}
	if k.Forced {
		return k, true
	}
	return k, parseKeyText(&k, value)
}

// parseName reads group, topic, lane and key from the right, since a group's name may have slashes.
func (p *KeyReader) parseName(k *KeyRecord, text []byte) bool {
	const digits = 2 * len(keys.Digest{})
	at := len(text) - 2*(digits+1)
	if at <= 0 || text[at] != '/' || text[at+digits+1] != '/' {
		return false
	}
	if !parseDigest(&k.Lane, text[at+1:at+1+digits]) || !parseDigest(&k.Key, text[at+2+digits:]) {
		return false
	}
	slash := bytes.LastIndexByte(text[:at], '/')
	if slash <= 0 || slash == at-1 {
		return false
	}
	k.Group, k.Topic = same(&p.group, text[:slash]), same(&p.topic, text[slash+1:at])
	return true
}

func parseDigest(d *keys.Digest, text []byte) bool {
	_, err := hex.Decode(d[:], text)
	return err == nil
}

func parseKeyText(k *KeyRecord, value []byte) bool {
	var t keyText
	if json.Unmarshal(value, &t) != nil {
		return false
	}
	source, ok := ParseTopicID([]byte(t.Source.TopicID))
	if !ok || k.Removed != (t.State == keyRemoved) || !k.Removed && t.State != keyOpen && t.State != keyClosed {
		return false
	}
	k.Entry = keys.Entry{
		Ticket: t.Ticket, Closed: t.State == keyClosed, Kept: t.Kept, Redriven: t.Redriven || t.Claim == nil,
		By: keys.Event{TopicID: keys.ID(source), Partition: t.Source.Partition, Offset: t.Source.Offset, Epoch: t.Source.Epoch},
	}
	if !k.Redriven {
		responses, ok := ParseTopicID([]byte(t.Claim.TopicID))
		if !ok {
			return false
		}
		k.Claim = keys.Claim{TopicID: keys.ID(responses), Partition: t.Claim.Partition, Number: t.Claim.Number}
	}
	if t.Source.Timestamp != nil {
		k.By.At = t.Source.Timestamp.Time
	}
	if t.Expires != nil {
		k.Expires = t.Expires.Time
	}
	return true
}

// WriteKey writes a record of a key of the Writer's group. It does not block. source is the record
// of the event that it is written for. done is called as Write calls it, with the record's partition.
func (w *Writer) WriteKey(ctx context.Context, source *kgo.Record, k KeyRecord, done func(partition int32, offset int64, err error)) {
	k.Group = w.cfg.Group
	made := NewKeyRecord(w.cfg.Keys, w.cfg.KeyPartitions, k)
	w.begin(&parcel{
		ctx: ctx, target: w.key, source: source,
		build: func(int) *kgo.Record { return new(*made) },
		done:  func(offset int64, err error) { done(made.Partition, offset, err) },
	}, false)
}

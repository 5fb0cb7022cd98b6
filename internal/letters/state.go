package letters

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink/topics"
)

// Status is what became of a letter.
type Status string

// The statuses. A letter without a state is Open.
const (
	Open      Status = "open"
	Sending   Status = "sending"   // an apply has begun with it; if none runs, one was ended in the midst of it
	Delivered Status = "delivered" // by an apply
	Skipped   Status = "skipped"   // an apply found nothing to do any more
	Died      Status = "dead"      // again: Next is its new letter
	Discarded Status = "discarded" // somebody decided
)

// Closed reports whether nothing is to be done about the letter any more.
func (s Status) Closed() bool { return s != Open && s != Sending && s != "" }

// State is one record of the state topic, whose key is the letter's id. The latest
// state of an id counts.
type State struct {
	ID     string    `json:"id"`
	Status Status    `json:"status"`
	At     time.Time `json:"at"`
	// Round is that of the apply, from 1 up; 0 for a discarded letter.
	Round       int    `json:"round,omitempty"`
	Plan        string `json:"plan,omitempty"`
	Destination string `json:"destination,omitempty"`
	Source      *Place `json:"source,omitempty"`
	// Cluster and TopicID say of which topic Source is, as a letter does.
	Cluster string `json:"cluster,omitempty"`
	TopicID string `json:"topic_id,omitempty"`
	// Epoch is the leader epoch of the record at Source, nil if it is not known.
	Epoch *int32 `json:"epoch,omitempty"`
	// LetterTopicID is the id of the topic that the letter lies on.
	LetterTopicID string `json:"letter_topic_id,omitempty"`
	// Next is the id of the letter that was written when it died again.
	Next string `json:"next,omitempty"`
	// Reason and By say why it was discarded, and who decided.
	Reason string `json:"reason,omitempty"`
	By     string `json:"by,omitempty"`
	Schema int    `json:"schema"`
}

// Origin is that of the source.
func (s *State) Origin() topics.Origin {
	id, _ := topics.ParseTopicID([]byte(s.TopicID)) // one that cannot be read is not known
	return topics.Origin{Cluster: s.Cluster, TopicID: id}
}

const stateSchema = 1

// Record is the state as a record of its topic, which has n partitions.
func (s State) Record(topic string, n int32) (*kgo.Record, error) {
	key, ok := KeyOf(s.ID)
	if !ok {
		return nil, fmt.Errorf("writing a letter's state: %q is no letter's id", s.ID)
	}
	s.Schema = stateSchema
	value, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("writing a letter's state: %w", err)
	}
	return &kgo.Record{Topic: topic, Partition: int32(key[0]) % max(n, 1), Key: []byte(s.ID), Value: value}, nil
}

// States are the latest states of letters.
type States map[Key]State

// Origin says who wrote a record of the state topic.
type Origin int

// The origins of a record.
const (
	// Ours is a state of this version of the program, or one that is taken back.
	Ours Origin = iota
	// Newer is a state with a schema that this version does not know. What it knows of it
	// counts, so that nothing is sent again that a newer version has settled.
	Newer
	// Foreign is no state at all: another program has written it.
	Foreign
)

// Take reads one record of the state topic and says whose it is. A record without a
// value takes the state of its letter back.
func (m States) Take(rec *kgo.Record) Origin {
	if topics.HoldGroup(rec.Key) != "" {
		return Ours // an operator's hold lies beside them
	}
	key, ok := KeyOf(string(rec.Key))
	if !ok {
		return Foreign
	}
	if rec.Value == nil {
		delete(m, key)
		return Ours
	}
	var s State
	if err := json.Unmarshal(rec.Value, &s); err != nil || s.ID != string(rec.Key) || s.Schema < stateSchema {
		return Foreign
	}
	// Ids stay in their partition, so that the last is the latest, until the topic gets
	// more partitions.
	if before, there := m[key]; !there || !s.At.Before(before.At) {
		m[key] = s
	}
	if s.Schema > stateSchema {
		return Newer
	}
	return Ours
}

// Status is what became of the letter of an id. Another letter can have the same id:
// journal.StateOf compares their records, too.
func (m States) Status(id string) Status {
	key, ok := KeyOf(id)
	if !ok {
		return Open
	}
	if s, there := m[key]; there {
		return s.Status
	}
	return Open
}

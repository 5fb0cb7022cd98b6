package journal

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// Record identifies a record of a source topic, as a letter, a state, an outcome or the topic
// itself describes it.
type Record struct {
	topics.Place
	// Timestamp is the record's, zero for an unknown one.
	Timestamp time.Time
}

// RecordOf returns the Record of a record from a source topic with the ids of origin.
func RecordOf(r *kgo.Record, origin topics.Origin) Record {
	return Record{
		Place: topics.Place{Origin: origin, Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Epoch: r.LeaderEpoch},

		Timestamp: sink.KnownTime(r.Timestamp),
	}
}

// Is reports whether both can be the same record. Where the id of the topic is missing on one
// side, the timestamps decide: after the topic was recreated another record has the place.
func (r Record) Is(other Record) bool {
	if !r.Matches(other.Place) {
		return false
	}
	return r.identified(other.Place) || sameTime(r.Timestamp, other.Timestamp)
}

// identified reports whether the ids of the topic are known on both sides.
func (r Record) identified(other topics.Place) bool {
	return r.TopicID != topics.TopicID{} && other.TopicID != topics.TopicID{}
}

// sameTime reports whether two timestamps can be of one record. An unknown one equals any.
func sameTime(a, b time.Time) bool {
	return a.IsZero() || b.IsZero() || a.UnixMilli() == b.UnixMilli()
}

// SettledBy reports whether an outcome with the headers e belongs to the record. It reads the
// outcome's value only where the ids do not decide; a progress has none, and belongs to it then.
func (r Record) SettledBy(e *topics.LedgerEntry, outcome *kgo.Record) (bool, error) {
	if !r.Matches(e.Place) {
		return false, nil
	}
	if r.identified(e.Place) || r.Timestamp.IsZero() || e.Outcome == topics.InProgress {
		return true, nil
	}
	at, err := topics.SourceTime(outcome)
	return err == nil && sameTime(r.Timestamp, at), err
}

package trail

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// Record is a record of a source topic, as far as a letter, a state, an outcome or the topic
// itself tells of it.
type Record struct {
	topics.Place
	// Timestamp is the record's, zero for an unknown one.
	Timestamp time.Time
}

// RecordOf is a record of a source topic, which is of origin.
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

// SettledBy reports whether an outcome, whose headers are e, is of the record. Its value is
// read only where the ids do not tell.
func (r Record) SettledBy(e *topics.LedgerEntry, outcome *kgo.Record) (bool, error) {
	if !r.Matches(e.Place) {
		return false, nil
	}
	if r.identified(e.Place) || r.Timestamp.IsZero() {
		return true, nil
	}
	at, err := SourceTime(outcome)
	return err == nil && sameTime(r.Timestamp, at), err
}

// SourceTime is the timestamp of the source record as its outcome tells it, zero for an
// unknown one.
func SourceTime(outcome *kgo.Record) (time.Time, error) {
	o, err := Outcome(outcome)
	if err != nil || o.Source == nil {
		return time.Time{}, err
	}
	return sink.KnownTime(o.Source.Timestamp.Time), nil
}

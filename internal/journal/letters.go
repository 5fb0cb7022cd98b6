package journal

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/sink/topics"
)

// LetterRecord returns the source record of a letter, as the letter describes it.
func LetterRecord(l *letters.Letter) Record {
	return Record{Place: l.Source.Record(), Timestamp: l.Source.Timestamp}
}

// Letters remembers which letters were seen. Letters of one record, destination and round are
// one letter, whatever their ids are: earlier versions made ids without the topic's id, so
// that two letters can have one id, and one letter two. Each letter of another program is a
// letter of its own. Letters keeps 32 bytes per letter.
type Letters struct {
	first   map[[16]byte]sighting
	others  map[[16]byte][]sighting // of records at a place of the same name
	origins []topics.Origin
	known   map[topics.Origin]int32 // their places in origins
	// Twice is how many letters were seen a second time.
	Twice int
}

// sighting is what distinguishes the record of a letter from others at its place.
type sighting struct {
	millis        int64 // the record's timestamp, 0 for an unknown one
	origin, epoch int32
}

// NewLetters returns an empty Letters.
func NewLetters() *Letters {
	return &Letters{first: map[[16]byte]sighting{}, others: map[[16]byte][]sighting{}, known: map[topics.Origin]int32{}}
}

// Seen reports whether the letter was seen before, and counts it in Twice if so.
func (k *Letters) Seen(l *letters.Letter) bool {
	if !l.Own() {
		return false
	}
	record, key := LetterRecord(l), placeKey(l)
	now := k.sighting(record)
	first, there := k.first[key]
	switch {
	case !there:
		k.first[key] = now
		return false
	case record.Is(k.record(first, record)) || slices.ContainsFunc(k.others[key], func(s sighting) bool { return record.Is(k.record(s, record)) }):
		k.Twice++
		return true
	}
	k.others[key] = append(k.others[key], now)
	return false
}

// placeKey identifies a letter by names only.
func placeKey(l *letters.Letter) (key [16]byte) {
	text := make([]byte, 0, 128)
	text = append(append(text, l.Source.Topic...), 0)
	text = append(append(text, l.Destination...), 0)
	text = binary.BigEndian.AppendUint32(text, uint32(l.Source.Partition))
	text = binary.BigEndian.AppendUint64(text, uint64(l.Source.Offset))
	text = binary.BigEndian.AppendUint64(text, uint64(l.Round))
	sum := sha256.Sum256(text)
	copy(key[:], sum[:])
	return key
}

func (k *Letters) sighting(record Record) sighting {
	origin, there := k.known[record.Origin]
	if !there {
		origin = int32(len(k.origins))
		k.origins, k.known[record.Origin] = append(k.origins, record.Origin), origin
	}
	s := sighting{origin: origin, epoch: record.Epoch}
	if !record.Timestamp.IsZero() {
		s.millis = record.Timestamp.UnixMilli()
	}
	return s
}

// record returns the record of a sighting at a place.
func (k *Letters) record(s sighting, at Record) Record {
	at.Origin, at.Epoch, at.Timestamp = k.origins[s.origin], s.epoch, time.Time{}
	if s.millis != 0 {
		at.Timestamp = time.UnixMilli(s.millis)
	}
	return at
}

// StateOf returns the state of a letter on the dead-letter topic with the given id, if it has
// one. The state may have the id that an earlier version made. A state with the letter's id
// that belongs to a different letter does not count.
func StateOf(states letters.States, l *letters.Letter, letterTopic topics.TopicID) (letters.State, bool) {
	ids := []string{l.ID}
	if at := l.Source.Record(); l.Own() && at.TopicID != (topics.TopicID{}) {
		at.TopicID = topics.TopicID{}
		ids = append(ids, topics.LetterID(at, l.Destination, l.Round))
	}
	for _, id := range ids {
		if key, ok := letters.KeyOf(id); ok {
			if s, there := states[key]; there && stateIsOf(&s, l, letterTopic) {
				return s, true
			}
		}
	}
	return letters.State{}, false
}

// stateIsOf reports whether a state can belong to a letter. The id of another program's
// letter is made from the letter's place, that of ours from the place of its source record.
func stateIsOf(s *letters.State, l *letters.Letter, letterTopic topics.TopicID) bool {
	if !l.Own() {
		at, ok := topics.ParseTopicID([]byte(s.LetterTopicID))
		return !ok || topics.Origin{TopicID: at}.Matches(topics.Origin{TopicID: letterTopic})
	}
	return s.Source == nil || LetterRecord(l).Is(StateRecord(s))
}

// StateRecord is the source record of the letter that a state is of.
func StateRecord(s *letters.State) Record {
	at := topics.Place{Origin: s.Origin(), Topic: s.Source.Topic, Partition: s.Source.Partition, Offset: s.Source.Offset, Epoch: -1}
	if s.Epoch != nil {
		at.Epoch = *s.Epoch
	}
	return Record{Place: at, Timestamp: s.Source.Timestamp}
}

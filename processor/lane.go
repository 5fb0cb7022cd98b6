package processor

import (
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

// record is one record that is open: fetched and not settled.
type record struct {
	*kgo.Record
	// position is where, in the responses partition, the outcomes of this record and
	// of all later ones lie at the earliest.
	position int64
	arrival  int64 // counts the records that this process took in
	bytes    int64
	decoder  mapping.Decoder // nil until it is known
	progress *sink.Progress  // what is on record of it, nil for nothing
	life     int32           // of its partition in which it was put there
	priority mapping.Priority
	alone    bool     // it does not go out with others of its lane
	message  *message // for its repeats; nil where they pass

	behind     *record // the next of its lane
	prev, next *record // neighbours in the partition's open list
}

// laneKey names a lane within its partition.
type laneKey struct {
	value string // "" for a record that stands alone
	alone int64  // the offset of such a record, so that no other shares its lane
}

// lane is a queue of open records of one partition. Its first record may be in
// flight; an empty lane is not kept.
type lane struct {
	part *partition
	key  laneKey
	head *record
	tail *record
	size int64 // records from head to tail
	// Of them are high and low; the others are normal.
	high, low uint32

	ready    bool                         // it is in the laneQueue
	parked   bool                         // it is not, and waits for records that are to be read, see partition.awaits
	inFlight bool                         // the first record was started and is not settled
	rank     uint8                        // of the heap that it is in there
	at       int                          // its place in that heap
	turn     int64                        // its place in that one's order
	since    time.Time                    // when the first record became that
	session  atomic.Pointer[sink.Session] // of the first record until its outcome is written
}

// push puts a record at the end and reports whether it is the first.
func (l *lane) push(r *record) bool {
	l.size++
	l.count(r, 1)
	if l.head == nil {
		l.head, l.tail, l.since = r, r, time.Now()
		return true
	}
	l.tail.behind = r
	l.tail = r
	return false
}

// pop takes the first record away and reports whether there is another.
func (l *lane) pop() bool {
	l.size--
	l.count(l.head, -1)
	l.head, l.since = l.head.behind, time.Now()
	return l.head != nil
}

// count takes in that a record joins the lane or leaves it.
func (l *lane) count(r *record, n int32) {
	switch r.priority {
	case mapping.High:
		l.high += uint32(n)
	case mapping.Low:
		l.low += uint32(n)
	default: // the others are counted by what is left
	}
}

// priority is that of the most urgent event of the lane.
func (l *lane) priority() mapping.Priority {
	switch {
	case l.high > 0:
		return mapping.High
	case int64(l.low) < l.size:
		return mapping.Normal
	default:
		return mapping.Low
	}
}

// sizeOf is about how many bytes a record keeps in memory.
func sizeOf(r *kgo.Record) int64 {
	size := len(r.Key) + len(r.Value) + recordOverhead
	for _, h := range r.Headers {
		size += len(h.Key) + len(h.Value)
	}
	return int64(size)
}

// recordOverhead is about what a record takes besides its bytes: the structs here
// and kgo's, and its share of a lane.
const recordOverhead = 544

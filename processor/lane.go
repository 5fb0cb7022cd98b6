package processor

import (
	"container/heap"
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

	ready   bool                         // it is in the laneQueue
	at      int                          // its place in that one's heap
	turn    int64                        // its place in that one's order
	since   time.Time                    // when the first record became that
	inAir   bool                         // the first record was started and is not settled
	session atomic.Pointer[sink.Session] // of the first record until its outcome is written
}

// push puts a record at the end and reports whether it is the first.
func (l *lane) push(r *record) bool {
	l.size++
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
	l.head, l.since = l.head.behind, time.Now()
	return l.head != nil
}

// laneQueue is the lanes that are ready: their first record may start. What came first is
// next, so that nobody waits for long and the commit goes on, with one exception. The
// records of a lane start one after the other, one in the time in which each of the
// destination's places takes one. So for its last record to start when its time comes, a
// lane with many has to begin earlier, that many rounds before, or it would be what is
// left in the end, with all other places empty. It begins twice as many before, as a
// user who has many now has more to come that is not read yet.
type laneQueue struct {
	lanes  laneHeap
	places int64 // of the destination: its delivery.max_in_flight
}

func (q *laneQueue) push(l *lane) {
	l.ready, l.turn = true, q.turn(l)
	heap.Push(&q.lanes, l)
}

// grown is told that a lane has got another record, which may bring its turn forward.
func (q *laneQueue) grown(l *lane) {
	if turn := q.turn(l); l.ready && turn < l.turn {
		l.turn = turn
		heap.Fix(&q.lanes, l.at)
	}
}

func (q *laneQueue) turn(l *lane) int64 { return q.turnOf(l.head, l.tail, l.size) }

func (q *laneQueue) turnOf(head, tail *record, size int64) int64 {
	return min(head.arrival, tail.arrival-2*(size-1)*q.places)
}

// nextIs reports whether a lane would be next without its first record.
func (q *laneQueue) nextIs(l *lane) bool {
	head := l.head.behind
	return head != nil && (len(q.lanes) == 0 || q.turnOf(head, l.tail, l.size-1) <= q.lanes[0].turn)
}

// enough reports whether so many lanes are ready that no place will be free for lack of one.
// Lanes of which a record is in flight, or waits for its next attempt, are not ready.
func (q *laneQueue) enough() bool { return int64(len(q.lanes)) >= readyForPlace*q.places }

// readyForPlace is how many lanes are ready for each place when there are enough.
const readyForPlace = 4

// remove takes out the lanes of a partition.
func (q *laneQueue) remove(part *partition) {
	for _, l := range part.lanes {
		if l.ready {
			heap.Remove(&q.lanes, l.at)
			l.ready = false
		}
	}
}

// pop gives the lane whose turn it is, nil if none is ready.
func (q *laneQueue) pop() *lane {
	if len(q.lanes) == 0 {
		return nil
	}
	l := heap.Pop(&q.lanes).(*lane)
	l.ready = false
	return l
}

// laneHeap implements heap.Interface.
type laneHeap []*lane

func (h laneHeap) Len() int           { return len(h) }
func (h laneHeap) Less(i, j int) bool { return h[i].turn < h[j].turn }

func (h laneHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}

func (h *laneHeap) Push(x any) {
	l := x.(*lane)
	l.at = len(*h)
	*h = append(*h, l)
}

func (h *laneHeap) Pop() any {
	last := len(*h) - 1
	l := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return l
}

// copyRecord copies what waits out of its fetch batch: a fetched record is a slice of
// its whole batch and would keep all of it alive.
func copyRecord(src *kgo.Record) (*kgo.Record, int64) {
	size := len(src.Key) + len(src.Value)
	for _, h := range src.Headers {
		size += len(h.Value)
	}
	buf := make([]byte, 0, size)
	keep := func(b []byte) []byte {
		if b == nil {
			return nil // a null value is a tombstone, an empty one is not
		}
		from := len(buf)
		buf = append(buf, b...)
		return buf[from:len(buf):len(buf)]
	}
	r := *src
	r.Timestamp = sink.KnownTime(src.Timestamp)
	r.Key, r.Value = keep(src.Key), keep(src.Value)
	if src.Headers != nil {
		r.Headers = make([]kgo.RecordHeader, len(src.Headers))
		for i, h := range src.Headers {
			r.Headers[i] = kgo.RecordHeader{Key: h.Key, Value: keep(h.Value)}
			size += len(h.Key)
		}
	}
	return &r, int64(size) + recordOverhead
}

// recordOverhead is about what a record takes besides its bytes: the structs here
// and kgo's, and its share of a lane.
const recordOverhead = 512

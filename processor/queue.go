package processor

import (
	"container/heap"

	"github.com/deskstream/deskstream/mapping"
)

// laneQueue is the lanes that are ready: their first record may start. What came first is
// next, so that nobody waits for long and the commit goes on, with one exception. The
// records of a lane start one after the other, one in the time in which each of the
// destination's places takes one. So a lane with many has to begin that many rounds earlier,
// or it is left at the end, with all other places empty. It begins twice as many earlier, since a
// user who has many records now has more to come that are not read yet. Without this exception 20,000
// events of which some users have more than others take 7.5 % longer
// (TestPressure_whatMayBeInFlightIsInFlight).
//
// Each priority has lanes of its own: those of its most urgent event.
type laneQueue struct {
	lanes  [len(mapping.Priorities)]laneHeap // by rank
	places int64                             // of the destination: its delivery.max_in_flight
}

func (q *laneQueue) push(l *lane) {
	l.ready, l.turn, l.rank = true, q.turn(l), uint8(l.priority().Rank())
	heap.Push(&q.lanes[l.rank], l)
}

// grown takes in that a lane has another record, which may bring its turn forward. It reports
// whether the lane is among more urgent ones now.
func (q *laneQueue) grown(l *lane) (raised bool) {
	if !l.ready {
		return false
	}
	if l.priority().Rank() < int(l.rank) {
		q.take(l)
		q.push(l)
		return true
	}
	if turn := q.turn(l); turn < l.turn {
		l.turn = turn
		heap.Fix(&q.lanes[l.rank], l.at)
	}
	return false
}

// take takes a ready lane out.
func (q *laneQueue) take(l *lane) {
	heap.Remove(&q.lanes[l.rank], l.at)
	l.ready = false
}

func (q *laneQueue) turn(l *lane) int64 { return q.turnOf(l.head, l.tail, l.size) }

func (q *laneQueue) turnOf(head, tail *record, size int64) int64 {
	return min(head.arrival, tail.arrival-2*(size-1)*q.places)
}

// nextIs reports whether a lane would be next without its first record.
func (q *laneQueue) nextIs(l *lane) bool {
	head := l.head.behind
	if head == nil {
		return false
	}
	for i := range q.lanes {
		if len(q.lanes[i]) > 0 {
			return i >= l.priority().Rank() && q.turnOf(head, l.tail, l.size-1) <= q.lanes[i][0].turn
		}
	}
	return true
}

// enough reports whether so many lanes are ready that no place will be free for lack of one.
// Lanes of which a record is in flight, or waits for its next attempt, are not ready.
func (q *laneQueue) enough() bool {
	ready := 0
	for i := range q.lanes {
		ready += len(q.lanes[i])
	}
	return int64(ready) >= readyForPlace*q.places
}

// isEmpty reports whether no lane is ready.
func (q *laneQueue) isEmpty() bool {
	for i := range q.lanes {
		if len(q.lanes[i]) > 0 {
			return false
		}
	}
	return true
}

// readyForPlace is how many lanes are ready for each place when there are enough.
const readyForPlace = 4

// remove takes out the lanes of a partition.
func (q *laneQueue) remove(part *partition) {
	for _, l := range part.lanes {
		if l.ready {
			q.take(l)
		}
	}
}

// pop gives the lane whose turn it is of those of a priority, nil if none is ready.
func (q *laneQueue) pop(priority mapping.Priority) *lane {
	lanes := &q.lanes[priority.Rank()]
	if len(*lanes) == 0 {
		return nil
	}
	l := heap.Pop(lanes).(*lane)
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

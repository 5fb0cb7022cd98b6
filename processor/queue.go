package processor

import "container/heap"

// laneQueue is the lanes that are ready: their first record may start. What came first is
// next, so that nobody waits for long and the commit goes on, with one exception. The
// records of a lane start one after the other, one in the time in which each of the
// destination's places takes one. So a lane with many has to begin that many rounds earlier,
// or it is left at the end, with all other places empty. It begins twice as many earlier, since a
// user who has many records now has more to come that are not read yet. Without this exception 20,000
// events of which some users have more than others take 7.5 % longer
// (TestPressure_whatMayBeInFlightIsInFlight).
type laneQueue struct {
	lanes  laneHeap
	places int64 // of the destination: its delivery.max_in_flight
}

func (q *laneQueue) push(l *lane) {
	l.ready, l.turn = true, q.turn(l)
	heap.Push(&q.lanes, l)
}

// grown takes in that a lane has another record, which may bring its turn forward.
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

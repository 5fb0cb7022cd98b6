package processor

import (
	"sync/atomic"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

// next takes the lane of a priority whose turn it is, nil if none is ready.
func (b *book) next(priority mapping.Priority) *lane {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.queue.pop(priority)
	if !b.queue.enough() {
		signal(b.roomFreed)
	}
	return l
}

// anyReady reports whether a lane of a priority is ready.
func (b *book) anyReady(priority mapping.Priority) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.queue.lanes[priority.Rank()]) > 0
}

// priorityOf is how urgent a lane is that is in flight.
func (b *book) priorityOf(l *lane) mapping.Priority {
	b.mu.Lock()
	defer b.mu.Unlock()
	return l.priority()
}

// start counts the lane's first record as in flight; nil when its partition was taken
// away while it waited for its place.
func (b *book) start(l *lane) *record {
	b.mu.Lock()
	defer b.mu.Unlock()
	if l.part.phase != active {
		return nil
	}
	l.part.inFlight++
	l.inFlight = true
	return l.head
}

// nextIs reports whether the record behind a lane's first would be the next to start if the
// first were settled now.
func (b *book) nextIs(l *lane) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.queue.nextIs(l)
}

// interrupted puts an event back that was left without a verdict, with what is on record of it.
// Its record is open as before; its lane goes on only if the partition is still delivered, which is not
// so when the interruption was a stop.
func (b *book) interrupted(l *lane, progress *sink.Progress) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l.head.progress = progress
	b.completed(l)
	if l.part.phase == active {
		b.ready(l)
	}
}

// settle takes in that the outcome of a lane's first record is acknowledged, at that offset of
// its responses partition, -1 for an unknown one. The next of the lane may start, unless that is
// settled by the same calls. It reports whether that partition has given later offsets before.
func (b *book) settle(s *settling, offset int64) (behind bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l, o := s.lane, s.entry.Outcome
	part, r := l.part, l.head
	if s.then == nil {
		b.completed(l)
	}
	if part.phase == gone {
		b.counts.lateEffect(o)
		return false // counted as released when the partition went
	}
	behind = offset >= 0 && offset < r.position
	part.position = max(part.position, offset+1)
	part.unlink(r)
	b.room.give(r)
	b.counts.settled(o)
	b.counts.ofPriority[r.priority.Rank()]++
	b.reasons.settled(o, r.Timestamp, r.trace().ID())
	if o.MergedInto != nil {
		b.counts.merged++
	}
	released := part.repeats.settled(r, o)
	switch {
	case !l.pop():
		b.room.lanes--
		delete(part.lanes, l.key)
	case s.then != nil: // it is in flight with this one
	case part.phase == active:
		b.ready(l)
	}
	b.wake(released)
	b.resumeAtSpan(part)
	signal(b.roomFreed)
	return behind
}

// isBehind reports whether an outcome was acknowledged at an offset before its record was read:
// another record has that. Its topic lost its end, or it was not written, see errNotWritten.
func (b *book) isBehind(l *lane, r *record, offset int64) bool {
	if offset < 0 || offset >= atomic.LoadInt64(&r.position) {
		return false // hardly ever is one behind, and the lock is a busy one
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return offset < r.position && l.part.phase != gone
}

// leftOpen takes in that the first event of a lane got no outcome: its partition goes.
func (b *book) leftOpen(l *lane) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.completed(l)
}

// ready puts a lane into the queue, unless its first record waits for one of its message id, or for
// those of its lane that an earlier owner may have sent with it.
func (b *book) ready(l *lane) {
	l.parked = false
	if l.head.message.waits() {
		return
	}
	if l.part.awaits(l) {
		l.parked = true
		return
	}
	b.queue.push(l)
	signal(b.laneReady[l.rank])
}

// wake puts the lanes of records into the queue that wait no more for one of their message id.
func (b *book) wake(released []*record) {
	for _, r := range released {
		if l := r.message.lane; l.part.phase == active && l.head == r && !l.ready {
			b.ready(l)
		}
	}
}

// completed takes in that an event of a lane is not in flight any more. Who waits for the
// partition's last one is woken.
func (b *book) completed(l *lane) {
	l.inFlight = false
	part := l.part
	part.inFlight--
	if part.inFlight > 0 || part.phase < draining {
		return
	}
	part.hasDrained()
	if b.draining[part.topicPartition] == part {
		delete(b.draining, part.topicPartition)
	}
}

package processor

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// An owner of a partition that sends several events of a lane as one puts that on record first, see
// joining.record. The next owner finds it if there is no outcome of the newest of them, and sends no
// less: the lane waits until its queue has that one too. Otherwise the help desk would have an older
// value again, until the call after it.

// wentOut takes in that an event, and others before it in its lane, may have gone out.
func (l *ledgerRead) wentOut(key recordKey, lane string) {
	if l.done.has(key.offset, key.epoch) {
		return
	}
	l.done.reach(key.offset)
	if l.joined == nil {
		l.joined = make(map[recordKey]string)
	}
	l.joined[key] = lane
}

// joined are, by lane, the newest events of a partition that may have gone out and have no outcome.
func (l *ledgerReads) joined(part *partition) map[string]int64 {
	read := l.wanted[part.topicPartition]
	if read == nil || len(read.joined) == 0 {
		return nil
	}
	newest := make(map[string]int64, len(read.joined))
	for key, lane := range read.joined {
		newest[lane] = max(newest[lane], key.offset)
	}
	return newest
}

// inherit takes in what earlier owners may have sent.
func (p *partition) inherit(joined map[string]int64) {
	p.joined, p.lookedAt = joined, time.Now()
	p.inherits.Store(len(joined) > 0)
}

// queued is one past the newest offset of which the record is in its lane.
func (p *partition) queued() int64 {
	if len(p.undecoded) > 0 {
		return p.undecoded[0].Offset
	}
	return p.next
}

// awaits reports whether a lane has to wait for records that an earlier owner may have sent with
// its first.
func (p *partition) awaits(l *lane) bool {
	if p.joined == nil {
		return false
	}
	last, ok := p.joined[l.key.value]
	return ok && p.queued() <= last
}

// awaitsIntake reports whether lanes wait for records that are to be read.
func (p *partition) awaitsIntake() bool {
	for _, last := range p.joined {
		if p.queued() <= last {
			return true
		}
	}
	return false
}

// awaitsIntake reports whether nothing goes on before more is read: no event is in flight, none may
// start, and lanes wait for records. Were a limit to stop intake then, it would stop permanently.
func (b *book) awaitsIntake() bool {
	awaits := false
	for _, part := range b.parts {
		if part.inFlight > 0 {
			return false
		}
		awaits = awaits || part.awaitsIntake()
	}
	return awaits && b.queue.isEmpty()
}

// readyJoined lets lanes go of which all is read that an earlier owner may have sent.
func (b *book) readyJoined(part *partition) {
	for value, last := range part.joined {
		l := part.lanes[laneKey{value: value}]
		switch {
		case part.queued() <= last:
		case l == nil || l.head.Offset > last:
			delete(part.joined, value)
		case l.parked: // else it is in the queue, waits for its place, or is in flight
			b.ready(l)
		}
	}
	if len(part.joined) == 0 {
		part.joined = nil
	}
}

// sentUpTo is the newest record of a lane that an earlier owner may have sent, -1 for none.
func (b *book) sentUpTo(l *lane) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if last, ok := l.part.joined[l.key.value]; ok {
		return last
	}
	return -1
}

// lookForJoined is how long lanes wait for a record before it is asked whether the source has it.
const lookForJoined = 10 * time.Second

// passMissing lets lanes go that wait for a record that the source no longer has: it expired, or the
// log was cut off.
func (p *Processor) passMissing(ctx context.Context) {
	waiting := p.book.choose(func(part *partition) bool {
		return part.phase == active && part.joined != nil && time.Since(part.lookedAt) >= lookForJoined && part.awaitsIntake()
	})
	if len(waiting) == 0 {
		return
	}
	var names []string
	for _, part := range waiting {
		names = append(names, part.topic)
	}
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	start, err := p.kafka.admin.ListStartOffsets(ctx, names...)
	if err != nil {
		return // the next round asks again
	}
	end, err := p.kafka.admin.ListEndOffsets(ctx, names...)
	if err != nil {
		return
	}
	p.book.passMissing(waiting, start, end)
}

func (b *book) passMissing(waiting []*partition, start, end kadm.ListedOffsets) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, part := range waiting {
		from, okFrom := start.Lookup(part.topic, part.id)
		to, okTo := end.Lookup(part.topic, part.id)
		if !okFrom || !okTo || from.Err != nil || to.Err != nil || part.phase != active {
			continue
		}
		part.lookedAt = time.Now()
		for value, last := range part.joined {
			if last >= from.Offset && last < to.Offset || part.queued() > last {
				continue
			}
			delete(part.joined, value)
			if l := part.lanes[laneKey{value: value}]; l != nil && l.parked {
				b.ready(l)
			}
		}
	}
}

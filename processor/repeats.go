package processor

import (
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// repeats finds the records of a partition that repeat another one's message id. Of the open
// records with one id the first is delivered, and the others wait for it: they are repeats when it
// is delivered or skipped. When it is dead, the next of them takes its place. Records wait for
// earlier offsets only, in lanes too, so none waits in a circle.
//
// Whether a record is a repeat is decided once, when it is taken in or when the one before it is
// settled: however long it waits for its turn then, it stays one.
//
// A nil *repeats finds none. It is guarded by the book's lock.
type repeats struct {
	seen *seenIDs
	// first are the open records for which others with their id wait, or would.
	first map[sink.EventDigest]*record
}

func newRepeats(window time.Duration) *repeats {
	return &repeats{seen: newSeenIDs(window), first: make(map[sink.EventDigest]*record)}
}

// message is what is known of an open record's message id.
type message struct {
	id      sink.EventDigest
	lane    *lane
	waiting []*record // for this one, by offset
	after   bool      // this one waits for another
	repeat  bool
}

// waits reports whether the record waits for an earlier one of its id.
func (m *message) waits() bool { return m != nil && m.after }

// isRepeat reports whether the record is to be skipped.
func (m *message) isRepeat() bool { return m != nil && m.repeat }

// takeIn looks a record up that is about to join its lane. One with progress has begun already:
// it goes on, and waits for none.
func (p *repeats) takeIn(reader *mapping.Reader, l *lane, r *record) {
	if p == nil {
		return
	}
	m := &message{id: sink.DigestOf(reader.RepeatID(r.decoder, r.Value)), lane: l}
	if m.id == (sink.EventDigest{}) {
		return
	}
	first := p.first[m.id]
	switch {
	case r.progress != nil && first != nil:
		return
	case r.progress == nil && p.seen.has(m.id, time.Now()):
		m.repeat = true
	case first != nil:
		m.after = true
		first.message.waiting = append(first.message.waiting, r)
	default:
		p.first[m.id] = r
	}
	r.message = m
}

// settled takes in what became of a record, and returns the records that wait no more for it.
func (p *repeats) settled(r *record, o *sink.Outcome) (released []*record) {
	m := r.message
	if p == nil || m == nil || m.repeat {
		return nil
	}
	released = m.waiting
	delete(p.first, m.id)
	if topics.HasRepeats(o) {
		p.seen.add(m.id, time.Now())
		for _, next := range released {
			next.message.repeat = true
		}
	} else if len(released) > 0 {
		next := released[0]
		next.message.waiting, released = released[1:], released[:1]
		p.first[m.id] = next
	}
	for _, next := range released {
		next.message.after = false
	}
	return released
}

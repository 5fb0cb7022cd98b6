// Package echoes knows what lies on record of our own writes and answers: which writes help desks
// will tell of, which of them have explained an event, which may have been sent, and what rules have
// answered.
//
// It is filled from the responses topic, in any order and as often as one likes: what it knows is
// what lies there. Memory is bounded; the oldest is forgotten.
package echoes

import (
	"slices"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

const (
	// Window is for how long a write explains an event, and an answer counts. CONTRACT: From the desks
	// back to Kafka.
	Window = 10 * time.Minute
	// mostObjects bounds the tickets and contacts, and mostWrites what is kept of each.
	mostObjects = 20_000
	mostWrites  = 64
)

// Write is a write of ours.
type Write struct {
	// ID is the same in each record that tells of the write.
	ID string
	// Types are the events that it may come back as.
	Types []string
	// Label and Comment are the ids of the label, and of the message or note, that it is about: "" where
	// that is not known.
	Label, Comment string
	At             time.Time
}

// Event is what a write is to explain: an event of a help desk.
type Event struct {
	// Destination and ID are those of the ticket or contact.
	Destination, ID string
	// Type is that of unified events.
	Type string
	// Label and Comment are the ids of the label, and of the message or note, that it is about: "" where
	// it names none.
	Label, Comment string
	// Digest is that of the event's own id, which its repeats have too. It is zero for an event without one.
	Digest [16]byte
	At     time.Time
}

// explains reports whether an event may come from the write.
func (w *Write) explains(e *Event) bool {
	return slices.Contains(w.Types, e.Type) && agree(w.Label, e.Label) && agree(w.Comment, e.Comment) && near(w.At, e.At)
}

// agree reports whether two ids may be of one thing. "" is not known.
func agree(a, b string) bool { return a == "" || b == "" || a == b }

// Log is what is on record. It is safe for concurrent use.
type Log struct {
	mu      sync.Mutex
	writes  *lru.Cache[object, []Write]
	used    *lru.Cache[string, [16]byte]         // the event that each write has explained
	open    *lru.Cache[string, []announced]      // by the event whose writes they are
	answers *lru.Cache[answered, []answeredOnce] // of rules
}

// object is a ticket or a contact at a destination.
type object struct{ destination, id string }

// announced is a write that may have been sent, and may have taken effect. One that makes its object
// names only the destination.
type announced struct {
	object
	Write
}

// answered is a lane that a rule answers.
type answered struct{ rule, lane string }

type answeredOnce struct {
	event string
	at    time.Time
}

// New returns an empty Log.
func New() *Log {
	return &Log{writes: cache[object, []Write](), used: cache[string, [16]byte](), open: cache[string, []announced](), answers: cache[answered, []answeredOnce]()}
}

func cache[K comparable, V any]() *lru.Cache[K, V] {
	c, err := lru.New[K, V](mostObjects)
	if err != nil {
		panic(err) // its size is positive
	}
	return c
}

// Wrote takes in a write at a destination that a help desk will tell of.
func (l *Log) Wrote(destination, id string, w Write) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := object{destination, id}
	list, _ := l.writes.Get(at)
	if slices.ContainsFunc(list, func(known Write) bool { return known.ID == w.ID }) {
		return // its first record is the nearest to it
	}
	if list = append(list, w); len(list) > mostWrites {
		list = list[1:]
	}
	l.writes.Add(at, list)
}

// Explained takes in that a write has explained an event, by its digest.
func (l *Log) Explained(write string, event [16]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.used.Add(write, event)
}

// Explain returns the write that has explained an event, or else the one that explains it best of those
// that have explained none yet: one that made its very message, then the earliest. It is the event's from
// then on, so that a second event is not explained by it before the first one's outcome is on record.
func (l *Log) Explain(e Event) (write string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	list, _ := l.writes.Get(object{e.Destination, e.ID})
	known := e.Digest != [16]byte{}
	var found *Write
	for i := range list {
		w := &list[i]
		of, used := l.used.Get(w.ID)
		switch {
		case used && known && of == e.Digest:
			return w.ID, true
		case !used && w.explains(&e) && (found == nil || w.before(found)):
			found = w
		}
	}
	if found == nil {
		return "", false
	}
	if known {
		l.used.Add(found.ID, e.Digest)
	}
	return found.ID, true
}

// before reports whether of two writes that explain an event this one does it better.
func (w *Write) before(other *Write) bool {
	if exact := w.Comment != ""; exact != (other.Comment != "") {
		return exact
	}
	return w.At.Before(other.At)
}

// Announced takes in that an event's write at a destination may have been sent. id is "" for a write that
// makes its ticket or contact.
func (l *Log) Announced(event, destination, id string, w Write) {
	l.mu.Lock()
	defer l.mu.Unlock()
	list, _ := l.open.Get(event)
	l.open.Add(event, append(slices.Clip(list), announced{object{destination, id}, w}))
}

// Settled takes in that it is known which of an event's writes took effect.
func (l *Log) Settled(event string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open.Remove(event)
}

// Since is when a write of an event was announced, if it stands open; at is when it is said to have taken
// effect.
func (l *Log) Since(event string, types []string, at time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	list, _ := l.open.Peek(event)
	for _, a := range list {
		if slices.Equal(a.Types, types) && a.At.Before(at) {
			return a.At
		}
	}
	return at
}

// MayExplain reports whether a write that was announced until a moment, and of which nobody knows what
// became, would explain an event.
func (l *Log) MayExplain(e Event, until time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, list := range l.open.Values() {
		for i := range list {
			a := &list[i]
			if a.destination == e.Destination && agree(a.id, e.ID) && !a.At.After(until) && a.explains(&e) {
				return true
			}
		}
	}
	return false
}

// Answered takes in that a rule has written because of an event of a lane.
func (l *Log) Answered(rule, lane, event string, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	by := answered{rule, lane}
	list, _ := l.answers.Get(by)
	if slices.ContainsFunc(list, func(known answeredOnce) bool { return known.event == event }) {
		return
	}
	if list = append(list, answeredOnce{event, at}); len(list) > mostWrites {
		list = list[1:]
	}
	l.answers.Add(by, list)
}

// Answers is how many events of a lane a rule has answered around a moment.
func (l *Log) Answers(rule, lane string, at time.Time) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	list, _ := l.answers.Get(answered{rule, lane})
	for _, a := range list {
		if near(a.at, at) {
			n++
		}
	}
	return n
}

func near(a, b time.Time) bool { return a.Sub(b).Abs() <= Window }

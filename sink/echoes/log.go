// Package echoes knows what the outcomes on record say of our own writes and answers: which writes
// help desks will tell of, which of them have explained an event, and what rules have answered.
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
	// Label is the id of the label that it is about, "" where that is not known.
	Label string
	At    time.Time
}

// Event is what a write is to explain: an event of a help desk.
type Event struct {
	// Destination and ID are those of the ticket or contact.
	Destination, ID string
	// Type is that of unified events.
	Type string
	// Label is the id of the label that it is about, "" where it names none.
	Label string
	At    time.Time
}

// explains reports whether an event may come from the write.
func (w *Write) explains(e *Event) bool {
	return slices.Contains(w.Types, e.Type) && (w.Label == "" || e.Label == "" || w.Label == e.Label) && near(w.At, e.At)
}

// Log is what is on record. It is safe for concurrent use.
type Log struct {
	mu      sync.Mutex
	writes  *lru.Cache[object, []Write]
	used    *lru.Cache[string, struct{}]         // writes that have explained an event
	answers *lru.Cache[answered, []answeredOnce] // of rules
}

// object is a ticket or a contact at a destination.
type object struct{ destination, id string }

// answered is a lane that a rule answers.
type answered struct{ rule, lane string }

type answeredOnce struct {
	event string
	at    time.Time
}

// New returns an empty Log.
func New() *Log {
	return &Log{writes: cache[object, []Write](), used: cache[string, struct{}](), answers: cache[answered, []answeredOnce]()}
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

// Explained takes in that a write has explained an event.
func (l *Log) Explained(write string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.used.Add(write, struct{}{})
}

// Explain returns the earliest write that explains an event and has explained none yet.
func (l *Log) Explain(e Event) (write string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	list, _ := l.writes.Get(object{e.Destination, e.ID})
	var found *Write
	for i := range list {
		w := &list[i]
		if w.explains(&e) && !l.used.Contains(w.ID) && (found == nil || w.At.Before(found.At)) {
			found = w
		}
	}
	if found == nil {
		return "", false
	}
	return found.ID, true
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

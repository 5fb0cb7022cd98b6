package sink

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// answersKept bounds the bytes of the answers that are remembered. A search's answer
// takes 1 to 50 KiB, and each some more to be found again.
const (
	answersKept   = 64 << 20
	answersBeside = 128
)

// Answers remembers what lookups of one account were answered, for commands that only
// look: of many events of one address one asks the desk. What a desk does not know is
// remembered too. It is safe for concurrent use; who asks for what somebody else is
// asking waits for the answer.
type Answers struct {
	lifetime time.Duration

	mu      sync.Mutex
	kept    *simplelru.LRU[string, remembered]
	bytes   int
	flights map[string]chan struct{}
	unasked map[string]bool // URLs that a plan would have asked for
}

// remembered is an accepted answer: its status and its body.
type remembered struct {
	status int
	body   []byte
	at     time.Time
}

func (f remembered) size(url string) int { return len(url) + len(f.body) + answersBeside }

// NewAnswers remembers each answer for lifetime, and forgets those that were not needed
// for longest when they are too many bytes.
func NewAnswers(lifetime time.Duration) *Answers {
	a := &Answers{lifetime: lifetime, flights: make(map[string]chan struct{})}
	kept, err := simplelru.NewLRU(1<<30, func(url string, old remembered) { a.bytes -= old.size(url) })
	if err != nil {
		panic(err) // it refuses sizes below 1 only
	}
	a.kept = kept
	return a
}

// Has reports whether the answer to a lookup of the URL is remembered.
func (a *Answers) Has(url string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	found, ok := a.kept.Peek(url)
	return ok && time.Since(found.at) < a.lifetime
}

// planned notes that a plan would ask for a URL, and reports whether one would before.
func (a *Answers) planned(url string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.unasked == nil {
		a.unasked = make(map[string]bool)
	}
	before := a.unasked[url]
	a.unasked[url] = true
	return before
}

// fresh is the remembered answer that is not too old. a is locked.
func (a *Answers) fresh(url string) (remembered, bool) {
	found, ok := a.kept.Get(url)
	if !ok || time.Since(found.at) >= a.lifetime {
		return remembered{}, false
	}
	return found, true
}

// get answers from memory, or runs ask and remembers its answer. The error is that of
// ask, which is not remembered, or ErrInterrupted when ctx ends before somebody else's
// answer is there.
func (a *Answers) get(ctx context.Context, url string, ask func() (Reply, error)) (Reply, error) {
	for {
		found, ok, flight := a.join(url)
		switch {
		case ok:
			return Reply{Status: found.status, Body: found.body}, nil
		case flight == nil:
			return a.lead(url, ask)
		}
		select {
		case <-flight:
		case <-ctx.Done():
			return Reply{}, fmt.Errorf("%w: waiting for another lookup: %w", ErrInterrupted, context.Cause(ctx))
		}
	}
}

// join gives the remembered answer or the flight to wait for. With neither the caller
// leads a new one.
func (a *Answers) join(url string) (remembered, bool, <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if found, ok := a.fresh(url); ok {
		return found, true, nil
	}
	if flight, ok := a.flights[url]; ok {
		return remembered{}, false, flight
	}
	a.flights[url] = make(chan struct{})
	return remembered{}, false, nil
}

func (a *Answers) lead(url string, ask func() (Reply, error)) (reply Reply, err error) {
	asked := false // a panic is nobody's answer
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if asked && err == nil {
			a.put(url, remembered{status: reply.Status, body: reply.Body, at: time.Now()})
		}
		close(a.flights[url])
		delete(a.flights, url)
	}()
	reply, err = ask()
	asked = true
	return reply, err
}

// put remembers an answer. a is locked.
func (a *Answers) put(url string, found remembered) {
	a.kept.Remove(url)
	a.kept.Add(url, found)
	a.bytes += found.size(url)
	for a.bytes > answersKept && a.kept.Len() > 1 {
		a.kept.RemoveOldest()
	}
}

// drop forgets the answers to lookups.
func (a *Answers) drop(urls []string) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, url := range urls {
		a.kept.Remove(url)
	}
}

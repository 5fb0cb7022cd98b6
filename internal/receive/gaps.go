package receive

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/deskstream/deskstream/internal/export"
)

// gaps are the times whose webhooks of one destination may be lost: its desk sent some that nobody
// took, for longer than it sends them again.
type gaps struct {
	repeats time.Duration // for how long the desk sends again
	// last is when the latest event was written that is known, and refusing when the first request was
	// refused since one was taken, both as Unix nanoseconds; 0 for none.
	last, refusing atomic.Int64

	mu   sync.Mutex
	open export.Gap // that is to be closed, zero for none
	// news has room for one word that open has changed.
	news chan struct{}
}

func newGaps(repeats time.Duration) *gaps {
	return &gaps{repeats: repeats, news: make(chan struct{}, 1)}
}

// refused notes a request that was refused though the desk is not at fault.
func (g *gaps) refused(now time.Time) { g.refusing.CompareAndSwap(0, now.UnixNano()) }

// took notes a request whose event is on the topic.
func (g *gaps) took(now time.Time) {
	last := g.last.Swap(now.UnixNano())
	if g.refusing.Load() == 0 {
		return
	}
	since := g.refusing.Swap(0)
	if began := time.Unix(0, since); since != 0 && now.Sub(began) >= g.repeats {
		if last != 0 && last < since {
			began = time.Unix(0, last)
		}
		g.found(export.Gap{From: began, To: now})
	}
}

// start notes when the latest event was written before this instance was there, zero for none.
func (g *gaps) start(last, now time.Time) {
	if last.IsZero() {
		return // nothing is missing where nothing ever came
	}
	g.last.CompareAndSwap(0, last.UnixNano())
	if now.Sub(last) >= g.repeats {
		g.found(export.Gap{From: last, To: now})
	}
}

// registered notes that the desk sends again what it did not send for a time.
func (g *gaps) registered(now time.Time) {
	if last := g.last.Load(); last != 0 {
		g.found(export.Gap{From: time.Unix(0, last), To: now})
	}
}

// found adds a gap to the open one.
func (g *gaps) found(gap export.Gap) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.open.To.IsZero() && g.open.From.Before(gap.From) {
		gap.From = g.open.From
	}
	g.open = gap
	select {
	case g.news <- struct{}{}:
	default:
	}
}

// get is the open gap, zero for none.
func (g *gaps) get() export.Gap {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open
}

// close ends a gap, and returns the one that is open then: one that was added to meanwhile stays.
func (g *gaps) close(gap export.Gap) export.Gap {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open == gap {
		g.open = export.Gap{}
	}
	return g.open
}

// again has the open gap tried again.
func (g *gaps) again() {
	select {
	case g.news <- struct{}{}:
	default:
	}
}

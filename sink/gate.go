package sink

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// failuresToHold is how many calls in a row must fail, of at least two lanes, before
// passing failures stop the whole destination.
const failuresToHold = 10

// maxProbeInterval is the longest pause between two probes that nobody asked for.
const maxProbeInterval = 10 * time.Second

// Gate decides whose turn it is to call one destination. At most limit events are in
// flight. When the destination is on hold there is one, the probe, at growing
// intervals, and the events that wait take turns at being it; once a probe is
// accepted or judged the others come back by doubling.
//
// An event that waits, for its turn or for its back-off, holds no place.
type Gate struct {
	initial  time.Duration // first probe interval
	giveUp   time.Duration // longest hold, 0 for none; then every waiter gets ErrHeld
	onChange func(Hold)

	mu      sync.Mutex
	limit   int
	allowed int // grows back to limit after a hold
	inUse   int
	waiting list.List // of *turn, first come first served
	hold    Hold
	next    time.Time     // earliest next probe
	every   time.Duration // pause before the probe after that
	probe   *Pass
	timer   *time.Timer
	gaveUp  bool
	heldFor time.Duration // of ended holds

	failures int    // calls failed in a row
	lane     string // the lane of the first of them
	lanes    bool   // they are of two lanes or more
}

// Hold is a destination's stop. Since is zero when there is none.
type Hold struct {
	Reason string // closed set: http_401, http_403, http_429, refused, failing
	Since  time.Time
}

// Active tells whether the destination is on hold.
func (h Hold) Active() bool { return !h.Since.IsZero() }

// turn is one waiter; granted is closed when its pass has a place.
type turn struct {
	pass    *Pass
	granted chan struct{}
}

// Pass is one event's right to call. It is used by one goroutine at a time.
type Pass struct {
	gate  *Gate
	lane  string
	place bool // guarded by gate.mu
}

// NewGate makes a Gate for limit events in flight. initial is the first pause before
// a probe. A hold longer than giveUp, unless that is 0, fails all who wait with
// ErrHeld. onChange, if set, is told when a hold begins and, with a zero Hold, when
// it ends; it is called with the Gate locked and must not block.
func NewGate(limit int, initial, giveUp time.Duration, onChange func(Hold)) *Gate {
	if onChange == nil {
		onChange = func(Hold) {}
	}
	return &Gate{limit: limit, allowed: limit, initial: initial, giveUp: giveUp, onChange: onChange}
}

// Enter waits for a place for an event of the lane. Its error is the cause of ctx, or ErrHeld.
func (g *Gate) Enter(ctx context.Context, lane string) (*Pass, error) {
	p := &Pass{gate: g, lane: lane}
	return p, p.Return(ctx)
}

// Held is the present hold.
func (g *Gate) Held() Hold {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.hold
}

// HeldFor is how long the destination has been on hold in all.
func (g *Gate) HeldFor() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.heldForLocked()
}

func (g *Gate) heldForLocked() time.Duration {
	if !g.hold.Active() {
		return g.heldFor
	}
	return g.heldFor + time.Since(g.hold.Since)
}

// InUse is the number of events that hold a place.
func (g *Gate) InUse() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.inUse
}

// holdsPlace tells whether p has a place.
func (p *Pass) holdsPlace() bool {
	p.gate.mu.Lock()
	defer p.gate.mu.Unlock()
	return p.place
}

// Return waits for a place again after Rest.
func (p *Pass) Return(ctx context.Context) error {
	g := p.gate
	g.mu.Lock()
	if g.gaveUp {
		g.mu.Unlock()
		return ErrHeld
	}
	t := &turn{pass: p, granted: make(chan struct{})}
	at := g.waiting.PushBack(t)
	g.pump()
	g.mu.Unlock()

	select {
	case <-t.granted:
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case p.place && ctx.Err() == nil:
		return nil
	case p.place: // granted and ended at once: the place goes to the next
		g.leave(p)
		return context.Cause(ctx)
	case g.gaveUp:
		return ErrHeld
	default:
		g.waiting.Remove(at)
		return context.Cause(ctx)
	}
}

// Rest gives the place back while the event waits for something else. It does
// nothing for a pass without a place. A probe that rests has been no proof of
// anything, so the next one may go at once.
func (p *Pass) Rest() {
	p.gate.mu.Lock()
	defer p.gate.mu.Unlock()
	p.gate.leave(p)
}

// Passed reports that the API accepted or judged a call of this event. The streak of
// failures ends; when the call was a write of the probe, so does the hold.
func (p *Pass) Passed(write bool) {
	g := p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	g.failures, g.lane, g.lanes = 0, "", false
	switch {
	case g.hold.Active() && g.probe == p && write:
		g.heldFor += time.Since(g.hold.Since)
		g.hold, g.probe, g.allowed = Hold{}, nil, 1
		g.stopTimer()
		g.onChange(g.hold)
	case !g.hold.Active() && g.allowed < g.limit:
		g.allowed++ // one more for each that comes back: doubling per round trip
	}
	g.pump()
}

// Failed reports a passing failure: it counts towards a hold, and a probe was in vain.
// wait is how long the API asked to be left alone, 0 if it did not. The place is given back.
func (p *Pass) Failed(wait time.Duration) {
	g := p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failures == 0 {
		g.lane = p.lane
	}
	g.failures++
	g.lanes = g.lanes || p.lane != g.lane
	g.vain(p, wait)
	if !g.hold.Active() && g.failures >= failuresToHold && g.lanes {
		g.open("failing", wait)
	}
	g.leave(p)
}

// Hold reports an answer that stops the whole destination, for a reason of Hold.Reason.
// The place is given back.
func (p *Pass) Hold(reason string, wait time.Duration) {
	g := p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case !g.hold.Active():
		g.open(reason, wait)
	case g.probe == p:
		g.hold.Reason = reason
		g.vain(p, wait)
	default: // a call that was in flight when the hold began
		g.notBefore(wait)
	}
	g.leave(p)
}

func (g *Gate) open(reason string, wait time.Duration) {
	g.hold = Hold{Reason: reason, Since: time.Now()}
	g.every = g.initial
	g.next = time.Now().Add(g.every)
	g.notBefore(wait)
	g.onChange(g.hold)
}

// vain puts the next probe off after p, if p was the probe.
func (g *Gate) vain(p *Pass, wait time.Duration) {
	if g.probe != p {
		return
	}
	g.every = min(2*g.every, maxProbeInterval)
	g.next = time.Now().Add(g.every)
	g.notBefore(wait)
}

func (g *Gate) notBefore(wait time.Duration) {
	if at := time.Now().Add(wait); at.After(g.next) {
		g.next = at
	}
}

// leave takes the place of p away and lets the next one in.
func (g *Gate) leave(p *Pass) {
	if !p.place {
		return
	}
	p.place = false
	g.inUse--
	if g.probe == p {
		g.probe = nil
	}
	g.pump()
}

// pump grants places for as long as there are any. The Gate is locked.
func (g *Gate) pump() {
	for g.waiting.Len() > 0 {
		if g.hold.Active() {
			if g.giveUp > 0 && time.Since(g.hold.Since) >= g.giveUp {
				g.abandon()
				return
			}
			if g.probe != nil || time.Now().Before(g.next) {
				g.arm()
				return
			}
			g.grant()
			g.arm()
			return
		}
		if g.inUse >= min(g.limit, g.allowed) {
			return
		}
		g.grant()
	}
}

func (g *Gate) grant() {
	t := g.waiting.Remove(g.waiting.Front()).(*turn)
	t.pass.place = true
	g.inUse++
	if g.hold.Active() {
		g.probe = t.pass
	}
	close(t.granted)
}

// abandon fails all who wait, now and later.
func (g *Gate) abandon() {
	g.gaveUp = true
	for g.waiting.Len() > 0 {
		close(g.waiting.Remove(g.waiting.Front()).(*turn).granted)
	}
}

// arm sets the timer for the next thing that only time brings.
func (g *Gate) arm() {
	at := g.next
	if g.probe != nil {
		at = time.Time{}
	}
	if end := g.hold.Since.Add(g.giveUp); g.giveUp > 0 && (at.IsZero() || end.Before(at)) {
		at = end
	}
	g.stopTimer()
	if at.IsZero() {
		return
	}
	g.timer = time.AfterFunc(time.Until(at), func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.pump()
	})
}

func (g *Gate) stopTimer() {
	if g.timer != nil {
		g.timer.Stop()
		g.timer = nil
	}
}

package hold

import (
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink/budget"
)

// Gate decides whose turn it is to call one destination. At most limit events are in
// flight. When the destination is on hold there is one, the probe, at growing
// intervals, and the events that wait take turns at being it; once a probe is
// accepted or judged the others come back by doubling.
//
// An event that waits, for its turn or for its back-off, holds no place.
//
// With priorities a place comes with a call of the rate budget, see turns.go.
type Gate struct {
	initial  time.Duration // first probe interval
	giveUp   time.Duration // longest hold, 0 for none; then every waiter gets an Error
	onChange func(was, now State)

	mu      sync.Mutex
	limit   int
	allowed int // grows back to limit after a hold
	inUse   int
	waiting [len(mapping.Priorities)]list.List // of *turn by rank, first come first served
	turns   *budget.Turns                      // at the calls of the rate budget; nil without priorities

	hold    State
	heldFor time.Duration // of ended holds
	gaveUp  *Error        // once the hold has lasted too long
	next    time.Time     // earliest next probe
	every   time.Duration // pause before the probe after that
	probe   *Pass
	timer   *time.Timer // for what only time brings; nil when nobody waits for it
	streak  streak

	verdicts verdicts
	tripped  bool // the hold is the breaker's, whatever its probes met since

	unmapped   verdicts
	unmappable bool // the hold is the breaker's for events that can never be mapped
	warnsOnly  bool // there is none for them, but onInvalid, once
	warned     bool
	onInvalid  func(events int)
}

// turn is one waiter; granted is closed when its pass has a place, or the Gate gave up.
type turn struct {
	pass    *Pass
	granted chan struct{}
}

// Pass is one event's right to call. It is used by one goroutine at a time.
type Pass struct {
	gate *Gate
	lane string
	// Guarded by gate.mu.
	place  bool
	proved bool // as the probe, a write of this event was accepted or judged
	urgency
}

// Config is what a Gate is made of.
type Config struct {
	// Limit is how many events may be in flight.
	Limit int
	// Initial is the first pause before a probe.
	Initial time.Duration
	// GiveUp is how long a hold may last: then all who wait get an Error. 0 is no limit.
	GiveUp time.Duration
	// Breaker is off when it is zero.
	Breaker Breaker
	// Budget, if it has priorities, gives a call with each place.
	Budget *budget.Budget
	// OnChange, if set, is called when a hold begins or ends: with what was and what is now,
	// a zero State for no hold. The Gate is locked meanwhile, so it must not block.
	OnChange func(was, now State)
	// OnInvalid, if set, is called when half of the last 1,000 events can never be mapped and the
	// Breaker does not hold for that. The Gate is locked meanwhile, so it must not block.
	OnInvalid func(events int)
}

// New makes a Gate.
func New(c Config) *Gate {
	if c.OnChange == nil {
		c.OnChange = func(_, _ State) {}
	}
	initial := min(max(c.Initial, time.Millisecond), maxProbeInterval)
	g := &Gate{limit: c.Limit, allowed: c.Limit, initial: initial, giveUp: c.GiveUp, onChange: c.OnChange}
	g.verdicts.Share, g.verdicts.Of = c.Breaker.Share, c.Breaker.Of
	g.unmapped.Share, g.unmapped.Of = c.Breaker.Invalid, InvalidOf
	if g.onInvalid = c.OnInvalid; c.Breaker.Invalid == 0 && c.OnInvalid != nil {
		g.unmapped.Share, g.warnsOnly = invalidWarns, true
	}
	if c.Budget != nil && c.Budget.IsPrioritised() {
		g.turns = c.Budget.Turns(g.look)
	}
	return g
}

// Enter waits for a place for an event of the lane. Its error is the cause of ctx, or an Error.
func (g *Gate) Enter(ctx context.Context, lane string) (*Pass, error) {
	p := &Pass{gate: g, lane: lane}
	if err := p.Return(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

// InUse is the number of events that hold a place.
func (g *Gate) InUse() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.inUse
}

// MayCall reports whether p has a place and, in a hold, is the probe: an event that
// entered before the hold began waits with the others.
func (p *Pass) MayCall() bool {
	g := p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	return p.place && (!g.hold.Active() || g.probe == p)
}

// Return waits for a place again after Rest.
func (p *Pass) Return(ctx context.Context) error {
	g := p.gate
	g.mu.Lock()
	if g.gaveUp != nil {
		defer g.mu.Unlock()
		return g.gaveUp
	}
	if g.turns == nil && g.hasPlace() && ctx.Err() == nil { // nobody waits then: pump has let them in
		g.give(p)
		g.mu.Unlock()
		return nil
	}
	t := &turn{pass: p, granted: make(chan struct{})}
	p.wait(t)
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
	case g.gaveUp != nil:
		return g.gaveUp
	default:
		p.waitNoMore()
		g.pump()
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

// Done gives the place back permanently, after the event's last call. A probe whose
// writes passed ends the hold.
func (p *Pass) Done() {
	g := p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.probe == p && p.proved {
		g.end()
	}
	g.leave(p)
}

// leave takes the place of p away and lets the next one in.
func (g *Gate) leave(p *Pass) {
	if p.place {
		p.place, p.proved = false, false
		g.inUse--
	}
	g.giveBack(p)
	if g.probe == p {
		g.probe = nil
	}
	g.pump()
}

// pump grants places for as long as there are any, and sets the timer for the rest.
func (g *Gate) pump() {
	g.stopTimer()
	var next time.Duration // until there may be a call
	for next == 0 && g.anyWaits() && g.hasPlace() {
		_, next = g.grant()
	}
	if next == 0 {
		g.leaveCalls()
	}
	if next > 0 {
		g.lookIn(next)
	}
	if !g.anyWaits() || !g.hold.Active() {
		return
	}
	now := time.Now()
	if g.giveUp > 0 && now.Sub(g.hold.Since) >= g.giveUp {
		g.abandon()
		return
	}
	if g.probe == nil && g.hold.probed() && !now.Before(g.next) {
		if g.probe, next = g.grant(); next > 0 {
			g.lookIn(next)
			return
		}
		g.leaveCalls()
	}
	g.arm(now)
}

func (g *Gate) hasPlace() bool { return !g.hold.Active() && g.inUse < min(g.limit, g.allowed) }

func (g *Gate) give(p *Pass) {
	p.place = true
	g.inUse++
}

// grant lets in the one whose turn it is of those who wait. With priorities there may be no call of
// the rate budget: then it returns how long that takes.
func (g *Gate) grant() (*Pass, time.Duration) {
	rank := 0
	for g.waiting[rank].Len() == 0 {
		rank++
	}
	var call budget.Call
	if g.turns != nil {
		var wait time.Duration
		if call, wait = g.turns.Take(time.Now(), g.wanted()); wait > 0 {
			return nil, wait
		}
		rank = call.Priority.Rank()
	}
	p := g.waiting[rank].Front().Value.(*turn).pass
	t := p.waitNoMore()
	p.call = call
	g.give(p)
	close(t.granted)
	return p, 0
}

// abandon fails all who wait, now and later.
func (g *Gate) abandon() {
	g.gaveUp = &Error{Why: "it is on hold (" + g.hold.Reason + ")"}
	for i := range g.waiting {
		for g.waiting[i].Len() > 0 {
			close(g.waiting[i].Front().Value.(*turn).pass.waitNoMore().granted)
		}
	}
}

// arm sets the timer for the next thing that only time brings to those who wait.
func (g *Gate) arm(now time.Time) {
	if !g.anyWaits() {
		return
	}
	var wait time.Duration
	if g.probe == nil && g.hold.probed() {
		wait = g.next.Sub(now)
	}
	if end := g.hold.Since.Add(g.giveUp).Sub(now); g.giveUp > 0 && (wait == 0 || end < wait) {
		wait = end
	}
	if wait > 0 {
		g.lookIn(wait)
	}
}

// lookIn sets the timer.
func (g *Gate) lookIn(wait time.Duration) { g.timer = time.AfterFunc(wait, g.look) }

// look lets in whom it is time for.
func (g *Gate) look() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pump()
}

func (g *Gate) stopTimer() {
	if g.timer != nil {
		g.timer.Stop()
		g.timer = nil
	}
}

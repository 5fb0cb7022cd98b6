package hold

import "time"

// failuresToHold is how many calls in a row must fail, of at least two lanes, before
// passing failures stop the whole destination.
const failuresToHold = 10

// The reasons of holds that another credential may end.
const (
	holdUnauthorized = "http_401"
	holdForbidden    = "http_403"
)

// Reasons are all reasons of a hold.
func Reasons() []string {
	return []string{holdUnauthorized, holdForbidden, "http_429", "refused", "failing", TooManyRejected, Operator}
}

// maxProbeInterval is the longest pause between two probes that nobody asked for.
const maxProbeInterval = 10 * time.Second

// State is a destination's hold. Since is zero when there is none.
type State struct {
	Reason string // one of Reasons
	Since  time.Time
	// Rejected is how many events the breaker counted, in a hold of its own.
	Rejected int
	// Invalid says that those can never be mapped.
	Invalid bool
}

// Active reports whether the destination is on hold.
func (h State) Active() bool { return !h.Since.IsZero() }

// probed reports whether the hold has probes.
func (h State) probed() bool { return h.Reason != Operator }

// streak is a row of failed calls.
type streak struct {
	calls int
	first *Pass // whose call was the first of them
	lanes bool  // they are of two lanes or more
}

func (s *streak) add(p *Pass) {
	if s.calls == 0 {
		s.first = p
	}
	s.calls++
	// An event without a lane stands alone, so another such event is another lane.
	s.lanes = s.lanes || p != s.first && (p.lane == "" || p.lane != s.first.lane)
}

func (s *streak) isOutage() bool { return s.calls >= failuresToHold && s.lanes }

// Held is the current hold.
func (g *Gate) Held() State {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.hold
}

// NextProbe is the earliest time of the next probe of the current hold; zero where none comes: there
// is no hold, a person has to end it, or a probe is under way.
func (g *Gate) NextProbe() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.hold.Active() || !g.hold.probed() || g.probe != nil {
		return time.Time{}
	}
	return g.next
}

// HeldFor is how long the destination has been on hold in all.
func (g *Gate) HeldFor() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.hold.Active() {
		return g.heldFor
	}
	return g.heldFor + time.Since(g.hold.Since)
}

// Passed reports that the API accepted or judged a call of this event. The streak of
// failures ends; when the call was a write of the probe, the hold ends with the event:
// it may have another write, which is what the hold is about.
func (p *Pass) Passed(write bool) {
	g := p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	g.streak = streak{}
	if g.probe == p {
		p.proved = p.proved || write
	}
	if !g.hold.Active() && g.allowed < g.limit {
		g.allowed++ // one more for each that comes back: doubling per round trip
	}
	g.pump()
}

// Failed reports a passing failure: it counts towards a hold, and a probe has failed.
// wait is how long the API asked to be left alone, 0 if it did not. The place is given back.
func (p *Pass) Failed(wait time.Duration) {
	g := p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	g.streak.add(p)
	g.delayProbe(p, wait)
	if !g.hold.Active() && g.streak.isOutage() {
		g.open("failing", wait)
	}
	g.leave(p)
}

// Limited reports an answer that concerns nothing but this event's own lane: it counts
// towards no hold, though a probe has failed. The place is given back.
func (p *Pass) Limited(wait time.Duration) {
	g := p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	g.delayProbe(p, wait)
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
		g.delayProbe(p, wait)
	default: // a call that was in flight when the hold began
		if at := time.Now().Add(wait); at.After(g.next) {
			g.next = at
		}
	}
	g.leave(p)
}

// openAt opens a hold without probes that began at a time.
func (g *Gate) openAt(reason string, at time.Time) {
	was := g.hold
	if now := time.Now(); at.IsZero() || at.After(now) {
		at = now
	}
	g.hold = State{Reason: reason, Since: at}
	g.onChange(was, g.hold)
}

func (g *Gate) open(reason string, wait time.Duration) {
	was := g.hold
	g.hold = State{Reason: reason, Since: time.Now()}
	switch {
	case reason == TooManyRejected && g.unmappable:
		g.hold.Rejected, g.hold.Invalid = g.unmapped.bad, true
	case reason == TooManyRejected:
		g.hold.Rejected = g.verdicts.bad
	}
	g.every = g.initial
	g.nextProbe(wait)
	g.onChange(was, g.hold)
}

// end ends the hold. The first to come back is one event, a probe's success if there was one.
func (g *Gate) end() {
	was := g.hold
	g.close()
	g.allowed = 1
	g.verdicts.reset()
	g.unmapped.reset()
	g.onChange(was, g.hold)
}

// close takes the hold away, with whatever it has under way.
func (g *Gate) close() {
	g.heldFor += time.Since(g.hold.Since)
	g.hold, g.probe, g.tripped, g.unmappable = State{}, nil, false, false
}

// Renewed lets the next probe go at once if the hold is about the credential, which has
// changed.
func (g *Gate) Renewed() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.hold.Reason == holdUnauthorized || g.hold.Reason == holdForbidden {
		g.next, g.every = time.Now(), g.initial
		g.pump()
	}
}

// delayProbe postpones the next probe if p was the probe.
func (g *Gate) delayProbe(p *Pass, wait time.Duration) {
	if g.probe == p {
		g.nextProbe(wait)
	}
}

// nextProbe sets the time of the next probe: what the API asks for, though not sooner
// than the first interval, or else the interval, which then doubles.
func (g *Gate) nextProbe(wait time.Duration) {
	if wait > 0 {
		g.next = time.Now().Add(max(wait, g.initial))
		return
	}
	g.next = time.Now().Add(g.every)
	g.every = min(2*g.every, maxProbeInterval)
}

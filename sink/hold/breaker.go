package hold

// Breaker stops a destination that rejects too much of what reaches it: a bad deploy
// or a changed API must page a person, not empty one topic into another. Its hold ends
// when a probe is delivered, or by Gate.Resume.
type Breaker struct {
	// Share of Of events, above which it stops; 0 is never.
	Share float64
	// Of is how many of the last events that reached the API are looked at. The share is
	// of this number before there were as many too: more than half of 100 are rejected
	// when 51 are, whatever comes next. The one that is too many is put back, so a person
	// who is paged then has 50 letters.
	Of int
	// Invalid is the same share of the last 1,000 events, for those that can never be mapped; 0 only
	// warns, when it is half of them.
	Invalid float64
}

const (
	// InvalidOf is how many of the last events are looked at for those that can never be mapped.
	InvalidOf    = 1000
	invalidWarns = 0.5
)

// TooManyRejected is the reason of the breaker's hold.
const TooManyRejected = "breaker"

// verdicts are the last events' ends.
type verdicts struct {
	Share    float64
	Of       int
	rejected []bool // a ring once it is full
	next     int
	bad      int // how many of them were rejected
}

// add takes in the end of an event and reports whether it is one too many.
func (v *verdicts) add(rejected bool) bool {
	if v.Share <= 0 {
		return false
	}
	if len(v.rejected) < v.Of {
		v.rejected = append(v.rejected, rejected)
	} else {
		v.count(v.rejected[v.next], -1)
		v.rejected[v.next] = rejected
		v.next = (v.next + 1) % v.Of
	}
	v.count(rejected, 1)
	return float64(v.bad) > v.Share*float64(v.Of)
}

func (v *verdicts) count(rejected bool, n int) {
	if rejected {
		v.bad += n
	}
}

// reset counts from zero.
func (v *verdicts) reset() { v.rejected, v.next, v.bad = v.rejected[:0], 0, 0 }

// Judged reports the end of an event that reached the API, or that panicked on the
// way: whether it was rejected. While the breaker holds, a rejected event is put back, and
// so is the one whose rejection makes it hold: then Judged returns true, the event has no
// place any more and is not settled. The first that is rejected is settled in any case, or
// with a share of less than one event no resume would ever get past one.
func (p *Pass) Judged(rejected bool) (putBack bool) {
	g := p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if (g.tripped || g.unmappable) && rejected {
		g.delayProbe(p, 0)
		g.leave(p)
		return true
	}
	if g.verdicts.add(rejected) && !g.hold.Active() {
		g.tripped = true
		g.open(TooManyRejected, 0)
		if rejected && g.verdicts.bad > 1 {
			g.leave(p)
			return true
		}
	}
	return false
}

// Mapped reports whether an event could be mapped. Of those that can never be, too many open a hold
// or, where the breaker does not hold for them, are said once: the event is put back as one that is
// rejected, see Judged.
func (p *Pass) Mapped(ok bool) (putBack bool) {
	g := p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.unmappable && !ok {
		g.delayProbe(p, 0)
		g.leave(p)
		return true
	}
	if !g.unmapped.add(!ok) {
		g.warned = g.warned && 2*float64(g.unmapped.bad) > g.unmapped.Share*float64(g.unmapped.Of) // or it would be said at each turn
		return false
	}
	switch {
	case g.warnsOnly:
		if !g.warned {
			g.warned = true
			g.onInvalid(g.unmapped.bad)
		}
	case !g.hold.Active():
		g.unmappable = true
		g.open(TooManyRejected, 0)
		if !ok && g.unmapped.bad > 1 {
			g.leave(p)
			return true
		}
	}
	return false
}

// RejectedForSeveral is Judged of a rejected call that was made for several events: each of them is
// judged alone after that, so it counts for none.
func (p *Pass) RejectedForSeveral() (putBack bool) {
	g := p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.tripped {
		return false
	}
	g.delayProbe(p, 0)
	g.leave(p)
	return true
}

// Alone reports whether no other event waits for a place.
func (p *Pass) Alone() bool {
	p.gate.mu.Lock()
	defer p.gate.mu.Unlock()
	return !p.gate.anyWaits()
}

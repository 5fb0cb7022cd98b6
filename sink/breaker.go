package sink

import "slices"

// Breaker stops a destination that rejects too much of what reaches it: a bad deploy
// or a changed API must page a person, not empty one topic into another. Its hold ends
// when a probe is delivered, or by Gate.Resume.
type Breaker struct {
	// Share of Of events, above which it stops; 0 is never.
	Share float64
	// Of is how many of the last events that reached the API are looked at. The share is
	// of this number before there were as many too: more than half of 100 are rejected
	// when 51 are, whatever comes next, and a person who is paged then has fewer letters.
	Of int
}

// breakerHold is the reason of the breaker's hold.
const breakerHold = "breaker"

// verdicts are the last events' ends.
type verdicts struct {
	Breaker
	rejected []bool // a ring once it is full
	next     int
	bad      int // how many of them were rejected
}

// add takes in the end of an event and tells whether it is one too many.
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

// reset counts anew.
func (v *verdicts) reset() { v.rejected, v.next, v.bad = v.rejected[:0], 0, 0 }

// Judged reports the end of an event that reached the API, or that panicked on the
// way: whether it was rejected.
func (p *Pass) Judged(rejected bool) {
	g := p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	tooMany := g.verdicts.add(rejected)
	p.rejected = rejected
	switch {
	case !g.hold.Active() && tooMany:
		g.tripped = true
		g.open(breakerHold, 0)
	case g.tripped && rejected:
		g.vain(p, 0)
	}
}

// judged tells the gate how the event ended.
func (s *Session) judged(o *Outcome) {
	panicked := o.Error != nil && o.Error.Code == Panic
	reached := slices.ContainsFunc(s.calls, func(r CallRecord) bool { return r.Attempts > 0 })
	if s.pass == nil || !reached && !panicked {
		return
	}
	s.pass.Judged(panicked || o.Error != nil && o.Error.Class == Rejected)
}

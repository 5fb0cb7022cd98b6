package sink

import (
	"context"
	"slices"
)

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

// reset counts anew.
func (v *verdicts) reset() { v.rejected, v.next, v.bad = v.rejected[:0], 0, 0 }

// Judged reports the end of an event that reached the API, or that panicked on the
// way: whether it was rejected. While the breaker holds, a rejected event is put back:
// then Judged returns true, the event has no place any more and is not settled.
func (p *Pass) Judged(rejected bool) (putBack bool) {
	g := p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.tripped && rejected {
		g.vain(p, 0)
		g.leave(p)
		return true
	}
	if g.verdicts.add(rejected) && !g.hold.Active() {
		g.tripped = true
		g.open(breakerHold, 0)
	}
	return false
}

// alone reports whether nobody else waits for a place.
func (p *Pass) alone() bool {
	p.gate.mu.Lock()
	defer p.gate.mu.Unlock()
	return p.gate.waiting.Len() == 0
}

// putBack reports the event's end to the gate. An event that is put back has forgotten its
// calls when it returns true, and its turn has come again: the others have had theirs.
func (s *Session) putBack(ctx context.Context, o *Outcome) (bool, error) {
	panicked := o.Error != nil && o.Error.Code == Panic
	reached := slices.ContainsFunc(s.calls, func(r CallRecord) bool { return r.Attempts > 0 })
	if s.pass == nil || !reached && !panicked {
		return false, nil
	}
	if !s.pass.Judged(panicked || o.Error != nil && o.Error.Class == Rejected) {
		return false, nil
	}
	if s.pass.alone() && !s.saidAlone {
		s.saidAlone = true
		s.dest.log.Warn("only one lane waits and its event is rejected: resume the destination by hand when the cause is removed", "hold", breakerHold)
	}
	s.calls, s.trials, s.own, s.failures, s.limited = nil, nil, nil, 0, 0
	s.does(awaitsPlace)
	return true, s.wait(ctx, s.pass.Return)
}

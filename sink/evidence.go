package sink

import "sync"

// roundsAgainst is how many rounds of evidence an event needs against it before a
// passing failure, or a 403, may be its own fault and not an outage.
const roundsAgainst = 3

// evidence counts, per Op, the calls of a destination that were accepted or judged.
type evidence struct {
	mu     sync.Mutex
	passed map[string]uint64
}

func (e *evidence) note(op string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.passed == nil {
		e.passed = make(map[string]uint64)
	}
	e.passed[op]++
}

func (e *evidence) count(op string) uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.passed[op]
}

// trial is the case against one event at one Op. A round is: another event's call
// passes, this one fails again, another event's call passes.
type trial struct {
	seen   uint64 // others' passed calls at the latest failure
	failed bool   // there was a failure
	open   bool   // the latest failure came after a passed call: half a round
	rounds int
}

// fail takes in a failure at a moment when others' calls have passed n times.
func (t *trial) fail(n uint64) {
	between := t.failed && n > t.seen
	if t.open && between {
		t.rounds++
	}
	t.open = t.open || between
	t.failed, t.seen = true, n
}

// enoughEvidence reports whether enough speaks against the event, given that others' calls
// have passed n times by now.
func (t *trial) enoughEvidence(n uint64) bool {
	rounds := t.rounds
	if t.open && n > t.seen {
		rounds++
	}
	return rounds >= roundsAgainst
}

// proof is the evidence for and against one event.
type proof struct {
	trials map[trialKey]*trial
	own    []ownCalls // this event's own passed calls, by Op
}

// trialKey keeps 403 and passing failures of an Op apart.
type trialKey struct {
	op  string
	how verdict
}

// tried takes in a failure at a moment when others' calls have passed n times.
func (p *proof) tried(call Call, j judgement, n uint64) *trial {
	if p.trials == nil {
		p.trials = make(map[trialKey]*trial)
	}
	key := trialKey{call.Op, j.verdict}
	t := p.trials[key]
	if t == nil {
		t = &trial{}
		p.trials[key] = t
	}
	t.fail(n)
	return t
}

// ownCalls is how many of an event's calls have passed at an Op, of which it has few.
type ownCalls struct {
	op string
	n  uint64
}

// ownAt is the entry of an Op, which is made if there is none.
func (p *proof) ownAt(op string) *ownCalls {
	for i := range p.own {
		if p.own[i].op == op {
			return &p.own[i]
		}
	}
	p.own = append(p.own, ownCalls{op: op})
	return &p.own[len(p.own)-1]
}

package budget

import (
	"time"

	"golang.org/x/time/rate"

	"github.com/deskstream/deskstream/mapping"
)

// Priorities are a set of priorities.
type Priorities uint8

// With returns the set with one more priority.
func (s Priorities) With(p mapping.Priority) Priorities { return s | 1<<p.Rank() }

// Has reports whether a priority is in the set.
func (s Priorities) Has(p mapping.Priority) bool { return s&(1<<p.Rank()) != 0 }

// Turns are the turns of one destination at the calls of its Budget, by priority: of what waits at
// all destinations of the account the most urgent goes first. Each priority below that which waits
// gets every tenth call. Turns are safe for concurrent use.
type Turns struct {
	budget *Budget
	wake   func()
	waits  Priorities // that could use a call at once
}

// Call is a call that was taken and not made yet; the zero Call is none.
type Call struct {
	// Priority is whose turn it was.
	Priority mapping.Priority
	limiter  *rate.Limiter // whose token it is, nil for a call that was lent
	taken    bool
}

// Taken reports whether there is a call.
func (c Call) Taken() bool { return c.taken }

// everyNth is which call goes to a priority below the most urgent one that waits.
const everyNth = 10

// debts are how many calls went to others since a priority below the most urgent that waited had its
// own, by rank.
type debts [len(mapping.Priorities)]int

// Prioritise says that calls are taken by Turns. It is called before the Budget is used.
func (b *Budget) Prioritise() { b.prioritised = true }

// IsPrioritised reports whether calls are taken by Turns.
func (b *Budget) IsPrioritised() bool { return b.prioritised }

// Turns returns the turns of one more destination. wake is called in a goroutine of its own when a
// call may be there sooner than Take said.
func (b *Budget) Turns(wake func()) *Turns {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := &Turns{budget: b, wake: wake}
	b.turns = append(b.turns, t)
	return t
}

// Take takes a call for one of the priorities that wait at the destination and could make it at
// once. Otherwise it returns how long it takes, as things are, until it is worth another Take; what
// waits then counts for other destinations until the next Take or Leave.
func (t *Turns) Take(now time.Time, waiting Priorities) (Call, time.Duration) {
	b := t.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	t.waits = waiting
	next := b.owed.next(b.waiting())
	if !waiting.Has(next) {
		return Call{}, b.untilNext(now)
	}
	limiter, wait := b.token(now)
	if wait > 0 {
		return Call{}, wait
	}
	b.owed.spent(next, b.waiting())
	return Call{Priority: next, limiter: limiter, taken: true}, 0
}

// Leave says that nothing of the destination could make a call now.
func (t *Turns) Leave() {
	t.budget.mu.Lock()
	defer t.budget.mu.Unlock()
	t.waits = 0
}

// Grant numbers a call that is about to be made.
func (t *Turns) Grant(now time.Time) Grant {
	t.budget.mu.Lock()
	defer t.budget.mu.Unlock()
	return t.budget.window.grant(now)
}

// GiveBack takes back a call that will not be made. One that was lent is lost: others may have
// lent it since.
func (t *Turns) GiveBack(c Call, now time.Time) {
	b := t.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	if c.limiter == b.limiter { // a share that is new starts empty
		c.limiter.ReserveN(now, -1) // no more than the bucket holds: the next look cuts it
	}
}

// waiting are the priorities that wait at any destination.
func (b *Budget) waiting() (all Priorities) {
	for _, t := range b.turns {
		all |= t.waits
	}
	return all
}

// untilNext is how long it takes until the next call, at least the time of one: another destination
// takes the one that is there.
func (b *Budget) untilNext(now time.Time) time.Duration {
	if wait := max(b.until.Sub(now), b.spaced(now)); wait > 0 {
		return wait
	}
	return time.Duration(float64(b.rate.Per) / max(b.own(), 1))
}

// wakeTurns has all destinations look again.
func (b *Budget) wakeTurns() {
	for _, t := range b.turns {
		go t.wake() // it takes another lock, under which Take is called
	}
}

// next is the priority whose turn it is, of those that wait.
func (d *debts) next(waiting Priorities) mapping.Priority {
	first, due := mapping.Low, mapping.Low
	most := everyNth - 2
	for i := len(mapping.Priorities) - 1; i >= 0; i-- {
		p := mapping.Priorities[i]
		if !waiting.Has(p) {
			continue
		}
		first = p
		if d[i] > most {
			due, most = p, d[i]
		}
	}
	if most >= everyNth-1 && due < first {
		return due
	}
	return first
}

// spent takes in whose turn it was, of those that waited.
func (d *debts) spent(on mapping.Priority, waiting Priorities) {
	top := false
	for i, p := range mapping.Priorities {
		switch {
		case !waiting.Has(p):
		case !top: // it has what the others leave
			top = true
			d[i] = 0
		case p == on:
			d[i] -= everyNth - 1
		default:
			d[i] = min(d[i]+1, 2*everyNth)
		}
	}
}

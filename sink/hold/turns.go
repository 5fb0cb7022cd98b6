package hold

import (
	"container/list"
	"context"
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink/budget"
)

// With priorities, an event waits for a place and a call of the rate budget at once, in the row of
// its priority: so it holds no place while the budget has no call for it, and no call while there
// is no place. Which row is next the budget says, as its calls may be of several destinations.

// urgency is how urgent a Pass is, and what it has of the rate budget.
type urgency struct {
	own, raised mapping.Priority
	call        budget.Call   // comes with its place, not made yet
	waits       *list.Element // its turn in the row of its rank; nil when it does not wait
	rank        int
}

// priority is that of the event, or of those that wait for its lookup.
func (u *urgency) priority() mapping.Priority { return max(u.own, u.raised) }

// EnterAs is Enter for an event of a priority, whose lane is not chosen yet: see Pass.For.
func (g *Gate) EnterAs(ctx context.Context, priority mapping.Priority) (*Pass, error) {
	p := &Pass{gate: g}
	p.own, p.raised = priority, mapping.Low
	if err := p.Return(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

// For says which lane the event is of.
func (p *Pass) For(lane string) {
	p.gate.mu.Lock()
	defer p.gate.mu.Unlock()
	p.lane = lane
}

// Own says how urgent the event is now, with what waits behind it.
func (p *Pass) Own(priority mapping.Priority) { p.set(&p.own, priority) }

// Raise says how urgent the most urgent event is that waits for a lookup of this one; mapping.Low
// says that none does.
func (p *Pass) Raise(priority mapping.Priority) { p.set(&p.raised, priority) }

// Priority is how urgent the event is, or what waits for its lookup.
func (p *Pass) Priority() mapping.Priority {
	p.gate.mu.Lock()
	defer p.gate.mu.Unlock()
	return p.priority()
}

// set changes one of both priorities. Who waits already goes to the end of the other row.
func (p *Pass) set(which *mapping.Priority, priority mapping.Priority) {
	g := p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	*which = priority
	if p.waits != nil && p.rank != p.priority().Rank() {
		p.wait(p.waitNoMore())
		g.pump()
	}
}

// Spend returns the call that came with the place, once, as it is about to be made. ok is false
// when there is none.
func (p *Pass) Spend() (_ budget.Grant, ok bool) {
	g := p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if !p.call.Taken() {
		return budget.Grant{}, false
	}
	p.call = budget.Call{}
	return g.turns.Grant(time.Now()), true
}

// wait puts the turn at the end of the row of p's priority.
func (p *Pass) wait(t *turn) {
	p.rank = p.priority().Rank()
	p.waits = p.gate.waiting[p.rank].PushBack(t)
}

// waitNoMore takes the turn out of its row.
func (p *Pass) waitNoMore() *turn {
	t := p.gate.waiting[p.rank].Remove(p.waits).(*turn)
	p.waits = nil
	return t
}

func (g *Gate) anyWaits() bool {
	for i := range g.waiting {
		if g.waiting[i].Len() > 0 {
			return true
		}
	}
	return false
}

// wanted are the priorities of those who wait.
func (g *Gate) wanted() (all budget.Priorities) {
	for i, p := range mapping.Priorities {
		if g.waiting[i].Len() > 0 {
			all = all.With(p)
		}
	}
	return all
}

// leaveCalls tells the rate budget that nobody here could make a call now.
func (g *Gate) leaveCalls() {
	if g.turns != nil {
		g.turns.Leave()
	}
}

// giveBack gives the call of p back that it has not made.
func (g *Gate) giveBack(p *Pass) {
	if p.call.Taken() {
		g.turns.GiveBack(p.call, time.Now())
		p.call = budget.Call{}
	}
}

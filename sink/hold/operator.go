package hold

import (
	"errors"
	"time"
)

// Operator is the reason of a hold that a person opened. It has no probes, and only
// a person ends it.
const Operator = "operator"

// The errors of Gate.Halt and Gate.Resume.
var (
	ErrHaltedAlready = errors.New("the destination is held by an operator already")
	ErrNotHeld       = errors.New("the destination is not on hold")
)

// Halt puts the destination on hold until Resume. It takes the place of a hold that has
// opened automatically. Calls in flight still get their answers, which end nothing. The
// error is ErrHaltedAlready when a person has put it on hold before.
func (g *Gate) Halt() error { return g.HaltSince(time.Now()) }

// HaltSince is Halt for a hold that began earlier, before this process maybe.
func (g *Gate) HaltSince(at time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.hold.Reason == Operator {
		return ErrHaltedAlready
	}
	if g.hold.Active() {
		g.close()
	}
	g.openAt(Operator, at)
	g.pump() // stops the timer of a probe that is not to come
	return nil
}

// Resume ends a hold, whatever opened it, and gives what it was. The breaker counts
// from zero, and the calls come back by doubling. The error is ErrNotHeld without a hold.
func (g *Gate) Resume() (State, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.hold.Active() {
		return State{}, ErrNotHeld
	}
	was := g.hold
	g.end()
	g.pump()
	return was, nil
}

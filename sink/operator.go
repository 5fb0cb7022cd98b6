package sink

import "errors"

// OperatorHold is the reason of a hold that a person opened. It has no probes, and only
// a person ends it.
const OperatorHold = "operator"

// The errors of Gate.Halt and Gate.Resume.
var (
	ErrHaltedAlready = errors.New("the destination is held by an operator already")
	ErrNotHeld       = errors.New("the destination is not on hold")
)

// Halt puts the destination on hold until Resume. It takes the place of a hold that has
// opened by itself. Calls in flight still get their answers, which end nothing. The
// error is ErrHaltedAlready when a person has put it on hold before.
func (g *Gate) Halt() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.hold.Reason == OperatorHold {
		return ErrHaltedAlready
	}
	if g.hold.Active() {
		g.close()
	}
	g.open(OperatorHold, 0)
	g.pump() // stops the timer of a probe that is not to come
	return nil
}

// Resume ends a hold, whatever opened it, and gives what it was. The breaker counts
// anew, and the calls come back by doubling. The error is ErrNotHeld without a hold.
func (g *Gate) Resume() (Hold, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.hold.Active() {
		return Hold{}, ErrNotHeld
	}
	was := g.hold
	g.end()
	g.pump()
	return was, nil
}

package sink

import (
	"context"
	"math/rand/v2"
	"time"
)

// Policy says how passing failures of one event are repeated.
type Policy struct {
	// MaxAttempts is how many failed attempts an event may have; 0 is no limit.
	MaxAttempts int
	// MaxElapsed is how long an event may fail, time in a hold left out; 0 is no limit.
	MaxElapsed time.Duration
	// Initial is the first back-off, doubled with each failure up to Max.
	Initial, Max time.Duration
}

// Delay is the back-off after failure n, counted from 1: Initial doubled n-1 times,
// at most Max, of which up to half is taken off by jitter, a number from 0 up to 1.
func (p Policy) Delay(n int, jitter float64) time.Duration {
	d := min(p.Initial, p.Max)
	for ; n > 1 && 0 < d && d < p.Max; n-- {
		d += min(d, p.Max-d) // doubled without ever passing Max
	}
	return d - time.Duration(jitter*float64(d)/2)
}

// delay is Delay with a random jitter, but at least as long as the help desk asks.
func (p Policy) delay(n int, asked time.Duration) time.Duration {
	return max(p.Delay(n, rand.Float64()), asked)
}

// spent reports whether the budget of an event is used up after n failures in elapsed.
func (p Policy) spent(n int, elapsed time.Duration) bool {
	return p.MaxAttempts > 0 && n >= p.MaxAttempts || p.MaxElapsed > 0 && elapsed >= p.MaxElapsed
}

// sleep waits for d; its error is the cause of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

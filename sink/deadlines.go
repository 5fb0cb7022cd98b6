package sink

import (
	"context"
	"sync/atomic"
	"time"
)

// deadlineStep is how much later than its timeout a write may end, or a part of a short
// timeout.
const (
	deadlineStep  = 250 * time.Millisecond
	deadlineParts = 16
)

// deadlines gives contexts that end after a timeout. Writes of one parent that begin within a step
// share one: a context and a timer for each take 3 % more CPU time end to end with 512 calls in flight
// (docs/performance.md).
type deadlines struct {
	timeout time.Duration
	latest  atomic.Pointer[deadline]
}

// deadline is a context for the writes that begin until a moment.
type deadline struct {
	parent, ctx context.Context
	until       time.Time
	// end is not called: other writes may have ctx, which ends by its own time.
	end context.CancelFunc
}

// within is ctx with a deadline, whose cause is errCallTimeout.
func (d *deadlines) within(ctx context.Context) context.Context {
	now := time.Now()
	if latest := d.latest.Load(); latest != nil && latest.parent == ctx && now.Before(latest.until) {
		return latest.ctx
	}
	step := min(deadlineStep, d.timeout/deadlineParts)
	next := &deadline{parent: ctx, until: now.Add(step)}
	next.ctx, next.end = context.WithDeadlineCause(ctx, now.Add(d.timeout+step), errCallTimeout)
	d.latest.Store(next)
	return next.ctx
}

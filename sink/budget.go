package sink

import (
	"context"
	"math"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Rate is a vendor's limit: Requests in any window of length Per.
type Rate struct {
	Requests int
	Per      time.Duration
	// Reserve is the share of the limit, from 0 up to 1, that is left to others.
	Reserve float64
}

// burstShare is the part of the limit that may be used at once, so that the calls of
// one event need not wait for each other when there is little to do.
const burstShare = 0.02

// paceMargin is the part of the limit that is left unused, so that no rounding of
// moments lets a window see one request too many.
const paceMargin = 0.001

// Budget spends one credential's requests. It starts with the configured Rate and
// learns from x-ratelimit-limit, -remaining, -reset and Retry-After.
type Budget struct {
	rate Rate
	// head is held by the caller whose turn is next; the others queue for it. So each
	// call goes the moment that its own token is there, after a block too, when all
	// who waited would otherwise go at once with tokens of long ago.
	head chan struct{}

	mu      sync.Mutex
	limiter *rate.Limiter
	limit   int           // requests per window, as configured or as last told
	portion portion       // what of it is this process's
	share   float64       // the same as a part of the limit
	until   time.Time     // nothing is left until then
	changed chan struct{} // closed when the pace changes
}

// NewBudget makes a Budget that spends what r leaves beside its reserve.
func NewBudget(r Rate) *Budget {
	b := &Budget{rate: r, limit: r.Requests, share: 1, head: make(chan struct{}, 1), changed: make(chan struct{})}
	every, burst := b.pace()
	b.limiter = rate.NewLimiter(every, burst)
	return b
}

// pace spreads the usable part of the limit over the window. A bucket of burst tokens
// that gains gain of them per window lets fewer than burst+gain calls into any window,
// wherever it begins.
func (b *Budget) pace() (rate.Limit, int) {
	usable := float64(b.limit) * (1 - b.rate.Reserve) * b.share
	if usable >= 1 {
		usable = math.Floor(usable + 1e-6) // whole calls, whatever the fractions were rounded to
	}
	burst := max(1, int(usable*burstShare))
	gain := max(0, usable*(1-paceMargin)-float64(burst-1))
	return rate.Limit(gain / b.rate.Per.Seconds()), burst
}

// setPace gives the limiter another pace and keeps what it holds. b is locked.
func (b *Budget) setPace() {
	every, burst := b.pace()
	b.limiter.SetLimit(every)
	b.limiter.SetBurst(burst)
	b.wake()
}

// wake tells the caller that waits for its token that the pace is another one.
func (b *Budget) wake() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// Take spends a call if one may be made at once and nobody waits for one.
func (b *Budget) Take() bool {
	select {
	case b.head <- struct{}{}:
	default:
		return false
	}
	defer func() { <-b.head }()
	wait, _ := b.take(time.Now())
	return wait <= 0
}

// Wait waits until one more call may be made. Its error is the cause of ctx.
func (b *Budget) Wait(ctx context.Context) error {
	select {
	case b.head <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-b.head }()
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		wait, changed := b.take(time.Now())
		if wait <= 0 {
			return nil
		}
		if err := sleepOr(ctx, wait, changed); err != nil {
			return err
		}
	}
}

// take spends a token, or tells how long it takes until there may be one.
func (b *Budget) take(now time.Time) (wait time.Duration, changed <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if wait := b.until.Sub(now); wait > 0 {
		return wait, b.changed
	}
	token := b.limiter.ReserveN(now, 1)
	wait = token.DelayFrom(now)
	if wait > 0 {
		token.CancelAt(now)
	}
	return wait, b.changed
}

// leftToOthers is the part of the reserve at which calls stop. Others may use their
// reserve while we use our part, so that much of it has to be gone before they are known
// to use more than is theirs.
const leftToOthers = 0.5

// Learn takes in what an answer says about the limit. A limit that the vendor
// states replaces the configured one; it and what remains are of all processes together.
// When not half of the reserve remains, or a 429 says that nothing does, calls wait for
// the reset that the answer names, one hour at most.
func (b *Budget) Learn(reply Reply, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if limit, ok := headerInt(reply, "X-Ratelimit-Limit"); ok && limit > 0 && int(limit) != b.limit {
		b.limit = int(limit)
		b.setPace()
	}
	remaining, ok := headerInt(reply, "X-Ratelimit-Remaining")
	wait := time.Duration(0)
	switch {
	case reply.Status == http.StatusTooManyRequests && (!ok || remaining <= 0):
		wait = askedWait(reply, now)
	case ok && float64(remaining) <= float64(b.limit)*b.rate.Reserve*leftToOthers:
		wait = resetIn(reply, now)
	}
	if until := now.Add(wait); until.After(b.until) {
		b.until = until
	}
}

// sleep waits for d; its error is the cause of ctx.
func sleep(ctx context.Context, d time.Duration) error { return sleepOr(ctx, d, nil) }

// sleepOr is sleep that ends early when wake is closed.
func sleepOr(ctx context.Context, d time.Duration, wake <-chan struct{}) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-wake:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

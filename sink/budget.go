package sink

import (
	"context"
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

// burstShare is the part of the limit that may be used at once. What is left is
// spread evenly, so that no window of the vendor's, wherever it begins, sees more
// than the limit.
const burstShare = 0.02

// Budget spends one credential's requests. It starts with the configured Rate and
// learns from x-ratelimit-limit, -remaining, -reset and Retry-After.
type Budget struct {
	rate Rate

	mu      sync.Mutex
	limiter *rate.Limiter
	limit   int       // requests per window, as configured or as last told
	until   time.Time // nothing is left until then
}

// NewBudget makes a Budget that spends what r leaves beside its reserve.
func NewBudget(r Rate) *Budget {
	b := &Budget{rate: r, limit: r.Requests}
	every, burst := b.pace()
	b.limiter = rate.NewLimiter(every, burst)
	return b
}

// pace spreads the usable part of the limit over the window.
func (b *Budget) pace() (rate.Limit, int) {
	usable := float64(b.limit) * (1 - b.rate.Reserve)
	burst := max(1, int(usable*burstShare))
	steady := max(usable-float64(burst), usable/2)
	return rate.Limit(steady / b.rate.Per.Seconds()), burst
}

// Wait waits until one more call may be made. Its error is the cause of ctx.
func (b *Budget) Wait(ctx context.Context) error {
	if err := b.limiter.Wait(ctx); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}
	for {
		wait := time.Until(b.blockedUntil())
		if wait <= 0 {
			return nil
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

func (b *Budget) blockedUntil() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.until
}

// Learn takes in what an answer says about the limit. A limit that the vendor
// states replaces the configured one. When no more than the reserve remains, or a
// 429 says so, calls wait for the reset that the answer names, one hour at most.
func (b *Budget) Learn(reply Reply, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if limit, ok := headerInt(reply.Header, "x-ratelimit-limit"); ok && limit > 0 && int(limit) != b.limit {
		b.limit = int(limit)
		every, burst := b.pace()
		b.limiter.SetLimit(every)
		b.limiter.SetBurst(burst)
	}
	remaining, ok := headerInt(reply.Header, "x-ratelimit-remaining")
	wait := time.Duration(0)
	switch {
	case reply.Status == http.StatusTooManyRequests && (!ok || remaining <= 0):
		wait = askedWait(reply, now)
	case ok && float64(remaining) <= float64(b.limit)*b.rate.Reserve:
		wait = resetIn(reply.Header, now)
	}
	if until := now.Add(wait); until.After(b.until) {
		b.until = until
	}
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

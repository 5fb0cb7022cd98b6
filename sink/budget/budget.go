package budget

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"sync"
	"sync/atomic"
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
// learns from x-ratelimit-limit, -remaining, -reset and Retry-After. Above its own part
// it lends itself what others leave over, in the last fifth of a window and as far as
// the answers show it.
type Budget struct {
	rate Rate
	// forPeople marks the part that is reserved for plans, redrives and deliver.
	forPeople bool
	// head is held by the caller whose turn is next; the others queue for it. So each
	// call goes the moment that its own token is there, after a block too, when all
	// who waited would otherwise go at once with tokens of long ago. queued is how many they are.
	head   chan struct{}
	queued atomic.Int32

	mu      sync.Mutex
	limiter *rate.Limiter
	limit   int       // requests per window, as configured or as last told
	portion portion   // what of it is this process's
	share   float64   // the same as a part of the limit
	until   time.Time // nothing is left until then
	// While too few calls remain and nobody knows until when, spacing is the time from one call to
	// the next, 0 otherwise. latest is when a call was let through last.
	spacing time.Duration
	latest  time.Time
	told    time.Time     // the end of the latest such pause that was logged
	changed chan struct{} // closed when the pace changes

	window window
	lent   lending
	spare  *rate.Limiter // of TakeReserved, nil until it is asked for
	// advance is how many calls of the reserve may be made ahead of their time; it is
	// known once there was an answer.
	advance int
	known   bool
	// remaining is how many calls the latest answer left, of all processes; -1 before one said so.
	remaining int

	// With priorities, destinations take calls by their Turns, and owed is what these keep for those
	// that are less urgent.
	prioritised bool
	turns       []*Turns
	owed        debts
}

// New makes an instance's Budget, which spends what r leaves beside its reserve.
func New(r Rate) *Budget {
	b := &Budget{rate: r}
	b.start()
	return b
}

// NewReserve makes the Budget of a command that people run. It spends the reserve
// of r, and all of the limit when there is none: then nothing is left to others, and so
// nobody else is expected.
func NewReserve(r Rate) *Budget {
	b := &Budget{rate: r, forPeople: r.Reserve > 0}
	b.start()
	return b
}

func (b *Budget) start() {
	b.limit, b.share, b.window.per, b.remaining = b.rate.Requests, 1, b.rate.Per, -1
	b.head, b.changed = make(chan struct{}, 1), make(chan struct{})
	every, burst := b.pace()
	b.limiter = rate.NewLimiter(every, burst)
}

// own is how many calls of a window are this process's own.
func (b *Budget) own() float64 {
	if b.forPeople {
		return b.reserved()
	}
	return float64(b.limit) * (1 - b.rate.Reserve) * b.share
}

// pace spreads the usable part of the limit over the window. A bucket of burst tokens
// that gains gain of them per window lets fewer than burst+gain calls into any window,
// wherever it begins.
func (b *Budget) pace() (rate.Limit, int) {
	usable := b.own()
	if usable >= 1 {
		usable = math.Floor(usable + 1e-6) // whole calls, whatever the fractions were rounded to
	}
	burst := max(1, int(usable*burstShare))
	gain := max(0, usable*(1-paceMargin)-float64(burst-1))
	return rate.Limit(gain / b.rate.Per.Seconds()), burst
}

// Own is how many calls of a window are this process's own, whatever is lent.
func (b *Budget) Own() (calls float64, window time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.own(), b.rate.Per
}

// Limit is how many calls the vendor allows all processes in a window, as configured or as last
// told, and how many of them the latest answer left, -1 if none has said so.
func (b *Budget) Limit() (limit, remaining int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.limit, b.remaining
}

// Pause is how long the next call has to wait, as things are, and whether that is for the
// reset of a limit that is used up.
func (b *Budget) Pause(now time.Time) (wait time.Duration, usedUp bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if wait := b.until.Sub(now); wait > 0 {
		return wait, true
	}
	spaced := b.spaced(now)
	if b.advance > 0 {
		return spaced, false
	}
	token := b.limiter.ReserveN(now, 1)
	defer token.CancelAt(now)
	return max(token.DelayFrom(now), spaced), false
}

// UsedUpNews is when a limit that is used up for longer than a minute begins again, zero when
// there is none or it was asked for already.
func (b *Budget) UsedUpNews(now time.Time) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.until.Sub(now) <= time.Minute || b.told.After(now) {
		return time.Time{}
	}
	b.told = b.until
	return b.until
}

// setPace gives the limiter another pace and keeps what it holds. b is locked.
func (b *Budget) setPace() {
	every, burst := b.pace()
	b.limiter.SetLimit(every)
	b.limiter.SetBurst(burst)
	b.wake()
}

// wake has the caller that waits for its call look again.
func (b *Budget) wake() {
	close(b.changed)
	b.changed = make(chan struct{})
	b.wakeTurns()
}

// Take spends a call if one may be made at once and nobody waits for one; ok reports
// whether it did.
func (b *Budget) Take() (g Grant, ok bool) {
	if b.queued.Load() > 0 {
		return Grant{}, false
	}
	g, wait, _ := b.take(time.Now())
	return g, wait <= 0
}

// TooLongError is returned to a caller that does not wait until the next call.
type TooLongError struct {
	// Until is when that call may be made, as things are.
	Until time.Time
	// UsedUp reports whether the API says that nothing is left until then. Otherwise it is
	// the pace of Own calls in each Window.
	UsedUp bool
	Own    float64
	Window time.Duration
}

// Error implements error.
func (e *TooLongError) Error() string {
	until := e.Until.UTC().Format(time.RFC3339)
	if e.UsedUp {
		return "rate limit is used up until " + until
	}
	return fmt.Sprintf("rate budget of %.4g calls in %v has no call until %s", e.Own, e.Window, until)
}

// Wait waits until one more call may be made. Its error is the cause of ctx or, when the call
// may be made longest or longer after the caller's turn came, a *TooLongError at once; 0 is no
// limit. Waiting for the turn does not count, since others make their calls meanwhile, nor does
// what the pace makes up for.
func (b *Budget) Wait(ctx context.Context, longest time.Duration) (Grant, error) {
	b.queued.Add(1)
	defer b.queued.Add(-1)
	select {
	case b.head <- struct{}{}:
	case <-ctx.Done():
		return Grant{}, context.Cause(ctx)
	}
	defer func() { <-b.head }()
	for since := time.Now(); ; {
		if ctx.Err() != nil {
			return Grant{}, context.Cause(ctx)
		}
		now := time.Now()
		g, wait, changed := b.take(now)
		if wait <= 0 {
			return g, nil
		}
		if longest > 0 && wait >= longest-now.Sub(since) {
			if err := b.tooLong(now, wait, longest); err != nil {
				return Grant{}, err
			}
		}
		if err := sleepOr(ctx, wait, changed); err != nil {
			return Grant{}, err
		}
	}
}

// tooLong is the error of a caller for whom wait is too long, nil where only calls that were
// made ahead of their time delay the next one: the pace itself is quick enough.
func (b *Budget) tooLong(now time.Time, wait, longest time.Duration) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	usedUp := b.until.After(now)
	if !usedUp && float64(b.limiter.Limit())*longest.Seconds() > 1 {
		return nil
	}
	return &TooLongError{Until: now.Add(wait), UsedUp: usedUp, Own: b.own(), Window: b.rate.Per}
}

// take spends a call, or returns how long it takes until there may be one.
func (b *Budget) take(now time.Time) (g Grant, wait time.Duration, changed <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, wait := b.token(now); wait > 0 {
		return Grant{}, wait, b.changed
	}
	return b.window.grant(now), 0, nil
}

// token takes what one call costs, or returns how long it takes until there may be one. from is
// whose token it is, nil for a call that was lent. b is locked.
func (b *Budget) token(now time.Time) (from *rate.Limiter, wait time.Duration) {
	if wait := max(b.until.Sub(now), b.spaced(now)); wait > 0 {
		return nil, wait
	}
	if b.limiter.AllowN(now, 1) { // a reservation costs memory
		b.latest = now
		return b.limiter, 0
	}
	token := b.limiter.ReserveN(now, 1)
	wait = token.DelayFrom(now)
	switch {
	case wait <= 0:
	case b.advance > 0:
		b.advance-- // it is kept: the calls after it come later
	default:
		token.CancelAt(now)
		if wait = min(wait, b.lend(now)); wait > 0 {
			return nil, wait
		}
		b.latest = now
		return nil, 0
	}
	b.latest = now
	return b.limiter, 0
}

// spaced is how long it takes until the time from the latest call to the next one has passed.
func (b *Budget) spaced(now time.Time) time.Duration {
	if b.spacing == 0 {
		return 0
	}
	return max(0, b.latest.Add(b.spacing).Sub(now))
}

// leftToOthers is the part of the reserve at which calls stop. Others may use their
// reserve while we use our part, so that much of it has to be gone before they are known
// to use more than is theirs.
const leftToOthers = 0.5

// Learn takes in what the answer to a granted call says about the limit. A limit that the
// vendor states replaces the configured one; it and what remains are of all processes
// together. When not half of the reserve remains, or a 429 says that nothing does, calls
// wait for the reset that the answer names, one hour at most. Where it names none they go at half
// the pace until more remain. What remained of an earlier window says nothing about the present one.
func (b *Budget) Learn(g Grant, status int, header http.Header, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if limit, ok := headerInt(header, "X-Ratelimit-Limit"); ok && limit > 0 && int(limit) != b.limit {
		b.limit = int(limit)
		b.setPace()
	}
	remaining, ok := Remaining(header)
	counts := ok && !b.window.isEarlier(g) // before learnCount, which may begin a window
	if counts {
		b.remaining = int(remaining)
		b.learnCount(g, b.remaining, now)
	}
	wait := time.Duration(0)
	if counts {
		b.spacing = 0
	}
	switch {
	case status == http.StatusTooManyRequests && (!ok || remaining <= 0):
		wait = AskedWait(status, header, now)
	case counts && float64(remaining) <= b.stopsAt():
		if wait = b.untilReset(header, now); wait <= 0 {
			b.spacing = time.Duration(2 * float64(b.rate.Per) / max(b.own(), 1))
		}
	}
	if until := now.Add(wait); until.After(b.until) {
		b.until = until
	}
}

// stopsAt is how many calls are left to others when no more remain. The commands that the
// reserve is for use it up.
func (b *Budget) stopsAt() float64 {
	if b.forPeople {
		return 0
	}
	return b.reserved() * leftToOthers
}

// untilReset is the time until the reset that an answer names, else until the window that
// was found out ends. When neither is known it is 0.
func (b *Budget) untilReset(header http.Header, now time.Time) time.Duration {
	if wait := resetIn(header, now); wait > 0 {
		return wait
	}
	if earliest, _, ok := b.window.ends(now); ok {
		return earliest.Sub(now)
	}
	return 0
}

// learnCount takes in how many calls remain. b is locked.
func (b *Budget) learnCount(g Grant, remaining int, now time.Time) {
	if b.window.learn(g, b.limit-remaining, now) || b.lent.unseen {
		b.lent.unseen = false
		b.wake() // who waits for a call of its own may be lent one earlier
	}
	b.watchReserve(now)
	if b.forPeople && !b.known && float64(remaining) >= math.Floor(b.reserved()) {
		// All of the reserve is there, and half of it nobody else lends.
		b.advance = max(0, int(b.reserved()*leftToOthers)-b.limiter.Burst())
		b.wake()
	}
	b.known = true
}

// sleepOr waits for d, or until wake is closed. Its error is the cause of ctx.
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

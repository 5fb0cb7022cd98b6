package stub

import (
	"slices"
	"sync"
	"time"
)

// window counts the calls of each budget, in fixed windows or in the one that ends now.
type window struct {
	limit   int
	size    time.Duration
	sliding bool

	mu    sync.Mutex
	calls map[string][]time.Time // counted and still in the window, oldest first
}

// budget is what is left of a budget after a call.
type budget struct {
	limit, remaining int
	// reset is when the next fixed window begins, or when the oldest call leaves the
	// sliding one.
	reset    time.Time
	exceeded bool
}

// take counts one call of the named budget. A call over the limit is not counted: the
// vendors' throttles refuse it without extending the wait.
func (w *window) take(name string, now time.Time) budget {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.calls == nil {
		w.calls = make(map[string][]time.Time)
	}
	calls := w.calls[name]
	still := slices.IndexFunc(calls, func(at time.Time) bool { return w.leaves(at).After(now) })
	if still < 0 {
		still = len(calls)
	}
	calls = calls[still:]
	exceeded := len(calls) >= w.limit
	if !exceeded {
		calls = append(calls, now)
	}
	w.calls[name] = calls
	b := w.untouched(now)
	b.remaining, b.exceeded = w.limit-len(calls), exceeded
	if len(calls) > 0 {
		b.reset = w.leaves(calls[0])
	}
	return b
}

// leaves is when a call does not count any more.
func (w *window) leaves(at time.Time) time.Time {
	if w.sliding {
		return at.Add(w.size)
	}
	return at.Truncate(w.size).Add(w.size)
}

// untouched is the budget shown to a caller whose token is not accepted.
func (w *window) untouched(now time.Time) budget {
	return budget{limit: w.limit, remaining: w.limit, reset: w.leaves(now)}
}

func (w *window) clear() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = nil
}

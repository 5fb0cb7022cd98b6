package stub

import (
	"slices"
	"sync"
	"time"
)

// window counts the calls of each budget, in fixed windows or in a sliding one.
type window struct {
	limit   int
	size    time.Duration
	sliding bool

	mu    sync.Mutex
	calls map[string][]time.Time // counted and still in the window, oldest first
}

// take counts one call of the named budget. A call over the limit is not counted: the
// vendors' throttles refuse it without extending the wait.
func (w *window) take(name string, now time.Time) Budget {
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
	b.Remaining, b.Exceeded = w.limit-len(calls), exceeded
	if len(calls) > 0 {
		b.Reset = w.leaves(calls[0])
	}
	return b
}

// leaves returns when a call stops to count.
func (w *window) leaves(at time.Time) time.Time {
	if w.sliding {
		return at.Add(w.size)
	}
	return at.Truncate(w.size).Add(w.size)
}

// untouched returns the budget for a caller whose token is not accepted.
func (w *window) untouched(now time.Time) Budget {
	return Budget{Limit: w.limit, Remaining: w.limit, Reset: w.leaves(now)}
}

func (w *window) clear() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = nil
}

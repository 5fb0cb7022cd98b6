package stub

import (
	"sync"
	"time"
)

// window counts the calls of each token in fixed windows.
type window struct {
	limit int
	size  time.Duration

	mu    sync.Mutex
	start time.Time
	spent map[string]int
}

// budget is what a token has after a call.
type budget struct {
	limit, remaining int
	reset            time.Time // when the next window begins
	exceeded         bool
}

// take counts one call of a token. A call over the limit is not counted: the vendors'
// throttles refuse it without extending the wait.
func (w *window) take(token string, now time.Time) budget {
	w.mu.Lock()
	defer w.mu.Unlock()
	if start := now.Truncate(w.size); !start.Equal(w.start) || w.spent == nil {
		w.start, w.spent = start, make(map[string]int)
	}
	b := budget{limit: w.limit, reset: w.start.Add(w.size)}
	if w.spent[token] >= w.limit {
		b.exceeded = true
		return b
	}
	w.spent[token]++
	b.remaining = w.limit - w.spent[token]
	return b
}

// untouched is the budget shown to a caller whose token is not accepted.
func (w *window) untouched(now time.Time) budget {
	return budget{limit: w.limit, remaining: w.limit, reset: now.Truncate(w.size).Add(w.size)}
}

func (w *window) clear() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.spent = nil
}

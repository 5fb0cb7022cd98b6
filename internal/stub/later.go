package stub

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// later makes writes take effect some time after their connection has ended, each in a
// goroutine of its own.
type later struct {
	pending atomic.Int64

	mu     sync.Mutex
	round  *round // nil until there is something to do
	closed bool
}

// round is what is pending until the next reset. Nothing is added to one that is cancelled,
// so it can be waited for.
type round struct {
	ctx    context.Context
	cancel context.CancelFunc
	all    sync.WaitGroup
}

// do calls a function after a time, unless it is cancelled before.
func (l *later) do(after time.Duration, effect func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	if l.round == nil {
		l.round = &round{}
		l.round.ctx, l.round.cancel = context.WithCancel(context.Background())
	}
	r := l.round
	l.pending.Add(1)
	r.all.Go(func() {
		defer l.pending.Add(-1)
		if sleep(r.ctx, after) {
			effect()
		}
	})
}

// cancel drops what is pending and waits until nothing takes effect any more; with forGood
// nothing is taken on afterwards.
func (l *later) cancel(forGood bool) {
	l.mu.Lock()
	r := l.round
	l.round, l.closed = nil, l.closed || forGood
	l.mu.Unlock()
	if r != nil {
		r.cancel()
		r.all.Wait()
	}
}

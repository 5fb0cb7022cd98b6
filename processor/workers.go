package processor

import "sync"

// workers runs functions, each at once. A goroutine that has run one takes the next: its stack
// has grown to what a delivery needs, and growing a new one each time takes a twentieth of the
// CPU time. Not all of them wait for a next one: after trouble there are as many as there were
// lanes in it.
type workers struct {
	group sync.WaitGroup
	next  chan func()
	idle  chan struct{} // has an element for each that waits
}

// newWorkers makes workers of which idle may wait for the next function.
func newWorkers(idle int) *workers {
	return &workers{next: make(chan func()), idle: make(chan struct{}, idle)}
}

// run runs f in one that waits, or in a new one.
func (w *workers) run(f func()) {
	select {
	case w.next <- f:
	default:
		w.group.Go(func() { w.work(f) })
	}
}

func (w *workers) work(f func()) {
	for f != nil {
		f()
		select {
		case w.idle <- struct{}{}:
		default:
			return
		}
		f = <-w.next // nil in the end
		<-w.idle
	}
}

// wait waits until all functions have returned. No other may be run.
func (w *workers) wait() {
	close(w.next)
	w.group.Wait()
}

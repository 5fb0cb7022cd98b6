package lanes

import "sync"

// Queue runs the jobs of one lane one after the other, and different lanes side by side. One
// goroutine may submit.
type Queue struct {
	slots   chan struct{} // one per job that is waiting or running
	running sync.WaitGroup

	mu     sync.Mutex
	queues map[string][]func() // of lanes that have a goroutine
}

// New returns a queue that takes up to limit open jobs.
func New(limit int) *Queue {
	return &Queue{slots: make(chan struct{}, limit), queues: map[string][]func(){}}
}

// Submit adds a job to a lane. Jobs of the lane "" do not wait for each other. Submit blocks
// while the limit of open jobs is reached.
func (l *Queue) Submit(lane string, job func()) {
	l.slots <- struct{}{}
	if lane == "" {
		l.running.Go(func() { l.do(job) })
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	queue, busy := l.queues[lane]
	l.queues[lane] = append(queue, job)
	if !busy {
		l.running.Go(func() { l.drain(lane) })
	}
}

// drain runs a lane until it is empty.
func (l *Queue) drain(lane string) {
	for {
		l.mu.Lock()
		queue := l.queues[lane]
		if len(queue) == 0 {
			delete(l.queues, lane)
			l.mu.Unlock()
			return
		}
		l.queues[lane] = queue[1:]
		l.mu.Unlock()
		l.do(queue[0])
	}
}

func (l *Queue) do(job func()) {
	defer func() { <-l.slots }()
	job()
}

// Wait returns when all jobs are done.
func (l *Queue) Wait() { l.running.Wait() }

// MaxOpen is how many events of one destination wait or are in flight
// before deliver reads on.
const MaxOpen = 10_000

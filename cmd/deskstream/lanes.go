package main

import "sync"

// lanes runs the jobs of one lane one after the other and different lanes beside
// each other. It is for one submitter.
type lanes struct {
	slots   chan struct{} // one per job that is waiting or running
	running sync.WaitGroup

	mu     sync.Mutex
	queues map[string][]func() // of lanes that have a goroutine
}

// newLanes makes lanes that take up to limit open jobs.
func newLanes(limit int) *lanes {
	return &lanes{slots: make(chan struct{}, limit), queues: map[string][]func(){}}
}

// submit queues a job; "" is no lane, and its jobs wait for nothing. It blocks while
// the limit of open jobs is reached.
func (l *lanes) submit(lane string, job func()) {
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
func (l *lanes) drain(lane string) {
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

func (l *lanes) do(job func()) {
	defer func() { <-l.slots }()
	job()
}

// wait returns when all jobs are done.
func (l *lanes) wait() { l.running.Wait() }

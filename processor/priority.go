package processor

import (
	"time"

	"github.com/deskstream/deskstream/mapping"
)

// PriorityFigures are a pipeline's numbers of one priority.
type PriorityFigures struct {
	// Settled counts events since the start whose outcome is acknowledged, Open those that are read
	// and not settled. Those that wait for their schema are not among them.
	Settled, Open int64
	// Oldest is the age of the oldest open one.
	Oldest time.Duration
}

// prioritised puts in what the book knows by priority, last. b is locked.
func (b *book) prioritised(f *Figures) {
	for i, n := range b.counts.ofPriority {
		f.ByPriority[i].Settled = n
	}
	if b.priorities == nil { // all are alike, and need not be looked at
		normal := &f.ByPriority[mapping.Normal.Rank()]
		normal.Open, normal.Oldest = f.Open, f.Oldest
		return
	}
	var oldest [len(mapping.Priorities)]time.Time
	for _, part := range b.parts {
		for r := part.oldest; r != nil; r = r.next {
			if r.arrival == 0 {
				continue
			}
			i := r.priority.Rank()
			f.ByPriority[i].Open++
			if at := r.Timestamp; !at.IsZero() && (oldest[i].IsZero() || at.Before(oldest[i])) {
				oldest[i] = at
			}
		}
	}
	for i, at := range oldest {
		if !at.IsZero() {
			f.ByPriority[i].Oldest = max(0, time.Since(at))
		}
	}
}

// Prioritise has events that are read from now on have other priorities. The processor has to have
// had some when it was made.
func (p *Processor) Prioritise(priorities Priorities) {
	p.book.mu.Lock()
	defer p.book.mu.Unlock()
	p.book.priorities = priorities
}

// askPriority asks how urgent a record is.
func (b *book) askPriority(part *partition, r *record) mapping.Priority {
	if part.calls {
		return b.priorities.OfCalls()
	}
	var begun *mapping.RuleMark
	if p := r.progress; p.Exists() && p.Rule != "" {
		begun = &mapping.RuleMark{Name: p.Rule, Hash: p.RuleHash}
	}
	return b.priorities.Of(part.reader, r.decoder, r.Value, begun)
}

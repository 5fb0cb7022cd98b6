package processor

import (
	"context"
	"maps"
	"sync"
	"time"
)

// sourceShare knows which part of the source's partitions this instance has, and reports
// it to Config.Divided. It has its own lock, which may be taken under the book's.
type sourceShare struct {
	divided func(ours, all int) // nil: nobody wants to know

	mu         sync.Mutex
	partitions map[string]int32 // of the source topics, as last seen
	ours       int
}

func newSourceShare(cfg *Config) *sourceShare {
	s := &sourceShare{divided: cfg.Divided, partitions: make(map[string]int32)}
	for _, topic := range cfg.Topics {
		s.partitions[topic] = cfg.SourcePartitions[topic]
	}
	return s
}

// found takes in how many partitions source topics have.
func (s *sourceShare) found(partitions map[string]int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.Copy(s.partitions, partitions)
	s.report()
}

// have takes in how many partitions are ours, and those that were just assigned, which the
// topics have at least. The book is locked: so a release is reported before the group hears
// of it and gives the partitions to another instance.
func (s *sourceShare) have(ours int, assigned map[string][]int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ours = ours
	for topic, ids := range assigned {
		for _, id := range ids {
			s.partitions[topic] = max(s.partitions[topic], id+1)
		}
	}
	s.report()
}

func (s *sourceShare) report() {
	if s.divided == nil {
		return
	}
	all := 0
	for _, n := range s.partitions {
		all += int(n)
	}
	s.divided(s.ours, all)
}

// sourceCheck is the time between two looks at how many partitions the source topics have.
// A rebalance looks too; this is for instances that got nothing in it.
const sourceCheck = time.Minute

// watchSources follows the number of partitions of the source topics.
func (p *Processor) watchSources(ctx context.Context) error {
	for {
		pause(ctx, sourceCheck)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		bounded, cancel := context.WithTimeout(ctx, commitTimeout)
		topics, err := p.kafka.admin.ListTopics(bounded, p.cfg.Topics...)
		cancel()
		if err != nil {
			continue // what was known stays true for now
		}
		found := make(map[string]int32)
		for _, topic := range topics {
			if topic.Err == nil {
				found[topic.Topic] = int32(len(topic.Partitions))
			}
		}
		p.share.found(found)
	}
}

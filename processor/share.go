package processor

import (
	"context"
	"time"
)

// recount is the time between two looks at how many partitions the source topics have.
// A rebalance looks by itself; this is for the instances that it gives nothing.
const recount = time.Minute

// watchSources follows the number of partitions of the source topics.
func (p *Processor) watchSources(ctx context.Context) error {
	for {
		pause(ctx, recount)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		bounded, cancel := context.WithTimeout(ctx, commitTimeout)
		found, err := p.admin.ListTopics(bounded, p.cfg.Topics...)
		cancel()
		if err != nil {
			continue // what was known stays true for now
		}
		p.mu.Lock()
		for _, topic := range found {
			if topic.Err == nil {
				p.sources[topic.Topic] = int32(len(topic.Partitions))
			}
		}
		p.divide()
		p.mu.Unlock()
	}
}

// divide tells how many of the source partitions are ours. p is locked: so what was
// given up is told before the group hears of it, and gives it to another instance.
func (p *Processor) divide() {
	if p.cfg.Divided == nil {
		return
	}
	all := 0
	for _, topic := range p.cfg.Topics {
		all += int(p.sources[topic])
	}
	p.cfg.Divided(len(p.parts), all)
}

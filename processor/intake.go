package processor

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// pollRecords is how many records are taken in at once, so how far a limit can be overrun.
const pollRecords = 500

// intake polls for as long as there is room. Without room it does not poll: the
// client heartbeats by itself and holds no more than fetchBytes per broker, while
// pausing partitions would throw away all that it has fetched. Nor does it poll while
// more lanes are ready than the destination's places will take for long: what is fetched
// then waits in the broker as well as here, where it costs memory and the collector's time.
func (p *Processor) intake(ctx context.Context) error {
	for {
		if err := p.waitForRoom(ctx); err != nil {
			return err
		}
		fetches := p.client.PollRecords(ctx, pollRecords)
		if fetches.IsClientClosed() {
			return kgo.ErrClientClosed
		}
		if ctx.Err() != nil {
			p.client.AllowRebalance()
			return context.Cause(ctx)
		}
		fetches.EachError(p.fetchError)
		p.takeIn(fetches)
		p.client.AllowRebalance()
		if fetches.Empty() && len(fetches.Errors()) > 0 {
			pause(ctx, fetchBackoff) // the client gives a lasting error at once, again and again
		}
	}
}

// fetchBackoff is the pause after a poll that brought errors only.
const fetchBackoff = time.Second

// waitForRoom waits for as long as a limit is reached, or enough lanes are ready. In a
// hold there are never enough: the limits then say why more waits.
func (p *Processor) waitForRoom(ctx context.Context) error {
	look := time.NewTicker(lookForHold)
	defer look.Stop()
	for {
		held := p.dest.Gate().Held().Active()
		p.mu.Lock()
		full := p.fullLocked()
		changed := full != p.full
		p.full = full
		goOn := full == "" && (held || !p.ready.enough())
		p.mu.Unlock()
		if changed && full != "" {
			p.log.Info("intake paused", "limit", full)
		} else if changed {
			p.log.Info("intake resumed")
		}
		if goOn {
			return nil
		}
		select {
		case <-p.freed:
		case <-look.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// lookForHold is how often an intake that waits looks for a hold.
const lookForHold = time.Second

// fullLocked names the limit that is reached, "" for none. Once paused, intake goes
// on when a tenth is free, not at each record.
func (p *Processor) fullLocked() string {
	part := func(n int64) int64 {
		if p.full != "" {
			return n - n/10
		}
		return n
	}
	switch {
	case int64(p.open) >= part(int64(p.cfg.Limits.Records)):
		return "records"
	case p.bytes >= part(p.cfg.Limits.Bytes):
		return "bytes"
	case int64(p.lanes) >= part(int64(p.cfg.Limits.Lanes)):
		return "lanes"
	default:
		return ""
	}
}

// fetchError logs what the client could not fetch; it goes on trying by itself.
func (p *Processor) fetchError(topic string, id int32, err error) {
	if loss, ok := errors.AsType[*kgo.ErrDataLoss](err); ok {
		p.log.Error("source partition lost data, delivering again from there", "topic", topic, "partition", id, "consumed_to", loss.ConsumedTo, "reset_to", loss.ResetTo)
		p.restart(topicPartition{topic, id}, loss.ResetTo)
		return
	}
	if errors.Is(err, kerr.UnknownTopicID) {
		p.mu.Lock()
		p.doubtLocked(topic, doubt{})
		p.refusedLocked(topic)
		p.mu.Unlock()
	}
	p.fetchTrouble.met(err, "topic", topic, "partition", id)
}

func (p *Processor) restart(tp topicPartition, at int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if part := p.parts[tp]; part != nil && part.phase == active {
		p.restartLocked(part, at)
	}
}

// restartLocked begins a partition anew after its log changed under us: the offsets
// that we hold may name other records now.
func (p *Processor) restartLocked(old *partition, at int64) *partition {
	p.dropLocked(old)
	part := p.newPartition(old.topicPartition, old.holder)
	part.phase, part.live, part.claimed = active, true, true
	part.source, part.origin, part.responses, part.n, part.letters = old.source, old.origin, old.responses, old.n, old.letters
	part.next, part.position = at, old.position
	p.parts[part.topicPartition] = part
	p.resume(part) // whatever the old one was paused for
	return part
}

// takeIn puts fetched records into their lanes.
func (p *Processor) takeIn(fetches kgo.Fetches) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fetches.EachPartition(func(f kgo.FetchTopicPartition) {
		part := p.parts[topicPartition{f.Topic, f.Partition}]
		if part == nil || part.phase != active || len(f.Records) == 0 {
			return
		}
		if first := f.Records[0].Offset; first < part.next {
			// The committed offset is not in the log any more, as after the topic was made
			// anew: the client begins at the log's start.
			p.log.Error("source partition went back, delivering again from there", "topic", f.Topic, "partition", f.Partition, "from", part.next, "to", first)
			part = p.restartLocked(part, first)
		}
		p.checkExpired(part, f.Records[0].Offset, f.LogStartOffset)
		for _, r := range f.Records {
			p.takeInRecord(part, r)
		}
		p.pauseAtSpan(part)
	})
}

// checkExpired says it loudly when retention overtook us: nobody else does.
func (p *Processor) checkExpired(part *partition, first, logStart int64) {
	if part.next < 0 || first <= part.next || logStart <= part.next {
		return
	}
	n := min(first, logStart) - part.next
	p.counts.expired += n
	p.log.Error("records expired before they were read", "topic", part.topic, "partition", part.id,
		"from", part.next, "to", part.next+n-1, "records", n)
}

func (p *Processor) takeInRecord(part *partition, src *kgo.Record) {
	part.next, part.epoch = src.Offset+1, src.LeaderEpoch
	if src.Attrs.IsControl() {
		return
	}
	p.counts.read++
	if part.isDone(src) {
		p.counts.foundDone++
		return
	}
	kept, bytes := copyRecord(src)
	r := &record{Record: kept, position: part.position, bytes: bytes}
	part.link(r)
	p.open++
	p.bytes += bytes
	p.decode(part, r)
}

// enqueue puts a record whose decoder is known at the end of its lane's queue.
func (p *Processor) enqueue(part *partition, r *record) {
	key := laneKey{value: p.cfg.Reader.Lane(r.decoder, r.Value, r.Key)}
	if key.value == "" {
		key.alone = r.Offset
	}
	l := part.lanes[key]
	if l == nil {
		l = &lane{part: part, key: key}
		part.lanes[key] = l
		p.lanes++
	}
	p.arrivals++
	r.arrival = p.arrivals
	if !l.push(r) {
		p.ready.grown(l)
		return
	}
	p.ready.push(l)
	signal(p.readied)
}

// pauseAtSpan stops fetching a partition that is too far ahead of its committed offset.
func (p *Processor) pauseAtSpan(part *partition) {
	if !part.spanPaused && part.span() >= p.cfg.Limits.Span {
		part.spanPaused = true
		p.client.PauseFetchPartitions(map[string][]int32{part.topic: {part.id}})
		p.log.Warn("partition paused", "topic", part.topic, "partition", part.id, "limit", "span", "waits_for", part.oldest.Offset)
	}
}

func (p *Processor) resumeAtSpan(part *partition) {
	if part.spanPaused && part.span() < p.cfg.Limits.Span-p.cfg.Limits.Span/10 {
		part.spanPaused = false
		p.resume(part)
		p.log.Info("partition resumed", "topic", part.topic, "partition", part.id)
	}
}

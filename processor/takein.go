package processor

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// mayFetch reports whether there is room for more records and a need of them: in a hold and with
// priorities there always is, and the limits then say why more waits. Where only more records can
// make room, there is some. It returns the limit that is
// reached, "" for none, and whether it has changed.
func (b *book) mayFetch(held bool) (yes bool, limit string, changed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	limit = b.room.limit()
	changed = limit != b.room.full
	b.room.full = limit
	return (limit == "" || b.awaitsIntake()) && (held || b.coalesce || b.priorities != nil || !b.queue.enough()), limit, changed
}

// takeIn puts fetched records into their lanes.
func (b *book) takeIn(fetches kgo.Fetches) {
	b.mu.Lock()
	defer b.mu.Unlock()
	fetches.EachPartition(func(f kgo.FetchTopicPartition) {
		part := b.parts[topicPartition{f.Topic, f.Partition}]
		if part == nil || part.phase != active || len(f.Records) == 0 {
			return
		}
		if first := f.Records[0].Offset; first < part.next {
			// The committed offset is not in the log any more, as after the topic was
			// recreated: the client begins at the log's start.
			b.log.Error("source partition went back, delivering again from there", "topic", f.Topic, "partition", f.Partition, "from", part.next, "to", first)
			part = b.restartLocked(part, first)
		}
		b.checkExpired(part, f.Records[0].Offset, f.LogStartOffset)
		for _, r := range f.Records {
			b.takeInRecord(part, r)
		}
		b.readyJoined(part)
		b.pauseAtSpan(part)
	})
}

// checkExpired logs an error when retention passed our position: nobody else does.
func (b *book) checkExpired(part *partition, first, logStart int64) {
	if part.next < 0 || first <= part.next || logStart <= part.next {
		return
	}
	n := min(first, logStart) - part.next
	b.counts.expired += n
	b.log.Error("records expired before they were read", "topic", part.topic, "partition", part.id,
		"from", part.next, "to", part.next+n-1, "records", n)
}

func (b *book) takeInRecord(part *partition, src *kgo.Record) {
	part.next, part.epoch = src.Offset+1, src.LeaderEpoch
	if src.Attrs.IsControl() {
		return
	}
	b.counts.read++
	if part.isSettled(src) {
		b.counts.alreadySettled++
		return
	}
	kept := topics.CloneRecord(src)
	kept.Timestamp = sink.KnownTime(src.Timestamp)
	kept.Context = b.beginTrace(kept)
	r := &record{Record: kept, position: part.position, bytes: sizeOf(kept), progress: part.progressOf(src)}
	part.link(r)
	b.room.take(r)
	b.decode(part, r)
}

// decode finds what reads a record, which its lane depends on. If that has to be asked
// for, the record and all that come after it in its partition wait, so that the order
// within lanes holds, and the partition is not fetched meanwhile.
func (b *book) decode(part *partition, r *record) {
	r.decoder = mapping.JSON
	known := true
	if b.decoders != nil && r.Value != nil && !part.json {
		r.decoder, known = b.decoders.Known(r.Record)
	}
	if known && len(part.undecoded) == 0 {
		b.enqueue(part, r)
		return
	}
	part.undecoded = append(part.undecoded, r)
	if len(part.undecoded) == 1 {
		b.kafka.pauseFetching(part.topicPartition)
		b.find(part)
	}
}

// firstUndecoded is the record of a partition whose decoder is asked for next, nil for none.
func (b *book) firstUndecoded(part *partition) *record {
	b.mu.Lock()
	defer b.mu.Unlock()
	if part.phase != active || len(part.undecoded) == 0 {
		return nil
	}
	return part.undecoded[0]
}

// decoded moves the first record that waited to its lane.
func (b *book) decoded(part *partition, r *record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if part.phase != active {
		return
	}
	part.undecoded = part.undecoded[1:]
	b.enqueue(part, r)
	b.readyJoined(part)
	if len(part.undecoded) > 0 {
		return
	}
	part.undecoded = nil
	b.resumeLocked(part)
}

// enqueue puts a record whose decoder is known at the end of its lane's queue.
func (b *book) enqueue(part *partition, r *record) {
	key := laneKey{value: part.reader.Lane(r.decoder, r.Value, r.Key)}
	if key.value == "" {
		key.alone = r.Offset
	}
	l := part.lanes[key]
	if l == nil {
		l = &lane{part: part, key: key}
		part.lanes[key] = l
		b.room.lanes++
	}
	b.arrivals++
	r.arrival = b.arrivals
	part.repeats.takeIn(part.reader, l, r)
	if b.priorities != nil {
		r.priority = b.askPriority(part, r)
	}
	was := l.priority()
	if l.push(r) {
		b.ready(l)
	} else if b.queue.grown(l) {
		signal(b.laneReady[l.rank])
	}
	if s := l.session.Load(); s != nil && l.priority() > was {
		s.Own(l.priority())
	}
}

// pauseAtSpan stops fetching a partition that is too far ahead of its committed offset.
func (b *book) pauseAtSpan(part *partition) {
	if !part.spanPaused && part.span() >= b.room.limits.Span && !part.awaitsIntake() {
		part.spanPaused = true
		b.kafka.pauseFetching(part.topicPartition)
		b.log.Warn("partition paused, its newest record is too far from its oldest open one", "topic", part.topic, "partition", part.id,
			"limit", "span", "oldest_open", part.oldest.Offset)
	}
}

func (b *book) resumeAtSpan(part *partition) {
	if part.spanPaused && part.span() < b.room.limits.Span-b.room.limits.Span/10 {
		part.spanPaused = false
		b.resumeLocked(part)
		b.log.Info("partition resumed", "topic", part.topic, "partition", part.id)
	}
}

// resumeLocked fetches a partition again unless something else keeps it paused.
func (b *book) resumeLocked(part *partition) {
	if !part.spanPaused && len(part.undecoded) == 0 {
		b.kafka.resumeFetching(part.topicPartition)
	}
}

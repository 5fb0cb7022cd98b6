package processor

import (
	"context"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// joining is what may go out with the first record of a lane. The records are drawn from the lane's
// queue one by one while the first one is in flight: they stay in the queue, and nobody else takes
// them meanwhile.
type joining struct {
	p     *Processor
	lane  *lane
	drawn []*record
	// begun is the newest record that an earlier owner may have sent, -1 for none.
	begun int64
	// How many records are on record as joined with the first, and in which life of the partition.
	recorded int
	life     int32
}

// groupOf is what may go out with the first record of a lane, nil if nothing may.
func (p *Processor) groupOf(l *lane, r *record) *sink.Group {
	begun := int64(-1)
	if l.part.inherits.Load() {
		begun = p.book.sentUpTo(l)
	}
	if !p.cfg.Coalesce && r.Offset > begun || l.part.calls || !p.book.joins(r) {
		return nil
	}
	j := &joining{p: p, lane: l, drawn: []*record{r}, begun: begun}
	return &sink.Group{Following: j.following, Record: j.record, Begun: r.Offset <= begun}
}

// following implements sink.Group.Following. Where nothing is joined any more, what an earlier owner
// may have sent still is.
func (j *joining) following(i int) (sink.Follower, bool) {
	if i+1 == len(j.drawn) {
		next := j.p.book.following(j.drawn[i])
		if next == nil || !j.p.cfg.Coalesce && next.Offset > j.begun {
			return sink.Follower{}, false
		}
		j.drawn = append(j.drawn, next)
	}
	next := j.drawn[i+1]
	return sink.Follower{Value: next.Value, Decoder: next.decoder, Timestamp: next.Timestamp, Begun: next.Offset <= j.begun, Trace: next.trace()}, true
}

// record implements sink.Group.Record.
func (j *joining) record(ctx context.Context, n int) error {
	life := j.p.book.lifeOf(j.lane.part)
	if n <= j.recorded && life == j.life {
		return nil
	}
	newest, part := j.drawn[n], j.lane.part
	progress := &sink.Progress{Claim: j.p.book.claimOf(part).number, Joined: n}
	for rewrites := 0; ; rewrites++ {
		offset, err := acknowledged(ctx, j.p.kafka.writer.WriteProgress, topics.Entry{
			Source: newest.Record, Origin: part.origin, Lane: j.lane.key.value, Progress: progress,
			Partitions: j.p.book.writtenTo(part), MayWait: true, // with those of other lanes
		})
		if err != nil {
			return err
		}
		if rewrites >= maxRewrites || !j.p.book.isBehind(j.lane, newest, offset) {
			j.recorded, j.life = n, life
			return nil
		}
	}
}

// joins reports whether a record may go out with others. One that has begun, one that repeats
// another one's message id or waits for it, and one of a group that was taken apart goes alone.
func (b *book) joins(r *record) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return r.joins()
}

// following returns the record behind another one of a lane, nil if none is there that may join.
func (b *book) following(r *record) *record {
	b.mu.Lock()
	defer b.mu.Unlock()
	if next := r.behind; next != nil && next.joins() {
		return next
	}
	return nil
}

// joins needs the book's lock.
func (r *record) joins() bool {
	return !r.alone && r.Value != nil && r.progress == nil && !r.message.waits() && !r.message.isRepeat()
}

// takeApart puts the first n records of a lane back, each to be delivered alone: a call for all of
// them came to nothing.
func (b *book) takeApart(l *lane, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counts.apart++
	for r := l.head; n > 0 && r != nil; r, n = r.behind, n-1 {
		r.alone = true
	}
	b.completed(l)
	if l.part.phase == active {
		b.ready(l)
	}
}

// joinedWith returns the way of the lane's first records to being settled, when others went out
// with that of last: each is written when the one before it is acknowledged, and last is the last.
// So whenever this process ends, a prefix of them is settled, and the others say again what was
// said last.
func (p *Processor) joinedWith(last *settling, group *sink.Group) *settling {
	joined := group.Joined()
	if len(joined) == 0 {
		return last
	}
	records := p.book.firstOf(last.lane, len(joined)+1)
	newest := records[len(joined)]
	o := last.entry.Outcome
	last.rec, last.entry.Source, last.entry.Trace = newest, newest.Record, newest.trace()
	o.Source = p.sourceOf(newest, sink.Time{Time: group.NewestTime()})
	next := last
	for i := len(joined) - 1; i >= 0; i-- {
		r, other := records[i], joined[i].OutcomeOf(o, &newest.Offset)
		other.Source = p.sourceOf(r, sink.Time{Time: joined[i].Time})
		next = &settling{lane: last.lane, rec: r, then: next, entry: topics.Entry{
			Source: r.Record, Origin: last.entry.Origin, Lane: last.entry.Lane, Outcome: &other,
			Attempts: last.entry.Attempts, FirstAttempt: last.entry.FirstAttempt, LastAttempt: last.entry.LastAttempt,
			MayWait: true, Partitions: last.entry.Partitions, ConfigHash: last.entry.ConfigHash, Trace: r.trace(),
		}}
	}
	return next
}

func (p *Processor) sourceOf(r *record, at sink.Time) *sink.Source {
	return &sink.Source{Group: p.cfg.Group, Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Timestamp: at}
}

// firstOf are the first n records of a lane, which has as many.
func (b *book) firstOf(l *lane, n int) []*record {
	b.mu.Lock()
	defer b.mu.Unlock()
	records := make([]*record, 0, n)
	for r := l.head; len(records) < n; r = r.behind {
		records = append(records, r)
	}
	return records
}

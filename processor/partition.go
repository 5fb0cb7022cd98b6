package processor

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// topicPartition names a partition of a source topic.
type topicPartition struct {
	topic string
	id    int32
}

// phase is how far a partition has come with us.
type phase uint8

const (
	claiming phase = iota // assigned; its ledger is not read yet
	active                // its records are delivered
	draining              // no event starts any more, what is in flight may complete
	gone                  // no longer ours; what still completes changes nothing
)

// partition is one partition while it is ours. All of it is guarded by the book's lock.
type partition struct {
	topicPartition
	reader *mapping.Reader // of its records
	calls  bool            // these are API requests
	json   bool            // they are JSON, whatever form events have
	desks  *firstQuestion  // of what help desks send; nil for other records
	phase  phase
	live   bool // was active once: its commits say what is settled
	// holder is the group's name for this member when it assigned the partition.
	holder string
	// stop is what its sessions are given: Soft ends with draining, Hard with gone.
	stop                     sink.Stop
	cancelWaits, cancelCalls context.CancelCauseFunc

	// As the group had it when the partition was assigned.
	committed int64 // offset, -1 for none; later, as last committed by us
	metadata  string
	claimed   bool // a claim is under way or done
	recreated bool // the offset was of an earlier topic of the name
	placed    bool // it begins at next, whatever offset the client was given

	offsetUnknown bool // the group refused to give the offset

	source    kadm.TopicID
	origin    topics.Origin // the source for those who read its outcomes
	responses kadm.TopicID
	n         int32 // partitions of the responses topic
	letters   int32 // and of the dead-letter topic

	// next is one past the newest offset that was fetched, epoch is that one's leader epoch.
	next  int64
	epoch int32
	// position is where the outcome of a record fetched now lies at the earliest.
	position int64
	// settled are the offsets that the ledger had outcomes of, from is the position that they
	// were read from. Both count until the highest of them is passed.
	settled *offsetSet
	from    int64
	// progress is what the ledger says of events that have no outcome yet.
	progress map[recordKey]sink.Progress
	// repeats are known by message ids, nil where all of them pass.
	repeats *repeats
	// claim is that of this process, the zero ledgerClaim where nothing is put on record.
	claim ledgerClaim
	// life counts how often the responses topic was recreated, or lost its end, under the
	// partition: what was on record before that is not any more.
	life int32
	// joined are, by lane, the newest records that earlier owners may have sent, with those before
	// them. inherits says that there are some, or were.
	joined   map[string]int64
	inherits atomic.Bool
	lookedAt time.Time // when it was last found out whether they are there

	lanes          map[laneKey]*lane
	oldest, newest *record // the open list, by offset
	open           int
	inFlight       int           // events started whose outcome is not acknowledged
	drained        chan struct{} // closed when the phase is draining or gone and inFlight is 0
	spanPaused     bool
	undecoded      []*record // wait for their decoder, or behind one that does, by offset

	renewed time.Time // last commit, or assignment
}

func (b *book) newPartition(tp topicPartition, holder string) *partition {
	part := &partition{
		topicPartition: tp, reader: b.reader, holder: holder, committed: -1, epoch: -1, next: -1,
		lanes: make(map[laneKey]*lane), drained: make(chan struct{}), renewed: time.Now(),
	}
	switch tp.topic {
	case b.calls.Topic:
		part.reader, part.calls, part.json = b.calls.Reader, true, true
	case b.inbound.Topic:
		part.reader, part.json, part.desks = b.inbound.Reader, true, new(firstQuestion)
	}
	if b.dedup > 0 {
		part.repeats = newRepeats(b.dedup)
	}
	var calls, waits context.Context
	calls, part.cancelCalls = context.WithCancelCause(b.life)
	waits, part.cancelWaits = context.WithCancelCause(calls)
	part.stop = sink.Stop{Soft: waits, Hard: calls, Await: func(ctx context.Context) error { return b.await(ctx, holder) }}
	return part
}

// hasDrained wakes those who wait until nothing is in flight any more.
func (p *partition) hasDrained() {
	select {
	case <-p.drained:
	default:
		close(p.drained)
	}
}

// link puts a record at the end of the open list.
func (p *partition) link(r *record) {
	r.prev = p.newest
	if p.newest == nil {
		p.oldest = r
	} else {
		p.newest.next = r
	}
	p.newest = r
	p.open++
}

// unlink takes a record off the open list.
func (p *partition) unlink(r *record) {
	if r.prev == nil {
		p.oldest = r.next
	} else {
		r.prev.next = r.next
	}
	if r.next == nil {
		p.newest = r.prev
	} else {
		r.next.prev = r.prev
	}
	r.prev, r.next = nil, nil
	p.open--
}

// commitPoint is the lowest offset that is not settled, and the checkpoint that goes with it.
func (p *partition) commitPoint() (kgo.EpochOffset, checkpoint) {
	at := kgo.EpochOffset{Offset: p.next, Epoch: p.epoch}
	m := checkpoint{Cluster: p.origin.Cluster, Source: p.source, Responses: p.responses, Partitions: p.n, From: p.position}
	if r := p.oldest; r != nil {
		at = kgo.EpochOffset{Offset: r.Offset, Epoch: r.LeaderEpoch}
		m.From = r.position
	}
	if p.settled != nil && !p.settled.empty() {
		if at.Offset <= p.settled.top {
			m.From = p.from
		} else {
			p.settled = nil
		}
	}
	m.Committed = at.Offset
	return at, m
}

// isSettled reports whether the ledger has an outcome of the record.
func (p *partition) isSettled(r *kgo.Record) bool {
	return p.settled != nil && p.settled.has(r.Offset, r.LeaderEpoch)
}

// progressOf is what is on record of a record that is taken in, nil for nothing.
func (p *partition) progressOf(r *kgo.Record) *sink.Progress {
	key := recordKey{r.Offset, r.LeaderEpoch}
	if _, ok := p.progress[key]; !ok {
		return nil // most have none, and cost no memory
	}
	found := p.progress[key]
	delete(p.progress, key)
	return &found
}

// span is how far the newest record is from the committed offset.
func (p *partition) span() int64 {
	if p.oldest == nil {
		return 0
	}
	return p.next - p.oldest.Offset
}

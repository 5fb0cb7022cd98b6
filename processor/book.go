package processor

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink/traces"
)

// book knows the partitions that are ours, their open records, and what became of the others.
// Its parts change together, in one step under its lock: so the counts add up at any moment, and
// a partition that goes takes its lanes out of the queue and its records out of the room. The
// lock is never held over a call, a write or a request.
type book struct {
	log      *slog.Logger
	reader   *mapping.Reader
	calls    OwnTopic
	inbound  OwnTopic
	decoders Decoders // nil: all values are JSON
	kafka    *clients // whose fetching it pauses
	share    *sourceShare
	reasons  reasons
	dedup    time.Duration // for how long repeats are known, 0: never
	coalesce bool          // what is read is joined: all that there is room for is read
	// priorities say how urgent events are, nil: all alike.
	priorities Priorities
	tracer     *traces.Tracer       // nil: no event has a trace
	heldFor    func() time.Duration // the gate's

	// What new partitions are given: the context of their calls, and what each call waits for.
	life  context.Context
	await func(ctx context.Context, holder string) error
	// find is called, under the lock, for a partition whose records wait for a decoder.
	find func(*partition)

	mu    sync.Mutex
	parts map[topicPartition]*partition
	// draining are partitions that were released with calls in flight.
	draining map[topicPartition]*partition
	queue    laneQueue
	room     room
	counts   counts
	arrivals int64 // counts the records that were queued

	laneReady [len(mapping.Priorities)]chan struct{} // by rank, of one each: a lane became ready
	roomFreed chan struct{}                          // of one: intake may have a reason to go on
}

func newBook(p *Processor) *book {
	b := &book{
		log: p.log, reader: p.cfg.Reader, calls: p.cfg.Calls, inbound: p.cfg.Inbound, decoders: p.cfg.Decoders, kafka: &p.kafka, share: p.share, reasons: p.metrics.reasons, dedup: p.cfg.Dedup, coalesce: p.cfg.Coalesce, priorities: p.cfg.Priorities,
		tracer: p.cfg.Tracer, heldFor: p.dest.Gate().HeldFor,
		life: p.life, await: p.awaitHeld,
		find:      func(part *partition) { p.claims.Go(func() { p.decodeRest(part) }) },
		parts:     make(map[topicPartition]*partition),
		draining:  make(map[topicPartition]*partition),
		queue:     laneQueue{places: int64(p.dest.MaxInFlight)},
		room:      room{limits: p.cfg.Limits},
		roomFreed: make(chan struct{}, 1),
	}
	for i := range b.laneReady {
		b.laneReady[i] = make(chan struct{}, 1)
	}
	return b
}

// all are the partitions that are ours now.
func (b *book) all() []*partition {
	return b.choose(func(*partition) bool { return true })
}

// choose are the partitions that are ours of which is says yes.
func (b *book) choose(is func(*partition) bool) []*partition {
	b.mu.Lock()
	defer b.mu.Unlock()
	var parts []*partition
	for _, part := range b.parts {
		if is(part) {
			parts = append(parts, part)
		}
	}
	return parts
}

// named are the partitions that are ours of those that topics names.
func (b *book) named(topics map[string][]int32) []*partition {
	return b.choose(func(part *partition) bool { return slices.Contains(topics[part.topic], part.id) })
}

// live are those whose ledger was read: the others have nothing of ours to commit,
// and a checkpoint of theirs would hide what was not read.
func (b *book) live(parts []*partition) []*partition {
	return b.only(parts, func(part *partition) bool { return part.live })
}

func (b *book) stillClaiming(parts []*partition) []*partition {
	return b.only(parts, func(part *partition) bool { return part.phase == claiming })
}

func (b *book) only(parts []*partition, is func(*partition) bool) []*partition {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(parts), func(part *partition) bool { return !is(part) })
}

// holdsForOthers reports whether we have partitions that the group gave to a member of
// another name.
func (b *book) holdsForOthers(member string) bool {
	return len(b.choose(func(part *partition) bool { return part.holder != member })) > 0
}

// owns reports whether the partition is ours, as the member has it.
func (b *book) owns(tp topicPartition, member string) bool {
	return len(b.choose(func(part *partition) bool {
		return part.topicPartition == tp && part.holder == member && part.phase < draining
	})) > 0
}

// positions are the next offsets to read of the partitions that are ours.
func (b *book) positions() map[topicPartition]int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := make(map[topicPartition]int64, len(b.parts))
	for tp, part := range b.parts {
		at[tp] = part.next
	}
	return at
}

// assign takes in new partitions.
func (b *book) assign(parts []*partition, assigned map[string][]int32) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, part := range parts {
		b.parts[part.topicPartition] = part
	}
	b.share.have(len(b.parts), assigned)
}

// drain has no further event of the partitions begin.
func (b *book) drain(parts []*partition) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, part := range parts {
		if part.phase >= draining {
			continue
		}
		part.phase = draining
		if part.inFlight == 0 {
			part.hasDrained()
		}
	}
}

// drainingAt is a partition that was released with calls in flight, nil if there is none.
func (b *book) drainingAt(tp topicPartition) *partition {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.draining[tp]
}

// release forgets partitions. Their open records stay uncommitted, for the next
// owner.
func (b *book) release(parts []*partition) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var names []string
	open := 0
	for _, part := range parts {
		names, open = append(names, part.topic+"/"+strconv.Itoa(int(part.id))), open+part.open
		b.releaseLocked(part)
	}
	b.share.have(len(b.parts), nil)
	if len(parts) > 0 {
		b.log.Info("partitions released, the next owner delivers what is open", "partitions", names, "open", open)
	}
}

func (b *book) releaseLocked(part *partition) {
	if part.phase == gone {
		return
	}
	part.phase = gone
	part.cancelCalls(errStopping)
	for r := part.oldest; r != nil; r = r.next {
		r.trace().Released()
		b.room.give(r)
		b.counts.released++
	}
	b.queue.remove(part)
	b.room.lanes -= len(part.lanes)
	if b.parts[part.topicPartition] == part {
		delete(b.parts, part.topicPartition)
	}
	if part.inFlight > 0 {
		b.draining[part.topicPartition] = part
	}
	signal(b.roomFreed)
}

// restart begins a partition again after its log changed: the offsets that we hold may name
// other records now.
func (b *book) restart(tp topicPartition, at int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if part := b.parts[tp]; part != nil && part.phase == active {
		b.restartLocked(part, at)
	}
}

func (b *book) restartLocked(old *partition, at int64) *partition {
	b.releaseLocked(old)
	part := b.newPartition(old.topicPartition, old.holder) // whose repeats are those of records that come now
	part.phase, part.live, part.claimed = active, true, true
	part.source, part.origin, part.responses, part.n, part.letters = old.source, old.origin, old.responses, old.n, old.letters
	part.next, part.position = at, old.position
	part.claim, part.life = old.claim, old.life
	b.parts[part.topicPartition] = part
	b.resumeLocked(part) // whatever the old one was paused for
	return part
}

// rebase moves the live partitions to the beginning of the responses topic. recreated is its
// id if that has changed, else zero. The others are claimed yet, from what is found then.
func (b *book) rebase(start map[int32]kadm.ListedOffset, recreated kadm.TopicID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, part := range b.parts {
		if !part.live {
			continue
		}
		if recreated != (kadm.TopicID{}) {
			part.responses, part.n = recreated, int32(len(start))
		}
		at := start[part.id%part.n].Offset
		part.position, part.from = at, at
		part.life++
		part.unclaim()
		for r := part.oldest; r != nil; r = r.next {
			atomic.StoreInt64(&r.position, at) // see isBehind
		}
	}
}

func (b *book) setDeadLetterPartitions(n int32) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, part := range b.parts {
		part.letters = n
	}
}

// writtenTo gives the numbers of partitions of the topics to which the outcomes and
// letters of the partition go.
func (b *book) writtenTo(part *partition) func() (responses, deadLetters int32) {
	return func() (int32, int32) {
		b.mu.Lock()
		defer b.mu.Unlock()
		return part.n, part.letters
	}
}

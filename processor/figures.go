package processor

import (
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink/hold"
)

// Figures are a pipeline's numbers at one moment.
type Figures struct {
	// Read counts records since the start, and the others what became of them. AlreadySettled
	// had an outcome already, Released were open when their partition went, and Expired
	// were deleted by retention before they were read.
	Read, Delivered, Skipped, Dead, AlreadySettled, Released, Expired int64
	// LateEffects are tickets and the like that were made for a partition that was with another
	// process by then.
	LateEffects int64
	// Merged are events that went out with a newer one, TakenApart the calls for several events that
	// came to nothing.
	Merged, TakenApart int64
	// Keys is how many keys of tickets are known, KeyConflicts how many records of them were ignored
	// because they are of an earlier event than what is known: a process had lost its partition.
	Keys         int
	KeyConflicts int64
	// Open is how many records are read and not settled, Bytes the memory they take.
	Open, Bytes int64
	// AwaitBudget is how many events are on their way and wait for a call of the rate budget.
	AwaitBudget int
	// Lanes have an open record, InFlight events a place at the gate. Partitions are ours.
	Lanes, InFlight, Partitions int
	// Gap is 0 unless the program lost count of a record.
	Gap int64
	// Oldest is the age of the oldest open record.
	Oldest time.Duration
	// ByPriority are the events by priority, the most urgent first. Without priorities all are
	// mapping.Normal.
	ByPriority [len(mapping.Priorities)]PriorityFigures
	// OpenTransaction is for how long the oldest open transaction has kept records of one of
	// our partitions from being read, 0 without one.
	OpenTransaction time.Duration

	// LastDelivery is when the latest event was delivered, zero before the first.
	LastDelivery time.Time

	// Hold is the present one, and HeldFor its age.
	Hold    hold.State
	HeldFor time.Duration
	// Paused are the limits that are waited for: the one that all intake waits for, if
	// there is one, and "span" or "schema" if they stop single partitions.
	Paused []string
	// Trouble is what Kafka refuses or does not answer at present: "fetch", "claim" or
	// "commit"; and "transaction" while one does not end. The log says why.
	Trouble []string
	// Joined reports whether the group has given us an assignment, an empty one included.
	Joined bool
}

// Figures takes the numbers; what is open is counted by walking the lanes.
func (p *Processor) Figures() Figures {
	f := Figures{
		InFlight: p.dest.Gate().InUse(), Hold: p.dest.Gate().Held(),
		Trouble: p.troubles.lasting(), Joined: p.member.isJoined(), OpenTransaction: p.transactions.openFor(),
	}
	if f.Hold.Active() {
		f.HeldFor = time.Since(f.Hold.Since)
	}
	p.keys.figures(&f)
	p.book.figures(&f)
	return f
}

// figures puts in what the book knows.
func (b *book) figures(f *Figures) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.counts
	f.Read, f.Delivered, f.Skipped, f.Dead = c.read, c.delivered, c.skipped, c.dead
	f.AlreadySettled, f.Released, f.Expired, f.LateEffects = c.alreadySettled, c.released, c.expired, c.late
	f.Merged, f.TakenApart = c.merged, c.apart
	f.LastDelivery = c.lastDelivery
	f.Bytes, f.Lanes, f.Partitions = b.room.bytes, b.room.lanes, len(b.parts)
	span, schema := false, false
	for _, part := range b.parts {
		span, schema = span || part.spanPaused, schema || len(part.undecoded) > 0
		f.Open += int64(len(part.undecoded))
		for _, l := range part.lanes {
			if l.awaitsBudget() {
				f.AwaitBudget++
			}
			for r := l.head; r != nil; r = r.behind {
				f.Open++
			}
		}
		if part.oldest != nil && !part.oldest.Timestamp.IsZero() {
			f.Oldest = max(f.Oldest, time.Since(part.oldest.Timestamp))
		}
	}
	if b.room.full != "" {
		f.Paused = append(f.Paused, b.room.full)
	}
	if span {
		f.Paused = append(f.Paused, "span")
	}
	if schema {
		f.Paused = append(f.Paused, "schema")
	}
	f.Gap = c.gap(f.Open)
	b.prioritised(f)
}

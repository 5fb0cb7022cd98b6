package processor

import (
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

// room is what open records take, and what they may take.
type room struct {
	limits  Limits
	records int
	bytes   int64
	lanes   int
	full    string // the limit that intake waits for, "" for none
}

// limit names the limit that is reached, "" for none. Once paused, intake goes on when a
// tenth is free, not at each record.
func (r *room) limit() string {
	part := func(n int64) int64 {
		if r.full != "" {
			return n - n/10
		}
		return n
	}
	switch {
	case int64(r.records) >= part(int64(r.limits.Records)):
		return "records"
	case r.bytes >= part(r.limits.Bytes):
		return "bytes"
	case int64(r.lanes) >= part(int64(r.limits.Lanes)):
		return "lanes"
	default:
		return ""
	}
}

func (r *room) take(rec *record) {
	r.records++
	r.bytes += rec.bytes
}

func (r *room) give(rec *record) {
	r.records--
	r.bytes -= rec.bytes
}

// counts are what became of the records, counted at the fetch and at the acknowledgement.
type counts struct {
	read, delivered, skipped, dead, alreadySettled, released int64
	expired                                                  int64
	// late are outcomes of effects that were brought about for a partition that is with another
	// process: it may have brought them about as well.
	late int64
	// lastDelivery is when the latest delivered event was.
	lastDelivery time.Time
	// merged are events that went out with a newer one, apart the groups that were taken apart.
	merged, apart int64
	// ofPriority counts those that were settled here, by rank.
	ofPriority [len(mapping.Priorities)]int64
}

func (c *counts) settled(o *sink.Outcome) {
	switch o.Outcome {
	case sink.Delivered:
		c.delivered++
		c.lastDelivery = o.At.Time
	case sink.Skipped:
		c.skipped++
	default:
		c.dead++
	}
}

// lateEffect counts what an outcome of a partition that is gone has made. Steps that may be
// repeated, and those of an owner before this process, were made once whoever took them.
func (c *counts) lateEffect(o *sink.Outcome) {
	for _, step := range o.Steps {
		if step.Made {
			c.late++
		}
	}
}

// gap is what conservation says must be 0.
func (c *counts) gap(open int64) int64 {
	return c.read - c.delivered - c.skipped - c.dead - c.alreadySettled - c.released - open
}

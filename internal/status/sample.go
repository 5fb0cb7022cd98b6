package status

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/deskstream/deskstream/internal/config"
)

// Sample is where the topics and the groups of destinations are at one moment.
type Sample struct {
	At time.Time
	// groups are by the destination's name.
	groups map[string]position
}

// position is where one group is. Partitions whose leader does not answer are left out.
type position struct {
	end, settled int64 // sums over the partitions
	lag          int64
	err          error
}

// Take takes a sample for destinations of a configuration. The error is one of Kafka that concerns all
// of them; that of a single group is in its Rates.
func Take(ctx context.Context, admin *kadm.Client, cfg *config.Config, destinations []config.Destination) (Sample, error) {
	s := Sample{At: time.Now(), groups: make(map[string]position)}
	ends, err := admin.ListEndOffsets(ctx, cfg.Inputs()...)
	if err != nil {
		return Sample{}, fmt.Errorf("listing the ends of the source topics: %w", err)
	}
	starts, err := admin.ListStartOffsets(ctx, cfg.Inputs()...)
	if err != nil {
		return Sample{}, fmt.Errorf("listing the beginnings of the source topics: %w", err)
	}
	for _, d := range destinations {
		committed, err := admin.FetchOffsets(ctx, cfg.Group(d))
		if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
			s.groups[d.Name] = position{err: fmt.Errorf("asking for the offsets of group %s: %w", cfg.Group(d), err)}
			continue
		}
		s.groups[d.Name] = positionOf(cfg.TopicsOf(d), starts, ends, committed)
	}
	return s, nil
}

// positionOf adds up the partitions of a group's topics. One that has no offset yet counts from its
// beginning.
func positionOf(topics []string, starts, ends kadm.ListedOffsets, committed kadm.OffsetResponses) (p position) {
	for _, topic := range topics {
		for id, end := range ends[topic] {
			start, ok := starts.Lookup(topic, id)
			if end.Err != nil || !ok || start.Err != nil {
				p.err = fmt.Errorf("partition %d of topic %s does not answer: its leader may be away", id, topic)
				continue
			}
			settled := start.Offset
			if at, ok := committed.Lookup(topic, id); ok && at.Err == nil && at.At >= 0 {
				settled = max(at.At, start.Offset) // what retention has deleted is no backlog
			}
			p.end += end.Offset
			p.settled += min(settled, end.Offset)
			p.lag += max(end.Offset-settled, 0)
		}
	}
	return p
}

// Rates is how far a destination is behind, and where that goes.
type Rates struct {
	// Lag is how many records are not settled.
	Lag int64
	// In and Out are records a second that come, and that are settled.
	In, Out float64
	// Drain is how long it takes until nothing is behind, as things go: +Inf if the lag does not
	// shrink.
	Drain float64
	// Err says why the numbers are not known, or not whole.
	Err error
}

// keepsUp is the longest time, in seconds, that the newest event may wait at a destination which
// keeps up: its lag is what is under way.
const keepsUp = 30

// Between compares two samples of a destination, the older one first.
func Between(older, newer Sample, destination string) Rates {
	a, b := older.groups[destination], newer.groups[destination]
	r := Rates{Lag: b.lag, Err: b.err}
	seconds := newer.At.Sub(older.At).Seconds()
	if seconds <= 0 || a.err != nil {
		r.Drain = drain(r)
		return r
	}
	r.In, r.Out = max(float64(b.end-a.end)/seconds, 0), max(float64(b.settled-a.settled)/seconds, 0)
	r.Drain = drain(r)
	return r
}

// drain is the time in seconds until a lag is gone.
func drain(r Rates) float64 {
	lag := float64(r.Lag)
	switch {
	case lag == 0:
		return 0
	case r.Out > 0 && lag/r.Out <= keepsUp:
		return lag / r.Out
	case r.Out <= r.In:
		return math.Inf(1)
	}
	return lag / (r.Out - r.In)
}

package dryrun

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/wiring"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

// event is a record, or a line, that is to be planned.
type event struct {
	*kgo.Record
	decoder mapping.Decoder
}

// ahead are the records that a destination with delivery.coalesce has read when it plans one: run
// would have them in its lanes then, as many as limits allows.
type ahead struct {
	records []event
	joined  map[string]map[int]sink.Outcome // of those that went out with others, by destination
	alone   map[string]map[int]bool
	next    map[string][]int // the place of the next record of each one's lane, 0 for none
}

// coalesces reports whether events of a destination may go out together.
func (r *run) coalesces() bool {
	for _, p := range r.pipelines {
		if p.Config.Delivery.Coalesce {
			return true
		}
	}
	return false
}

// add plans a record, at once unless others may go out with it.
func (r *run) add(ctx context.Context, record *kgo.Record, decoder mapping.Decoder) error {
	r.ahead.records = append(r.ahead.records, event{record, decoder})
	if r.Rules || !r.coalesces() || len(r.ahead.records) >= r.Config.Limits.Records {
		return r.flush(ctx)
	}
	return nil
}

// flush plans what was read, in its order.
func (r *run) flush(ctx context.Context) error {
	r.ahead.joined, r.ahead.alone, r.ahead.next = map[string]map[int]sink.Outcome{}, map[string]map[int]bool{}, map[string][]int{}
	for _, p := range r.pipelines {
		if p.Config.Delivery.Coalesce && !r.Rules {
			r.ahead.next[p.Config.Name] = nextOf(p, r.ahead.records)
		}
	}
	for i, record := range r.ahead.records {
		if err := r.plan(ctx, i, record); err != nil {
			return err
		}
	}
	r.ahead = ahead{}
	return nil
}

// nextOf returns for each record the place of the next one of its lane, 0 for none.
func nextOf(p wiring.Pipeline, records []event) []int {
	type lane struct {
		topic, value string
		partition    int32
	}
	next, last := make([]int, len(records)), map[lane]int{}
	for i, of := range records {
		value := p.ReaderOf(of.Topic, of.Value).Lane(of.decoder, of.Value, of.Key)
		if value == "" || of.Topic == "" && p.IsCall(of.Value) {
			continue
		}
		in := lane{of.Topic, value, of.Partition}
		if before, ok := last[in]; ok {
			next[before] = i
		}
		last[in] = i
	}
	return next
}

// group is what may go out with the i-th record at a destination, and the places of what was drawn.
func (r *run) group(p wiring.Pipeline, i int) (g *sink.Group, drawn *[]int) {
	next, alone := r.ahead.next[p.Config.Name], r.ahead.alone[p.Config.Name]
	if next == nil || next[i] == 0 || alone[i] {
		return nil, nil
	}
	drawn = &[]int{i}
	return &sink.Group{Following: func(n int) (sink.Follower, bool) {
		for n+1 >= len(*drawn) {
			at := next[(*drawn)[len(*drawn)-1]]
			if at == 0 || alone[at] {
				return sink.Follower{}, false
			}
			*drawn = append(*drawn, at)
		}
		f := r.ahead.records[(*drawn)[n+1]]
		return sink.Follower{Value: f.Value, Decoder: f.decoder, Timestamp: sink.KnownTime(f.Timestamp)}, true
	}}, drawn
}

// joinedOutcome keeps the outcomes of events that went out with others, and returns that of the
// first of them.
func (r *run) joinedOutcome(p wiring.Pipeline, o *sink.Outcome, g *sink.Group, drawn []int) sink.Outcome {
	all := r.ahead.joined[p.Config.Name]
	if all == nil {
		all = map[int]sink.Outcome{}
		r.ahead.joined[p.Config.Name] = all
	}
	newest := r.ahead.records[drawn[len(g.Joined())]].Record
	o.Source = r.source(p, newest, g.NewestTime())
	var sent *int64
	if newest.Topic != "" {
		sent = &newest.Offset
	}
	for n, j := range g.Joined() {
		other := j.OutcomeOf(o, sent)
		other.Source = r.source(p, r.ahead.records[drawn[n]].Record, j.Time)
		all[drawn[n]] = other
	}
	all[drawn[len(g.Joined())]] = *o
	return all[drawn[0]]
}

// takeApart has records planned each alone.
func (r *run) takeApart(p wiring.Pipeline, records []int) {
	if r.ahead.alone[p.Config.Name] == nil {
		r.ahead.alone[p.Config.Name] = map[int]bool{}
	}
	for _, i := range records {
		r.ahead.alone[p.Config.Name][i] = true
	}
}

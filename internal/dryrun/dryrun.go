package dryrun

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/codec"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/ndjson"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/internal/wiring"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/keys"
)

// Options say what to plan, and how.
type Options struct {
	Config *config.Config
	Log    *slog.Logger
	// Destinations are the names of those to plan for, all if empty.
	Destinations []string
	// Offline makes no lookups: they find nothing.
	Offline bool
	// Last is how many of the newest records of the source topics to plan. With 0 the Events
	// are planned.
	Last int
	// Events are NDJSON. Values, if there are some, are planned in their place; nil is a tombstone.
	Events io.Reader
	Values [][]byte
	// Given stands in for the help desks and for the keys on record. It goes with Offline.
	Given Given
	// Rules plans no calls, and says instead which rule of a destination decides about an event.
	Rules bool
	// Text writes what Rules says for people.
	Text bool
	// Out gets the plans as NDJSON, unless Take is set: it gets each outcome, those of an event in
	// the order of the destinations.
	Out  io.Writer
	Take func(sink.Outcome) error
}

// Run plans events one after the other, so that people can read along. Faults in the
// configuration are config.UsageErrors.
func Run(ctx context.Context, o Options) error {
	pipelines, err := wiring.Pipelines(o.Config, o.Destinations, wiring.Options{Alone: true, Remember: wiring.WholeRun}, o.Log)
	if err != nil {
		return &config.UsageError{Err: err}
	}
	for _, p := range pipelines {
		defer p.Destination.Close()
	}
	r := &run{Options: o, pipelines: pipelines, out: output.NewEncoder(o.Out)}
	if o.Take == nil {
		r.Take = func(outcome sink.Outcome) error { return r.out.Encode(outcome) }
	}
	if !o.Offline && !o.Rules {
		if r.keys, err = openKeys(ctx, o, pipelines); err != nil {
			return err
		}
		defer r.keys.Close()
	}
	switch {
	case o.Last > 0:
		return r.planNewest(ctx)
	case o.Values != nil:
		for _, value := range o.Values {
			if err := r.add(ctx, &kgo.Record{Value: value}, mapping.JSON); err != nil {
				return err
			}
		}
		return r.flush(ctx)
	}
	if err := ndjson.Each(ctx, o.Events, func(l ndjson.Line) error {
		return r.add(ctx, &kgo.Record{Value: l.Text}, mapping.JSON)
	}); err != nil {
		return err
	}
	return r.flush(ctx)
}

// run is one Run.
type run struct {
	Options

	pipelines []wiring.Pipeline
	keys      *wiring.Keys // of rules
	ahead     ahead
	out       *json.Encoder
	events    int // that were written as text
}

// planNewest plans the newest records, which may be in Avro.
func (r *run) planNewest(ctx context.Context) error {
	records, err := journal.Newest(ctx, journal.Options{Config: r.Config, Log: r.Log}, r.Last)
	if err != nil {
		return err
	}
	book, err := codec.Open(r.Config, r.Log)
	if err != nil {
		return &config.UsageError{Err: err}
	}
	defer book.Close()
	for _, record := range records {
		decoder := mapping.JSON
		if !r.Config.IsInbound(record.Topic) {
			if decoder, err = book.Events.Try(ctx, record); err != nil {
				return fmt.Errorf("finding the schema of a record: %w", err)
			}
		}
		if err := r.add(ctx, record, decoder); err != nil {
			return err
		}
	}
	return r.flush(ctx)
}

// openKeys reads the keys of rules.
func openKeys(ctx context.Context, o Options, pipelines []wiring.Pipeline) (*wiring.Keys, error) {
	var chosen []config.Destination
	for _, p := range pipelines {
		chosen = append(chosen, p.Config)
	}
	read, err := wiring.OpenKeys(ctx, o.Config, chosen, o.Log)
	if err != nil {
		return nil, fmt.Errorf("%w; with --offline none is read", err)
	}
	return read, nil
}

// named are the keys of a record's lane. A line counts as a record of the first source topic.
func (r *run) named(record *kgo.Record, lane string) keys.OfEvent {
	if record.Topic == "" {
		return keys.OfEvent{Topic: r.Config.Source.Topics[0], Lane: lane, By: keys.Event{Partition: -1, Offset: -1}}
	}
	by := keys.Event{Partition: record.Partition, Offset: record.Offset, Epoch: record.LeaderEpoch, At: sink.KnownTime(record.Timestamp)}
	return keys.OfEvent{Topic: record.Topic, Lane: lane, By: by}
}

// source is where a record of a topic was read, nil for a line.
func (r *run) source(p wiring.Pipeline, record *kgo.Record, at time.Time) *sink.Source {
	if record.Topic == "" {
		return nil
	}
	return &sink.Source{
		Group: r.Config.Group(p.Config), Topic: record.Topic, Partition: record.Partition, Offset: record.Offset, Timestamp: sink.Time{Time: at},
	}
}

// plan plans the i-th record for each destination. One without a topic is a line.
func (r *run) plan(ctx context.Context, i int, record event) error {
	if r.Rules {
		return r.match(record.Record, record.decoder)
	}
	for _, p := range r.pipelines {
		outcome, known := r.ahead.joined[p.Config.Name][i]
		for !known {
			var err error
			if outcome, known, err = r.planAt(ctx, p, i); err != nil {
				return err
			}
		}
		if err := r.Take(outcome); err != nil {
			return fmt.Errorf("writing a plan: %w", err)
		}
	}
	return nil
}

// planAt plans the i-th record for a destination. It returns false when a call for several events
// would come to nothing: then the record is to be planned alone.
func (r *run) planAt(ctx context.Context, p wiring.Pipeline, i int) (_ sink.Outcome, known bool, _ error) {
	mode := sink.PlanWithLookup
	if r.Offline {
		mode = sink.PlanOffline
	}
	record := r.ahead.records[i]
	s := p.Destination.PlanSession(ctx, mode, p.Answers)
	s.Call = record.Topic == "" && p.IsCall(record.Value) // none is on a source topic
	s.Reader, s.Decoder = p.ReaderOf(record.Topic, record.Value), record.decoder
	s.Lane, s.Timestamp = s.Reader.Lane(record.decoder, record.Value, record.Key), sink.KnownTime(record.Timestamp)
	named := r.named(record.Record, s.Lane)
	if found := r.keys.Of(p.Config.Name, named); found != nil {
		s.Keys = found
	} else if found := r.Given.keysOf(p.Config.Name, named); found != nil {
		s.Keys = found
	}
	s.Answer(r.Given.Answers)
	group, drawn := r.group(p, i)
	s.Group = group
	outcome, err := p.Route.Deliver(ctx, s, record.Value)
	if err != nil {
		return sink.Outcome{}, false, fmt.Errorf("planning an event: %w", err)
	}
	if n := group.Apart(&outcome); n > 0 {
		r.takeApart(p, (*drawn)[:n])
		return sink.Outcome{}, false, nil
	}
	if len(group.Joined()) > 0 {
		return r.joinedOutcome(p, &outcome, group, *drawn), true, nil
	}
	outcome.Source = r.source(p, record.Record, s.SourceTime())
	return outcome, true, nil
}

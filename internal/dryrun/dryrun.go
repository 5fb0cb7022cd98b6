package dryrun

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/codec"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/ndjson"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/internal/wiring"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
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
	// Events are NDJSON.
	Events io.Reader
	// Out gets the plans as NDJSON.
	Out io.Writer
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
	if o.Last > 0 {
		return r.planNewest(ctx)
	}
	return ndjson.Each(ctx, o.Events, func(l ndjson.Line) error {
		return r.plan(ctx, &kgo.Record{Value: l.Text}, mapping.JSON)
	})
}

// run is one Run.
type run struct {
	Options

	pipelines []wiring.Pipeline
	out       *json.Encoder
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
		decoder, err := book.Events.Try(ctx, record)
		if err != nil {
			return fmt.Errorf("finding the schema of a record: %w", err)
		}
		if err := r.plan(ctx, record, decoder); err != nil {
			return err
		}
	}
	return nil
}

// plan plans a record for each destination. One without a topic is a line.
func (r *run) plan(ctx context.Context, record *kgo.Record, decoder mapping.Decoder) error {
	mode := sink.PlanWithLookup
	if r.Offline {
		mode = sink.PlanOffline
	}
	for _, p := range r.pipelines {
		s := p.Destination.PlanSession(ctx, mode, p.Answers)
		s.Lane, s.Timestamp = p.Route.Reader.Lane(decoder, record.Value, record.Key), sink.KnownTime(record.Timestamp)
		s.Decoder = decoder
		outcome, err := p.Route.Deliver(ctx, s, record.Value)
		if err != nil {
			return fmt.Errorf("planning an event: %w", err)
		}
		if record.Topic != "" {
			outcome.Source = &sink.Source{
				Group: r.Config.Group(p.Config), Topic: record.Topic, Partition: record.Partition, Offset: record.Offset,
				Timestamp: sink.Time{Time: s.SourceTime()},
			}
		}
		if err := r.out.Encode(outcome); err != nil {
			return fmt.Errorf("writing a plan: %w", err)
		}
	}
	return nil
}

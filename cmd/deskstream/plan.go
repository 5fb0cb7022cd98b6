package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/codec"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/internal/wiring"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

func newPlanCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plan -c FILE [EVENTS]",
		Short: "Shows the API calls that events would cause, and sends no write",
		Long: `plan reads events as NDJSON from EVENTS or standard input, or the newest records
of the source topics, and prints one JSON object per event and destination with
the calls that it would cause. Lookups are made unless --offline, each once, with the
reserve of the rate budget and what live traffic leaves over; writes never. An event
that would be skipped or die prints that outcome.`,
		Example: `  deskstream plan -c deskstream.yaml events.ndjson
  deskstream plan -c deskstream.yaml --last 20 --offline`,
		Args: cobra.MaximumNArgs(1),
	}
	path := configFlag(cmd)
	var options planOptions
	cmd.Flags().BoolVar(&options.offline, "offline", false, "make no lookups, as if they found nothing")
	cmd.Flags().IntVar(&options.last, "last", 0, "take the newest `N` records of the source topics")
	cmd.Flags().StringArrayVar(&options.destinations, "destination", nil, "plan for this destination only (repeatable)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if cmd.Flags().Changed("last") && (len(args) > 0 || options.last < 1) {
			return &config.FlagError{Err: errors.New("--last takes a number from 1 up, and no EVENTS beside it")}
		}
		cfg, err := a.loadConfig(*path)
		if err != nil {
			return err
		}
		return a.plan(cmd.Context(), cfg, options, args)
	}
	return cmd
}

type planOptions struct {
	offline      bool
	last         int
	destinations []string
}

// planned is one event to plan for, from a line or from a topic.
type planned struct {
	value, key []byte
	decoder    mapping.Decoder
	timestamp  time.Time
	record     *kgo.Record // nil for a line
}

func (a *app) plan(ctx context.Context, cfg *config.Config, options planOptions, args []string) error {
	pipelines, err := wiring.Pipelines(cfg, options.destinations, wiring.Options{Alone: true, Remember: wiring.WholeRun}, a.log)
	if err != nil {
		return &config.UsageError{Err: err}
	}
	reader, err := codec.NewReader(cfg)
	if err != nil {
		return err
	}
	p := &planner{cfg: cfg, reader: reader, pipelines: pipelines, mode: sink.PlanWithLookup, out: output.NewEncoder(a.stdout)}
	defer p.close()
	if options.offline {
		p.mode = sink.PlanOffline
	}
	if options.last > 0 {
		records, err := journal.Newest(ctx, a.journalOptions(cfg, ""), options.last)
		if err != nil {
			return err
		}
		return p.planRecords(ctx, records, a.log)
	}
	events, err := a.openEvents(args)
	if err != nil {
		return err
	}
	defer events.Close()
	return eachLine(ctx, events, func(l line) error { return p.plan(ctx, planned{value: l.text, decoder: mapping.JSON}) })
}

// planner plans events one after the other: it is made for reading along.
type planner struct {
	cfg       *config.Config
	reader    *mapping.Reader
	pipelines []wiring.Pipeline
	mode      sink.Plan
	out       *json.Encoder
}

// planRecords plans records of a topic, which may be in Avro.
func (p *planner) planRecords(ctx context.Context, records []*kgo.Record, log *slog.Logger) error {
	book, err := codec.Open(p.cfg, log)
	if err != nil {
		return &config.UsageError{Err: err}
	}
	defer book.Close()
	for _, r := range records {
		decoder, err := book.Events.Try(ctx, r)
		if err != nil {
			return fmt.Errorf("finding the schema of a record: %w", err)
		}
		event := planned{value: r.Value, key: r.Key, decoder: decoder, timestamp: sink.KnownTime(r.Timestamp), record: r}
		if err := p.plan(ctx, event); err != nil {
			return err
		}
	}
	return nil
}

func (p *planner) plan(ctx context.Context, event planned) error {
	for _, pipeline := range p.pipelines {
		s := pipeline.Destination.PlanSession(ctx, p.mode, pipeline.Answers)
		s.Lane, s.Timestamp = p.reader.Lane(event.decoder, event.value, event.key), event.timestamp
		s.Decoder = event.decoder
		outcome, err := pipeline.Route.Deliver(ctx, s, event.value)
		if err != nil {
			return fmt.Errorf("planning an event: %w", err)
		}
		if r := event.record; r != nil {
			outcome.Source = &sink.Source{
				Group: p.cfg.Group(pipeline.Config), Topic: r.Topic, Partition: r.Partition, Offset: r.Offset,
				Timestamp: sink.Time{Time: s.SourceTime()},
			}
		}
		if err := p.out.Encode(outcome); err != nil {
			return fmt.Errorf("writing a plan: %w", err)
		}
	}
	return nil
}

func (p *planner) close() {
	for _, pipeline := range p.pipelines {
		pipeline.Destination.Close()
	}
}

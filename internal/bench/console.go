package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// The goals of the console: what an open live page may cost a pipeline, and how long people may wait for a
// page meanwhile.
const (
	mostLoss     = 1.02
	mostPageWait = 500 * time.Millisecond
	// consoleRate is how many outcomes a second the goal is about.
	consoleRate = 10_000
	// flooded is the case of a topic that is full when the pipeline starts.
	flooded = "flooded"
)

// consoleBench measures pipelines with the live page open beside the same ones without.
type consoleBench struct {
	bench

	program program
	binary  string
	events  int
	rounds  int
	seconds int // that the reader's case lasts
	// outcomes are records that a pipeline has written, for the case of the reader alone.
	outcomes []*kgo.Record
	isOpen   bool  // whether the run under way is one with the page
	page     *page // of that run
}

// looked is one run, with the page or without it.
type looked struct {
	Result

	rows  float64         // a second
	waits []time.Duration // for an overview
}

// consoleCase is what is measured in turn with the page and without it.
type consoleCase struct {
	name          string
	rate          float64 // that is offered, 0: as many as the pipeline takes
	alone         bool    // no pipeline runs
	with, without []looked
}

func runConsole(ctx context.Context, args []string) (err error) {
	b := &consoleBench{}
	flags := flag.NewFlagSet("console", flag.ContinueOnError)
	binary := flags.String("deskstream", "./deskstream", "the `binary` to measure")
	only := flags.String("only", "flooded,paced,reader", "what to measure")
	flags.IntVar(&b.events, "events", 100_000, "events of each run")
	flags.IntVar(&b.rounds, "runs", 7, "runs of each case with the page, and as many without")
	flags.IntVar(&b.seconds, "seconds", 10, "how long the reader alone reads outcomes")
	rate := flags.Float64("rate", 0, "events a second of the paced runs; 0: 10,000, or 0.7 of what flooded runs take, if that is less")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	if b.binary, err = find(*binary); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "deskstream-bench"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	kafka, _, stop, err := openCluster(ctx, b.self)
	if err != nil {
		return err
	}
	defer stop()
	b.kafka, b.program, b.sources, b.look = kafka, deskstream("deskstream", b.binary), make(map[Spread]string), b.open
	cases, err := b.measure(ctx, strings.Split(*only, ","), *rate)
	if err != nil {
		return err
	}
	return b.report(os.Stdout, cases)
}

func (b *consoleBench) measure(ctx context.Context, only []string, rate float64) (cases []consoleCase, err error) {
	c, data := Case{InFlight: 256, Spread: Uniform}, newDataset(Uniform, b.events)
	if slices.Contains(only, flooded) {
		full := consoleCase{name: flooded}
		if err := b.inTurn(ctx, &full, func() (Result, error) { return b.flood(ctx, b.program, c, data) }); err != nil {
			return nil, err
		}
		cases = append(cases, full)
		if rate == 0 {
			rate = min(consoleRate, pacedShare*of(full.without, func(r looked) float64 { return r.PerSecond }).median)
		}
	}
	if slices.Contains(only, "paced") {
		if rate == 0 {
			rate = consoleRate
		}
		paced := consoleCase{name: fmt.Sprintf("%.0f events/s offered", rate), rate: rate}
		l := load{data: data, events: b.events, rate: rate}
		if err := b.inTurn(ctx, &paced, func() (Result, error) { return b.paced(ctx, b.program, c, l) }); err != nil {
			return nil, err
		}
		cases = append(cases, paced)
	}
	if slices.Contains(only, "reader") {
		if b.outcomes == nil { // those of any run do
			if _, err := b.flood(ctx, b.program, c, data); err != nil {
				return nil, err
			}
		}
		alone := consoleCase{name: fmt.Sprintf("console alone, %d outcomes/s", consoleRate), rate: consoleRate, alone: true}
		if err := b.inTurn(ctx, &alone, func() (Result, error) { return b.readAlone(ctx) }); err != nil {
			return nil, err
		}
		cases = append(cases, alone)
	}
	return cases, nil
}

// inTurn does a run with the page and one without, again and again, every other time in the other order.
func (b *consoleBench) inTurn(ctx context.Context, c *consoleCase, run func() (Result, error)) error {
	for i := range b.rounds {
		for _, open := range []bool{i%2 == 0, i%2 != 0} {
			got, err := b.once(ctx, open, run)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			if open {
				c.with = append(c.with, got)
			} else {
				c.without = append(c.without, got)
			}
			fmt.Fprintf(os.Stderr, "%s, page %t: %.0f events/s, %.2f s CPU, %.0f rows/s, %d overviews\n", c.name, open, got.PerSecond, cpu(got.Result), got.rows, len(got.waits))
		}
	}
	return nil
}

func (b *consoleBench) once(ctx context.Context, open bool, run func() (Result, error)) (got looked, err error) {
	if b.console, err = freeAddress(ctx); err != nil {
		return got, err
	}
	b.page, b.isOpen = nil, open
	if got.Result, err = run(); err == nil && open {
		got.rows, got.waits = float64(b.page.rows.Load())/b.page.lasted.Seconds(), b.page.waits
	}
	return got, err
}

// open opens the page for the run of a pipeline, if it is one with the page.
func (b *consoleBench) open(ctx context.Context, j job, p *process) (end func() error, err error) {
	if b.isOpen {
		b.page, err = openPage(ctx, j.console, p)
	}
	return func() (err error) {
		if b.page != nil {
			err = b.page.close()
		}
		if b.outcomes == nil {
			return errors.Join(err, b.keepOutcomes(ctx, j.responses))
		}
		return err
	}, err
}

// keepOutcomes reads some outcomes that a pipeline has written.
func (b *consoleBench) keepOutcomes(ctx context.Context, topic string) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(b.kafka.brokers...), kgo.ConsumeTopics(topic), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	defer client.Close()
	fetches := client.PollFetches(ctx)
	if err := fetches.Err(); err != nil {
		return fmt.Errorf("reading outcomes: %w", err)
	}
	b.outcomes = fetches.Records()
	return nil
}

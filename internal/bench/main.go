// Bench measures deskstream end to end beside a program of the same client libraries
// that guarantees nothing, the limit, or beside another build of its own. Broker, desk and the program that is measured
// are processes of their own on loopback. Run it as "make bench", on Linux.
//
// "go run ./internal/bench receive" measures deskstream receive beside a raw loop of net/http and the
// Kafka client.
//
// "go run ./internal/bench budget" measures what a rate budget is spent on.
//
// "go run ./internal/bench scale" measures how the cost of an event grows with lanes and partitions.
//
// "go run ./internal/bench console" measures what an open live page of the console costs a pipeline.
//
// "go run ./internal/bench plan" measures dlq plan instead, at a desk that allows few calls.
//
// KAFKA_BROKERS names a cluster to use instead of the embedded broker.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run does what the first argument says; the benchmark starts itself again as broker,
// desk and limit.
func run(ctx context.Context, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "broker":
			return serveBroker(ctx, os.Stdout)
		case "desk":
			return runDesk(ctx, args[1:])
		case "limit":
			return runLimit(ctx, args[1:])
		case "raw":
			return runRaw(ctx, args[1:])
		case "receive":
			return runReceive(ctx, args[1:])
		case "budget":
			return runBudget(ctx, args[1:])
		case "scale":
			return runScale(ctx, args[1:])
		case "scale-desk":
			return serveScaleDesk(ctx, os.Stdout)
		case "console":
			return runConsole(ctx, args[1:])
		case "plan":
			return runPlans(ctx, args[1:])
		}
	}
	return compare(ctx, args)
}

func runDesk(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("desk", flag.ContinueOnError)
	latency := flags.Duration("latency", 0, "time to the answer")
	spread := flags.String("spread", string(Uniform), "of the data set")
	events := flags.Int("events", 0, "of the data set")
	if err := flags.Parse(args); err != nil {
		return err
	}
	return serveDesk(ctx, os.Stdout, *latency, newDataset(Spread(*spread), *events))
}

func runLimit(ctx context.Context, args []string) error {
	var l limit
	flags := flag.NewFlagSet("limit", flag.ContinueOnError)
	brokers := flags.String("brokers", "", "comma-separated")
	flags.StringVar(&l.topic, "topic", "", "to read")
	flags.StringVar(&l.responses, "responses", "", "topic to write")
	flags.StringVar(&l.group, "group", "", "consumer group")
	flags.StringVar(&l.url, "url", "", "to post to")
	flags.IntVar(&l.workers, "in-flight", 0, "workers")
	if err := flags.Parse(args); err != nil {
		return err
	}
	l.brokers = strings.Split(*brokers, ",")
	return l.run(ctx)
}

// cases are those that the project's goals are about; Zipf without latency only, for
// with latency its most frequent user bounds it.
var cases = []Case{
	{Latency: 0, InFlight: 256, Spread: Uniform},
	{Latency: 10 * time.Millisecond, InFlight: 512, Spread: Uniform},
	{Latency: 50 * time.Millisecond, InFlight: 128, Spread: Uniform},
	{Latency: 50 * time.Millisecond, InFlight: 2048, Spread: Uniform},
	{Latency: time.Second, InFlight: 2000, Spread: Uniform},
	{Latency: 0, InFlight: 256, Spread: Zipf},
}

// pacedFor is how long events are offered at a steady rate.
const pacedFor = 20 * time.Second

// pacedShare is that rate, of what deskstream did when it was flooded.
const pacedShare = 0.7

func compare(ctx context.Context, args []string) (err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	binary := flags.String("deskstream", "./deskstream", "the `binary` to measure")
	beside := flags.String("beside", "", "another `binary` to measure it beside, an earlier build for example, instead of the limit")
	observedShare := flags.Float64("observed", 0, "measure it beside itself, with traces of this `share` of the events and metrics that are read, instead of the limit")
	events := flags.Int("events", 100000, "events of each run")
	runs := flags.Int("runs", 3, "runs of each program and case")
	only := flags.String("only", "", "cases whose name contains this `text`")
	pace := flags.Bool("paced", true, "measure the time to delivery as well")
	if err := flags.Parse(args); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	path, err := find(*binary)
	if err != nil {
		return err
	}
	programs := []program{deskstream("deskstream", path), theLimit(self)}
	if *beside != "" {
		if path, err = find(*beside); err != nil {
			return err
		}
		programs[1] = deskstream("other build", path)
	}
	if *observedShare > 0 {
		o, err := observe(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, o.close()) }()
		programs[1] = o.observed(programs[0], *observedShare)
	}
	dir, err := os.MkdirTemp("", "deskstream-bench")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	kafka, _, stop, err := openCluster(ctx, self)
	if err != nil {
		return err
	}
	defer stop()
	b := &bench{self: self, kafka: kafka, dir: dir, each: *runs, pace: *pace, sources: make(map[Spread]string)}
	var rows []row
	for _, c := range cases {
		if !strings.Contains(c.String(), *only) {
			continue
		}
		r, err := b.compare(ctx, programs, c, newDataset(c.Spread, *events))
		if err != nil {
			return fmt.Errorf("%s: %w", c, err)
		}
		rows = append(rows, r)
	}
	return report(os.Stdout, rows, programs, *events)
}

// find is the whole path of a binary.
func find(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("finding deskstream (make build makes it): %w", err)
	}
	return filepath.Abs(path)
}

// compare runs the programs in turn, so that both meet the same hours of the machine.
func (b *bench) compare(ctx context.Context, programs []program, c Case, d dataset) (row, error) {
	r := row{c: c, flood: make(map[string][]Result), paced: make(map[string][]Result)}
	for range b.each {
		for _, p := range programs {
			res, err := b.flood(ctx, p, c, d)
			if err != nil {
				return r, fmt.Errorf("%s: %w", p.name, err)
			}
			fmt.Fprintf(os.Stderr, "%s, %s: %.0f events/s, %.1f s CPU, %.0f MiB\n", c, p.name, res.PerSecond, cpu(res), peak(res))
			r.flood[p.name] = append(r.flood[p.name], res)
		}
	}
	if !b.pace {
		return r, nil
	}
	r.rate = pacedShare * of(r.flood[programs[0].name], perSecond).median
	n := min(len(d.of), int(r.rate*pacedFor.Seconds()))
	for range b.each {
		for _, p := range programs {
			res, err := b.paced(ctx, p, c, load{data: d, events: n, rate: r.rate})
			if err != nil {
				return r, fmt.Errorf("%s, paced: %w", p.name, err)
			}
			fmt.Fprintf(os.Stderr, "%s, %s, %.0f/s: p50 %s, p99 %s\n", c, p.name, r.rate, res.P50, res.P99)
			r.paced[p.name] = append(r.paced[p.name], res)
		}
	}
	return r, nil
}

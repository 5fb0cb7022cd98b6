package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The goals of receive beside the raw loop.
const (
	leastPerSecond = 0.85
	mostP99        = 1.25
	mostMiB        = 64
)

// receiveBench measures receive beside runRaw, which is the raw loop.
type receiveBench struct {
	self, binary string
	dir          string
	kafka        *cluster
	connections  int
	rounds       int
	pacedFor     time.Duration
	requests     [][]byte
	padding      int
	runs         int
}

// receiver is one of the two that take webhooks.
type receiver struct {
	name    string
	command func(topic, listen string) ([]string, error)
}

// received is one run of one of them.
type received struct {
	flood, paced sent
	mib          float64 // resident memory at most
	cpu          time.Duration
}

func runReceive(ctx context.Context, args []string) (err error) {
	b := receiveBench{}
	flags := flag.NewFlagSet("receive", flag.ContinueOnError)
	binary := flags.String("deskstream", "./deskstream", "the `binary` to measure")
	flags.IntVar(&b.connections, "connections", 200, "connections that send at a time")
	flags.IntVar(&b.rounds, "rounds", 5, "runs of each")
	flags.IntVar(&b.padding, "padding", 0, "bytes that each record of the raw loop has beyond the body, for records as long as those of receive")
	requests := flags.Int("requests", 60000, "webhooks of a run")
	flags.DurationVar(&b.pacedFor, "paced-for", 5*time.Second, "how long webhooks are sent at a steady rate")
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
	b.kafka, b.requests = kafka, webhooks(*requests)
	return b.compare(ctx)
}

// compare runs both in turn, first as fast as they answer, then at a steady rate that both can take, and
// compares the medians.
func (b *receiveBench) compare(ctx context.Context) error {
	both := []receiver{{"receive", b.receive}, {"raw loop", b.raw}}
	runs := make(map[string][]received)
	rate := 0.0
	for range b.rounds {
		for _, r := range both {
			got, err := b.run(ctx, r, rate)
			if err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			if rate == 0 { // of the first run of receive
				rate = pacedShare * got.flood.perSecond
			}
			fmt.Fprintf(os.Stderr, "%s: %.0f requests/s, p99 %s; at %.0f/s p50 %s, p99 %s; %.1f MiB, %.2f s CPU\n",
				r.name, got.flood.perSecond, got.flood.p99, rate, got.paced.p50, got.paced.p99, got.mib, got.cpu.Seconds())
			runs[r.name] = append(runs[r.name], got)
		}
	}
	return b.report(os.Stdout, runs["receive"], runs["raw loop"], rate)
}

// run starts a receiver, sends it the webhooks, and takes stock. Of rate 0 the paced ones are sent at
// pacedShare of what it took.
func (b *receiveBench) run(ctx context.Context, r receiver, rate float64) (received, error) {
	b.runs++
	topic := fmt.Sprintf("bench-%d-hooks-%d", os.Getpid(), b.runs)
	remove, err := b.kafka.topics(ctx, outputBytes, topic)
	if err != nil {
		return received{}, err
	}
	defer remove()
	listen, err := freeAddress(ctx)
	if err != nil {
		return received{}, err
	}
	command, err := r.command(topic, listen)
	if err != nil {
		return received{}, err
	}
	p, err := start(ctx, command)
	if err != nil {
		return received{}, err
	}
	defer p.stop()
	if err := until(ctx, p, "it listened", func() (bool, error) {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", listen)
		if err == nil {
			_ = c.Close()
		}
		return err == nil, nil
	}); err != nil {
		return received{}, err
	}
	got := received{}
	s := sender{address: listen, connections: b.connections, requests: b.requests}
	if got.flood, err = s.run(ctx); err != nil {
		return received{}, err
	}
	if rate == 0 {
		rate = pacedShare * got.flood.perSecond
	}
	s.rate, s.requests = rate, s.requests[:min(len(s.requests), int(rate*b.pacedFor.Seconds()))]
	if got.paced, err = s.run(ctx); err != nil {
		return received{}, err
	}
	peak, err := p.peak()
	if err != nil {
		return received{}, err
	}
	p.stop()
	got.mib, got.cpu = float64(peak)/(1<<20), p.cpu()
	return got, nil
}

// freeAddress is an address where nobody listens.
func freeAddress(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// receive is the command line of deskstream, with the default settings.
func (b *receiveBench) receive(topic, listen string) ([]string, error) {
	file := filepath.Join(b.dir, fmt.Sprintf("receive-%d.yaml", b.runs))
	text := fmt.Sprintf(`kafka: {brokers: [%s]}
http: {listen: ""}
inbound: {topic: %s, listen: %q}
destinations:
  - {name: crm, type: kustomer, kustomer: {api_key: 0123456789abcdef}, webhooks: {secrets: [%s]}}
  - {name: inbox, type: trengo, trengo: {api_token: 0123456789abcdef}, webhooks: {secrets: [%s]}}
`, quoted(b.kafka.brokers), topic, listen, hookSecret, hookSecret)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("writing the configuration: %w", err)
	}
	return []string{b.binary, "receive", "-c", file, "--log-level", "warn"}, nil
}

func (b *receiveBench) raw(topic, listen string) ([]string, error) {
	return []string{b.self, "raw", "-brokers", strings.Join(b.kafka.brokers, ","), "-topic", topic, "-listen", listen, "-padding", strconv.Itoa(b.padding)}, nil
}

// report writes the medians, and PASS or FAIL with the ratios as the last line.
func (b *receiveBench) report(w io.Writer, ours, raw []received, rate float64) error {
	var text strings.Builder
	fmt.Fprintf(&text, "\nMedians of %d runs each, %d webhooks over %d connections, then at %.0f a second for %s.\n\n", b.rounds, len(b.requests), b.connections, rate, b.pacedFor)
	text.WriteString("| | requests/s | p99 of these | p50 at the rate | p99 at the rate | peak RSS, MiB | CPU s |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	perSecond := func(r received) float64 { return r.flood.perSecond }
	paced99 := func(r received) float64 { return float64(r.paced.p99) }
	memory := func(r received) float64 { return r.mib }
	for _, row := range []struct {
		name string
		runs []received
	}{{"receive", ours}, {"raw loop", raw}} {
		duration := func(of func(received) time.Duration) time.Duration {
			return time.Duration(median(row.runs, func(r received) float64 { return float64(of(r)) })).Round(time.Microsecond)
		}
		fmt.Fprintf(&text, "| %s | %.0f | %s | %s | %s | %.1f | %.2f |\n", row.name, median(row.runs, perSecond),
			duration(func(r received) time.Duration { return r.flood.p99 }), duration(func(r received) time.Duration { return r.paced.p50 }),
			duration(func(r received) time.Duration { return r.paced.p99 }), median(row.runs, memory), duration(func(r received) time.Duration { return r.cpu }).Seconds())
	}
	share, p99, mib := median(ours, perSecond)/median(raw, perSecond), median(ours, paced99)/median(raw, paced99), median(ours, memory)
	verdict := "PASS"
	if share < leastPerSecond || p99 > mostP99 || mib >= mostMiB {
		verdict = "FAIL"
	}
	fmt.Fprintf(&text, "\n%s: requests a second %.3f (at least %.2f), p99 %.3f (at most %.2f), %.1f MiB (below %d)\n", verdict, share, leastPerSecond, p99, mostP99, mib, mostMiB)
	if _, err := io.WriteString(w, text.String()); err != nil {
		return err
	}
	if verdict == "FAIL" {
		return errors.New("receive does not reach its goals")
	}
	return nil
}

func median[T any](runs []T, of func(T) float64) float64 {
	values := make([]float64, len(runs))
	for i, r := range runs {
		values[i] = of(r)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

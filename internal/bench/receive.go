package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// receiveBench measures receive beside runRaw, which is the raw loop.
type receiveBench struct {
	self        string
	dir         string
	kafka       *cluster
	connections int
	rounds      int
	pacedFor    time.Duration
	requests    [][]byte
	padding     int
	runs        int
	receivers   []receiver
}

// receiver is one of those that take webhooks.
type receiver struct {
	name    string
	command func(topic, listen string) ([]string, error)
}

// The names of the receivers.
const (
	ours    = "receive"
	rawLoop = "raw loop"
)

func runReceive(ctx context.Context, args []string) (err error) {
	b := receiveBench{}
	flags := flag.NewFlagSet("receive", flag.ContinueOnError)
	binary := flags.String("deskstream", "./deskstream", "the `binary` to measure")
	var beside []string
	flags.Func("beside", "another `binary` to measure as well, an earlier build for example; may be given several times", func(name string) error {
		beside = append(beside, name)
		return nil
	})
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
	if err = b.add(ours, *binary); err != nil {
		return err
	}
	b.receivers = append(b.receivers, receiver{rawLoop, b.raw})
	for _, name := range beside {
		if err = b.add(name, name); err != nil {
			return err
		}
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

// add adds a build of deskstream.
func (b *receiveBench) add(name, binary string) error {
	path, err := find(binary)
	if err != nil {
		return err
	}
	b.receivers = append(b.receivers, receiver{name, func(topic, listen string) ([]string, error) { return b.receive(path, topic, listen) }})
	return nil
}

// compare runs all in turn, first as fast as they answer, then at a steady rate that each can take, and
// compares the medians.
func (b *receiveBench) compare(ctx context.Context) error {
	runs := make(map[string][]received)
	rate := 0.0
	for range b.rounds {
		for _, r := range b.receivers {
			got, err := b.run(ctx, r, rate)
			if err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			if rate == 0 { // of the first run of receive
				rate = pacedShare * got.flood.perSecond
			}
			fmt.Fprintf(os.Stderr, "%s: %.0f requests/s, p99 %s; at %.0f/s p50 %s, p99 %s; %.1f MiB, %.2f s CPU for 100,000, %.2f of all\n",
				r.name, got.flood.perSecond, got.flood.p99, rate, got.paced.p50, got.paced.p99, got.mib, got.per(got.cpu), got.per(got.all))
			runs[r.name] = append(runs[r.name], got)
		}
	}
	return b.report(os.Stdout, runs, rate)
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
	before, err := b.used()
	if err != nil {
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
	after, err := b.used()
	if err != nil {
		return received{}, err
	}
	got.mib, got.cpu = float64(peak)/(1<<20), p.cpu()
	got.all, got.webhooks = got.cpu+after-before, len(b.requests)+len(s.requests)
	return got, nil
}

// used is the CPU time so far of this process, which sends, and of the embedded broker.
func (b *receiveBench) used() (time.Duration, error) {
	sum, err := usedBy(os.Getpid())
	if err != nil || b.kafka.broker == nil {
		return sum, err
	}
	of, err := b.kafka.broker.used()
	return sum + of, err
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
func (b *receiveBench) receive(binary, topic, listen string) ([]string, error) {
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
	return []string{binary, "receive", "-c", file, "--log-level", "warn"}, nil
}

func (b *receiveBench) raw(topic, listen string) ([]string, error) {
	return []string{b.self, "raw", "-brokers", strings.Join(b.kafka.brokers, ","), "-topic", topic, "-listen", listen, "-padding", strconv.Itoa(b.padding)}, nil
}

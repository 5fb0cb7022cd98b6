package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// scaleBench measures how the cost of an event grows with lanes and partitions, and how long a takeover
// takes by the outcomes that it reads. Broker, desk and program are processes of their own; figures are
// to be compared within one run.
type scaleBench struct {
	self, dir, binary string
	kafka             *cluster
	brokers           []string
	events            int
	runs              int
}

// scaleRun is what one run took.
type scaleRun struct {
	cpu  time.Duration // of the program, from its start to its end
	peak int64         // bytes
	heap float64       // bytes in use when all is delivered and no lane is open
	took time.Duration
}

func runScale(ctx context.Context, args []string) error {
	b := &scaleBench{}
	flags := flag.NewFlagSet("scale", flag.ContinueOnError)
	binary := flags.String("deskstream", "./deskstream", "the `binary` to measure")
	only := flags.String("only", "lanes,partitions,claims", "what to measure")
	flags.IntVar(&b.events, "events", 1_000_000, "events of each run with lanes, a fifth of them with partitions")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var err error
	if b.binary, err = find(*binary); err != nil {
		return err
	}
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "deskstream-bench"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(b.dir) }()
	for what := range strings.SplitSeq(*only, ",") {
		if err := b.measure(ctx, what); err != nil {
			return fmt.Errorf("measuring %s: %w", what, err)
		}
	}
	return nil
}

// measure has a broker of its own, which forgets all that was measured before.
func (b *scaleBench) measure(ctx context.Context, what string) error {
	kafka, brokers, stop, err := openCluster(ctx, b.self)
	if err != nil {
		return err
	}
	defer stop()
	b.kafka, b.brokers = kafka, brokers
	print := func(format string, args ...any) { _, _ = fmt.Fprintf(os.Stdout, format, args...) }
	switch what {
	case "lanes":
		print("| lanes of %d events | CPU time per event | of the first | peak memory | heap in use at the end | per idle lane |\n| --- | --- | --- | --- | --- | --- |\n", b.events)
		var first scaleRun
		for i, lanes := range []int{1_000, 31_623, 1_000_000} {
			lanes = min(lanes, b.events)
			r, err := b.run(ctx, b.events, lanes, partitions)
			if err != nil {
				return err
			}
			if i == 0 {
				first = r
			}
			print("| %d | %.1f us | %.2f | %.0f MiB | %.1f MiB | %.0f bytes |\n", lanes, r.perEvent(b.events), float64(r.cpu)/float64(first.cpu), float64(r.peak)/(1<<20),
				r.heap/(1<<20), (r.heap-first.heap)/float64(max(lanes-1000, 1)))
		}
	case "partitions":
		n := b.events / 5
		print("| partitions, %d events | CPU time per event | of the first | peak memory |\n| --- | --- | --- | --- |\n", n)
		var first scaleRun
		for i, parts := range []int{12, 100, 1000} {
			r, err := b.run(ctx, n, 10_000, parts)
			if err != nil {
				return err
			}
			if i == 0 {
				first = r
			}
			print("| %d | %.1f us | %.2f | %.0f MiB |\n", parts, r.perEvent(n), float64(r.cpu)/float64(first.cpu), float64(r.peak)/(1<<20))
		}
	case "claims":
		print("| outcomes behind the checkpoint | from the start to the first call |\n| --- | --- |\n")
		for _, n := range []int{0, 10_000, 100_000, 1_000_000} {
			if n > b.events {
				break
			}
			took, err := b.takeover(ctx, n)
			if err != nil {
				return err
			}
			print("| %d | %v |\n", n, took.Round(10*time.Millisecond))
		}
	default:
		return errors.New("it is not lanes, partitions or claims")
	}
	return nil
}

func (r scaleRun) perEvent(events int) float64 {
	return float64(r.cpu.Microseconds()) / float64(events)
}

// prepared is a run whose topics are there and whose desk runs.
type prepared struct {
	name, file, url, metrics, admin string
	desk                            *process
	remove                          func()
}

func (p prepared) end() {
	p.desk.stop()
	p.remove()
}

// prepare makes topics, events, a desk and a configuration.
func (b *scaleBench) prepare(ctx context.Context, events, lanes, parts int) (p prepared, err error) {
	b.runs++
	p.name = fmt.Sprintf("scale-%d-%d", os.Getpid(), b.runs)
	names := []string{p.name, p.name + ".responses", p.name + ".letters", p.name + ".letters.state"}
	for i, limit := range []string{fmt.Sprint(sourceBytes), fmt.Sprint(outputBytes)} {
		made, err := b.kafka.admin.CreateTopics(ctx, int32(parts), 1, map[string]*string{"max.message.bytes": &limit}, names[i:max(1, len(names)*i)]...)
		if err := errors.Join(err, made.Error()); err != nil {
			return p, fmt.Errorf("creating topics: %w", err)
		}
	}
	if err := b.kafka.awaitTopics(ctx, names...); err != nil {
		return p, err
	}
	p.remove = func() { _, _ = b.kafka.admin.DeleteTopics(context.WithoutCancel(ctx), names...) } // what is left goes with the broker
	if err := b.load(ctx, p.name, events, lanes); err != nil {
		return p, err
	}
	if p.desk, p.url, err = startServer(ctx, []string{b.self, "scale-desk"}); err != nil {
		return p, err
	}
	if p.metrics, err = freeAddress(ctx); err != nil {
		return p, err
	}
	if p.admin, err = freeAddress(ctx); err != nil {
		return p, err
	}
	p.file = filepath.Join(b.dir, p.name+".yaml")
	return p, os.WriteFile(p.file, fmt.Appendf(nil, `kafka: {brokers: [%s]}
source: {topics: [%s], group: %[2]s, group_instance_id: %[7]s}
responses: {topic: %[2]s.responses, bodies: false}
dead_letters: {topic: %[2]s.letters}
http: {listen: %q, admin: %q}
destinations:
  - name: crm
    type: kustomer
    kustomer: {api_key: %s, base_url: %q}
    delivery: {rate_limit: {requests: 100000000, per: 1s, reserve: 0}}
`, quoted(b.brokers), p.name, p.metrics, p.admin, benchToken, p.url, memberID), 0o600)
}

// memberID is the program's in its group, so that a killed one can be taken out of it.
const memberID = "scale"

// load writes events of so many users, each user's turn after the others'. With no lanes they are of one
// user each, behind one event that is stuck.
func (b *scaleBench) load(ctx context.Context, topic string, events, lanes int) error {
	const chunk = 50_000
	for from := 0; from < events; from += chunk {
		records := make([]*kgo.Record, 0, chunk)
		for i := from; i < min(from+chunk, events); i++ {
			user, name := i, "Product Purchased"
			if lanes > 0 {
				user = i % lanes
			} else if i == 0 {
				name = stuck
			}
			records = append(records, &kgo.Record{Topic: topic, Key: fmt.Appendf(nil, "user-%07d", user), Value: fmt.Appendf(nil,
				`{"type":"track","userId":"user-%07d","messageId":"m-%d","event":%q,"properties":{"product":"Everyday Notebook","price":%d.95,"currency":"EUR"},"timestamp":"2026-01-02T03:04:05.678Z"}`,
				user, i, name, i%90)})
		}
		if err := b.kafka.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
			return fmt.Errorf("loading events: %w", err)
		}
	}
	return nil
}

// run delivers all events, and takes stock.
func (b *scaleBench) run(ctx context.Context, events, lanes, parts int) (r scaleRun, err error) {
	p, err := b.prepare(ctx, events, lanes, parts)
	if err != nil {
		return r, err
	}
	defer p.end()
	began := time.Now()
	measured, err := start(ctx, []string{b.binary, "run", "-c", p.file, "--log-level", "error"})
	if err != nil {
		return r, err
	}
	defer measured.stop()
	if err := until(ctx, measured, "all was committed", func() (bool, error) {
		time.Sleep(time.Second)
		done, err := b.kafka.committed(ctx, p.name+".crm", p.name)
		return done >= int64(events), err
	}); err != nil {
		return r, err
	}
	r.took = time.Since(began)
	if r.peak, err = measured.peak(); err != nil {
		return r, err
	}
	// The profile collects what is no longer in use first.
	if err := get(ctx, "http://"+p.admin+"/debug/pprof/heap?gc=1", func(r io.Reader) error { _, err := io.Copy(io.Discard, r); return err }); err != nil {
		return r, fmt.Errorf("having the program collect: %w", err)
	}
	if r.heap, err = metricOf(ctx, "http://"+p.metrics+"/metrics", "go_memstats_heap_alloc_bytes"); err != nil {
		return r, err
	}
	measured.stop()
	r.cpu = measured.cpu()
	fmt.Fprintf(os.Stderr, "%d events, %d lanes, %d partitions: %v CPU in %v\n", events, lanes, parts, r.cpu, r.took.Round(time.Second))
	return r, nil
}

// takeover has the first event of a single partition wait for its answer while n others are settled, kills
// the program, and measures how long another one takes to call again.
func (b *scaleBench) takeover(ctx context.Context, n int) (took time.Duration, err error) {
	p, err := b.prepare(ctx, n+1, 0, 1)
	if err != nil {
		return 0, err
	}
	defer p.end()
	command := []string{b.binary, "run", "-c", p.file, "--log-level", "error"}
	first, err := start(ctx, command)
	if err != nil {
		return 0, err
	}
	calls := func() (int, error) {
		var got struct{ Stuck int }
		err := get(ctx, p.url+"/_desk", func(r io.Reader) error { return json.NewDecoder(r).Decode(&got) })
		return got.Stuck, err
	}
	err = until(ctx, first, "all others were settled", func() (bool, error) {
		time.Sleep(500 * time.Millisecond)
		ends, err := b.kafka.admin.ListEndOffsets(ctx, p.name+".responses")
		outcomes := int64(0)
		ends.Each(func(o kadm.ListedOffset) { outcomes += o.Offset })
		made, errCalls := calls()
		return outcomes >= int64(n) && made > 0, errors.Join(err, errCalls)
	})
	_ = first.cmd.Process.Signal(syscall.SIGKILL) // its end is waited for
	<-first.done
	if err != nil {
		return 0, err
	}
	before, err := calls()
	if err != nil {
		return 0, err
	}
	// The group still counts the killed member in: until its session is over nobody has the partition.
	if _, err := b.kafka.admin.LeaveGroup(ctx, kadm.LeaveGroup(p.name+".crm").InstanceIDs(memberID)); err != nil {
		return 0, fmt.Errorf("taking the killed member out of its group: %w", err)
	}
	began := time.Now()
	second, err := start(ctx, command)
	if err != nil {
		return 0, err
	}
	defer second.stop()
	err = until(ctx, second, "the event was called again", func() (bool, error) {
		made, err := calls()
		return made > before, err
	})
	return time.Since(began), err
}

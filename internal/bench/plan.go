package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// planBench measures how long dlq plan takes for dead letters of which many are of one
// address, at a desk that allows few calls. The desk is the stub of the first program,
// which knows none of the addresses.
type planBench struct {
	programs           []string // binaries
	letters, addresses int
	limit              int
	window             time.Duration
}

func runPlans(ctx context.Context, args []string) error {
	var p planBench
	flags := flag.NewFlagSet("plan", flag.ContinueOnError)
	binary := flags.String("deskstream", "./deskstream", "the `binary` to measure")
	beside := flags.String("beside", "", "another `binary` to measure beside it, an earlier build for example")
	flags.IntVar(&p.letters, "letters", 3000, "dead letters")
	flags.IntVar(&p.addresses, "addresses", 300, "addresses that they are of")
	flags.IntVar(&p.limit, "limit", 120, "calls that the desk allows in a window")
	flags.DurationVar(&p.window, "window", 2*time.Second, "the window")
	if err := flags.Parse(args); err != nil {
		return err
	}
	for _, name := range []string{*binary, *beside} {
		if name == "" {
			continue
		}
		path, err := exec.LookPath(name)
		if err == nil {
			path, err = filepath.Abs(path)
		}
		if err != nil {
			return fmt.Errorf("finding %s: %w", name, err)
		}
		p.programs = append(p.programs, path)
	}
	return p.run(ctx)
}

func (p planBench) run(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "deskstream-bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	kafka, brokers, stop, err := openCluster(ctx, self)
	if err != nil {
		return err
	}
	defer stop()
	name := fmt.Sprintf("bench-%d", os.Getpid())
	remove, err := kafka.topics(ctx, outputBytes, name+".letters", name+".letters.state", name+".responses")
	if err != nil {
		return err
	}
	defer remove()
	if err := p.load(ctx, kafka, name); err != nil {
		return err
	}
	for _, binary := range p.programs {
		if err := p.measure(ctx, binary, brokers, name, dir); err != nil {
			return fmt.Errorf("%s: %w", binary, err)
		}
	}
	return nil
}

// openCluster connects to someBrokers. stop ends the connection, then the broker.
func openCluster(ctx context.Context, self string) (kafka *cluster, brokers []string, stop func(), err error) {
	brokers, broker, err := someBrokers(ctx, self)
	if err != nil {
		return nil, nil, nil, err
	}
	stopBroker := func() {
		if broker != nil {
			broker.stop()
		}
	}
	if kafka, err = connect(brokers); err != nil {
		stopBroker()
		return nil, nil, nil, err
	}
	kafka.broker = broker
	return kafka, brokers, func() { kafka.client.Close(); stopBroker() }, nil
}

// someBrokers are those of KAFKA_BROKERS, or the embedded one with its process.
func someBrokers(ctx context.Context, self string) (brokers []string, embedded *process, err error) {
	if list := os.Getenv("KAFKA_BROKERS"); list != "" {
		return strings.Split(list, ","), nil, nil
	}
	broker, address, err := startServer(ctx, []string{self, "broker"})
	if err != nil {
		return nil, nil, err
	}
	return []string{address}, broker, nil
}

// load writes dead letters of ticket events, each address with as many as the others.
func (p planBench) load(ctx context.Context, kafka *cluster, name string) error {
	records := make([]*kgo.Record, p.letters)
	for i := range records {
		user := fmt.Sprintf("user-%d", i%p.addresses)
		records[i] = &kgo.Record{
			Topic: name + ".letters", Key: []byte(user),
			Value: fmt.Appendf(nil, `{"type":"track","event":"Order Completed","userId":%q,"messageId":"m-%d","context":{"traits":{"email":"%s@example.com"}}}`,
				user, i, user),
			Headers: letterHeaders(name, user, i),
		}
	}
	if err := kafka.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("writing dead letters: %w", err)
	}
	return nil
}

// letterHeaders are what plan reads of a letter of the program's own.
func letterHeaders(name, user string, i int) []kgo.RecordHeader {
	pairs := []string{
		"dlq.version", "1", "dlq.id", fmt.Sprintf("%032x", i+1), "dlq.source.topic", "events",
		"dlq.source.partition", "0", "dlq.source.offset", strconv.Itoa(i), "dlq.source.group", name + ".inbox",
		"dlq.destination", "inbox", "dlq.stage", "lookup", "dlq.class", "invalid", "dlq.code", "contact_not_found",
		"dlq.http.status", "0", "dlq.message", "no contact has the event's address", "dlq.fingerprint", "aaaa",
		"dlq.retryable", "after_fix", "dlq.lane", user, "dlq.event.id", fmt.Sprintf("m-%d", i), "dlq.event.type", "track",
		"dlq.redrive.round", "0",
	}
	headers := make([]kgo.RecordHeader, 0, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		headers = append(headers, kgo.RecordHeader{Key: pairs[i], Value: []byte(pairs[i+1])})
	}
	return headers
}

func (p planBench) configuration(brokers []string, name, url string) string {
	return fmt.Sprintf(`kafka: {brokers: [%s]}
source: {topics: [events], group: %s}
responses: {topic: %s.responses}
dead_letters: {topic: %s.letters}
destinations:
  - name: inbox
    type: trengo
    trengo:
      api_token: 0123456789abcdef
      channel_id: "123456"
      create_contact: true
      event_templates: [{event: Order Completed, template: "Order"}]
      base_url: %q
    delivery: {rate_limit: {requests: %d, per: %v}}
`, quoted(brokers), name, name, name, url, p.limit, p.window)
}

// measure runs a plan at a desk that has seen nothing yet, and prints what it took.
func (p planBench) measure(ctx context.Context, binary string, brokers []string, name, dir string) error {
	desk, address, err := startServer(ctx, []string{
		p.programs[0], "stub", "--listen", "127.0.0.1:0", "--limit", strconv.Itoa(p.limit), "--window", p.window.String(),
	})
	if err != nil {
		return err
	}
	defer desk.stop()
	url := strings.Fields(address)[1] // "trengo    http://127.0.0.1:9500/trengo/api/v2"
	file := filepath.Join(dir, "deskstream.yaml")
	if err := os.WriteFile(file, []byte(p.configuration(brokers, name, url)), 0o600); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, binary, "dlq", "plan", "--destination", "inbox", "-c", file, "-o", filepath.Join(dir, "plan.json"), "--log-level", "warn")
	cmd.Stderr = os.Stderr
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("planning: %w", err)
	}
	took := time.Since(began)
	made, refused, err := callsOf(ctx, strings.TrimSuffix(url, "/trengo/api/v2"))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(os.Stdout, "%s: %d letters of %d addresses, %d lookups, %d answered 429, %.1f s\n",
		binary, p.letters, p.addresses, made, refused, took.Seconds())
	return err
}

// callsOf is how many calls a stub received, and how many of them were over its limit.
func callsOf(ctx context.Context, stub string) (made, refused int, err error) {
	var stats struct {
		Calls map[string]map[string]map[string]int `json:"calls"`
	}
	err = get(ctx, stub+"/_stub/stats", func(r io.Reader) error { return json.NewDecoder(r).Decode(&stats) })
	for _, statuses := range stats.Calls["trengo"] {
		for status, n := range statuses {
			made += n
			if status == strconv.Itoa(http.StatusTooManyRequests) {
				refused += n
			}
		}
	}
	return made, refused, err
}

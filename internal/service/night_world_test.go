//go:build synctests || kafka

package service

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/codec"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
)

const (
	// scrapeEvery is that of Prometheus, and eventEvery the pace of events.
	scrapeEvery = 15 * time.Second
	eventEvery  = 2 * time.Second
	nightUsers  = 20
)

// nightAt says where a night is, and how fast.
type nightAt struct {
	kafka *kafkatest.Cluster
	// prefix is that of the names of topics and groups.
	prefix string
	// minute is how long a minute of the night lasts.
	minute time.Duration
	// settled waits until everybody waits, where somebody knows that.
	settled func()
	// retry are settings of delivery.
	retry string
}

// night is a service with a stub help desk, events that come all the time, and a Prometheus that
// scrapes it.
type night struct {
	nightAt

	t        *testing.T
	began    time.Time
	joined   chan struct{} // one for each destination that reads
	desks    *stub.Server
	service  *Service
	config   *config.Config
	token    string // the file of Trengo's credential
	stop     context.CancelFunc
	running  sync.WaitGroup
	series   *series
	shape    atomic.Pointer[func(n int) string] // the next event
	rate     atomic.Int32                       // events at a time
	mu       sync.Mutex
	lines    []logLine
	produced int
}

type logLine struct {
	at    time.Duration
	level slog.Level
	text  string
}

const nightConfig = `
kafka: {brokers: [%[1]q]}
source: {topics: [%[5]sevents], group: %[5]sdeskstream}
responses: {topic: %[5]sevents.responses}
dead_letters: {topic: %[5]sdlq.events.deskstream}
limits: {records: 500}
destinations:
  - name: support-inbox
    type: trengo
    trengo: {api_token: "${file:%[2]s}", base_url: "http://127.0.0.1:9500%[3]s", channel_id: "123456", create_contact: true, event_templates: [{event: Order Completed, template: "{{ event }}"}]}
    delivery: {%[6]srate_limit: {requests: %[7]d}}
  - name: crm
    type: kustomer
    kustomer: {api_key: key-for-kustomer-crm, base_url: "http://127.0.0.1:9500%[4]s"}
    delivery: {%[6]srate_limit: {requests: %[8]d}}
    rules: [{name: vip, match: {event: [Vip Ordered]}, ticket: {note: x, team: Nobody}, on_missing: dead}]
`

// beginNight begins a night.
func beginNight(t *testing.T, at nightAt) *night {
	t.Helper()
	n := &night{nightAt: at, t: t, began: time.Now(), joined: make(chan struct{}, 10), series: newSeries(), token: filepath.Join(t.TempDir(), "token")}
	n.renew("token-of-the-inbox")
	n.desks = stub.New(stub.Config{Seed: 1, Latency: 50 * time.Millisecond, Limit: 100_000}, stubtrengo.New(nil), stubkustomer.New())
	n.rate.Store(1)
	n.sends(usual)
	cfg, err := config.Parse("night.yaml", fmt.Appendf(nil, nightConfig, n.kafka.Brokers[0], n.token, stubtrengo.Path, stubkustomer.Path,
		n.prefix, n.retry, 6000*n.faster(), 1000*n.faster()), os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	n.config = cfg
	log := slog.New(n)
	set := cluster.TopicsOf(cfg, cfg.Destinations...)
	if err := cluster.Create(t.Context(), n.kafka.Client(t), set, log); err != nil {
		t.Fatal(err)
	}
	found, err := cluster.Verify(t.Context(), n.kafka.Client(t), set, log)
	if err != nil {
		t.Fatal(err)
	}
	book, err := codec.Open(cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(book.Close)
	n.service, err = New(Parts{
		Options: Options{Config: cfg, Log: log}, Found: found, Codec: book, Connection: n.kafka.Options(), Transport: n,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	n.stop = stop
	t.Cleanup(n.close)
	n.running.Go(func() {
		if err := n.service.Run(ctx); err != nil {
			t.Errorf("the service ended with %v", err)
		}
	})
	if n.faster() > 1 { // the night begins when all is well
		for range cfg.Destinations {
			<-n.joined
		}
		n.mu.Lock()
		n.began = time.Now()
		n.mu.Unlock()
	}
	n.running.Go(func() { n.produce(ctx) })
	n.running.Go(func() { n.scrape(ctx) })
	return n
}

// close ends the night: nothing is scraped from then on. It may be called again.
func (n *night) close() {
	n.stop()
	n.desks.Desk(stubtrengo.Name).SetOutage(nil)
	n.running.Wait()
}

// RoundTrip implements http.RoundTripper by the stub.
func (n *night) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	served := r.Clone(r.Context())
	if served.Body == nil {
		served.Body = http.NoBody // as a server has it
	}
	n.desks.ServeHTTP(w, served)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// renew writes Trengo's credential.
func (n *night) renew(token string) {
	if err := os.WriteFile(n.token, []byte(token), 0o600); err != nil {
		n.t.Error(err)
	}
}

// sends decides what events look like from now on.
func (n *night) sends(shape func(n int) string) { n.shape.Store(&shape) }

// usual is every fourth time an identify, else an order.
func usual(n int) string {
	user := n % nightUsers
	if n%4 == 0 {
		return fmt.Sprintf(`{"type":"identify","messageId":"m-%d","userId":"u-%d","traits":{"email":"u%d@example.com","name":"U %d"}}`, n, user, user, n)
	}
	return order(n, "track", "Order Completed")
}

func order(n int, typ, name string) string {
	user := n % nightUsers
	return fmt.Sprintf(`{"type":%q,"messageId":"m-%d","userId":"u-%d","event":%q,"properties":{"total":12},"context":{"traits":{"email":"u%d@example.com"}}}`, typ, n, user, name, user)
}

func (n *night) produce(ctx context.Context) {
	client := n.kafka.Client(n.t)
	tick := time.NewTicker(n.lasts(eventEvery))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for range n.rate.Load() {
			value := (*n.shape.Load())(n.produced)
			client.Produce(ctx, &kgo.Record{Topic: n.config.Source.Topics[0], Key: fmt.Appendf(nil, "u-%d", n.produced%nightUsers), Value: []byte(value)}, nil)
			n.produced++
		}
	}
}

func (n *night) scrape(ctx context.Context) {
	tick := time.NewTicker(n.lasts(scrapeEvery))
	defer tick.Stop()
	for {
		families, err := n.service.registry.Gather()
		if err != nil {
			n.t.Error(err)
		}
		n.series.scrape(n.now(), n.aged(families), "job", "deskstream", "instance", "a:9400", "namespace", "desk")
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// until waits for a moment of the night.
func (n *night) until(at time.Duration) {
	time.Sleep(n.lasts(at) - time.Since(n.began))
	n.settled()
}

// faster is how much faster than real time the night goes.
func (n *night) faster() int { return int(time.Minute / n.minute) }

// lasts is how long a part of the night lasts.
func (n *night) lasts(d time.Duration) time.Duration { return d / time.Duration(n.faster()) }

// now is the time of the night.
func (n *night) now() time.Time {
	return n.began.Add(time.Since(n.began) * time.Duration(n.faster()))
}

// aged has events be as old as the night says. Kafka's own times stay: its minutes are not shorter.
func (n *night) aged(families []*dto.MetricFamily) []*dto.MetricFamily {
	for _, f := range families {
		if f.GetName() != "deskstream_oldest_undelivered_seconds" {
			continue
		}
		for _, m := range f.GetMetric() {
			m.Gauge.Value = new(m.GetGauge().GetValue() * float64(n.faster()))
		}
	}
	return families
}

// Enabled implements slog.Handler.
func (*night) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// Handle implements slog.Handler.
func (n *night) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Message)
	r.Attrs(func(a slog.Attr) bool {
		fmt.Fprintf(&b, " %s=%v", a.Key, a.Value)
		return true
	})
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, logLine{r.Time.Sub(n.began) * time.Duration(n.faster()), r.Level, b.String()})
	if r.Message == "partitions assigned" {
		select {
		case n.joined <- struct{}{}:
		default: // nobody waits
		}
	}
	return nil
}

// WithAttrs implements slog.Handler.
func (n *night) WithAttrs(attrs []slog.Attr) slog.Handler { return attributed{n, attrs} }

// WithGroup implements slog.Handler.
func (n *night) WithGroup(string) slog.Handler { return n }

// attributed is a night's log with attributes that all lines have.
type attributed struct {
	slog.Handler
	attrs []slog.Attr
}

func (a attributed) Handle(ctx context.Context, r slog.Record) error {
	r = r.Clone()
	r.AddAttrs(a.attrs...)
	return a.Handler.Handle(ctx, r)
}

func (a attributed) WithAttrs(attrs []slog.Attr) slog.Handler {
	return attributed{a.Handler, append(attrs, a.attrs...)}
}

// logged are the lines of the log between two moments, of warnings and errors.
func (n *night) logged(from, to time.Duration) (lines []logLine) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range n.lines {
		if from <= l.at && l.at < to && l.level >= slog.LevelWarn {
			lines = append(lines, l)
		}
	}
	return lines
}

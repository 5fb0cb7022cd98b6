//go:build synctests

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
	"testing/synctest"
	"time"

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

// night is a service in simulated time, with a stub help desk, events that come all the time, and a
// Prometheus that scrapes it.
type night struct {
	t        *testing.T
	began    time.Time
	kafka    *kafkatest.Cluster
	desks    *stub.Server
	service  *Service
	config   *config.Config
	token    string // the file of Trengo's credential
	stop     context.CancelFunc
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
kafka: {brokers: [%q]}
limits: {records: 500}
destinations:
  - name: support-inbox
    type: trengo
    trengo: {api_token: "${file:%s}", base_url: "http://127.0.0.1:9500%s", channel_id: "123456", create_contact: true, event_templates: [{event: Order Completed, template: "{{ event }}"}]}
    delivery: {rate_limit: {requests: 6000}}
  - name: crm
    type: kustomer
    kustomer: {api_key: key-for-kustomer-crm, base_url: "http://127.0.0.1:9500%s"}
    rules: [{name: vip, match: {event: [Vip Ordered]}, ticket: {note: x, team: Nobody}, on_missing: dead}]
`

// newNight begins a night. It has to be called in a bubble.
func newNight(t *testing.T) *night {
	t.Helper()
	n := &night{t: t, began: time.Now(), series: newSeries(), token: filepath.Join(t.TempDir(), "token")}
	n.renew("token-of-the-inbox")
	n.kafka = kafkatest.Kafka(t, kafkatest.Virtual())
	n.desks = stub.New(stub.Config{Seed: 1, Latency: 50 * time.Millisecond, Limit: 100_000}, stubtrengo.New(nil), stubkustomer.New())
	n.rate.Store(1)
	n.sends(usual)
	cfg, err := config.Parse("night.yaml", fmt.Appendf(nil, nightConfig, n.kafka.Brokers[0], n.token, stubtrengo.Path, stubkustomer.Path), os.LookupEnv)
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
	var running sync.WaitGroup
	running.Go(func() {
		if err := n.service.Run(ctx); err != nil {
			t.Errorf("the service ended with %v", err)
		}
	})
	running.Go(func() { n.produce(ctx) })
	running.Go(func() { n.scrape(ctx) })
	t.Cleanup(func() {
		stop()
		n.desks.Desk(stubtrengo.Name).SetOutage(nil)
		running.Wait()
	})
	return n
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
	tick := time.NewTicker(eventEvery)
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
	tick := time.NewTicker(scrapeEvery)
	defer tick.Stop()
	for {
		families, err := n.service.registry.Gather()
		if err != nil {
			n.t.Error(err)
		}
		n.series.scrape(time.Now(), families, "job", "deskstream", "instance", "a:9400", "namespace", "desk")
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// until waits for a moment of the night.
func (n *night) until(at time.Duration) {
	time.Sleep(at - time.Since(n.began))
	synctest.Wait()
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
	n.lines = append(n.lines, logLine{r.Time.Sub(n.began), r.Level, b.String()})
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

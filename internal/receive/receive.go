package receive

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kprom"
	"golang.org/x/sync/errgroup"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/endpoint"
	"github.com/deskstream/deskstream/internal/hooks"
	"github.com/deskstream/deskstream/internal/wiring"
	"github.com/deskstream/deskstream/sink/traces"
)

// Options say what to receive.
type Options struct {
	Config *config.Config
	Log    *slog.Logger
	// Destinations are the names of those to receive from, all that have webhooks if empty.
	Destinations []string
	// CreateTopic creates the topic if it is missing, and those that catching up writes to.
	CreateTopic bool
	// CatchUp has what the desks did not send read from their lists, of destinations with
	// export.entities.
	CatchUp bool
	// Monitor is where monitoring is served instead of at http.listen, "" for there.
	Monitor string
	// ConnectTimeout limits the first contact with Kafka.
	ConnectTimeout time.Duration
	// Listening, if set, is called with the addresses of webhooks and of monitoring, nil for none.
	Listening func(webhooks, monitoring net.Addr)
	// Traces is where the spans of webhooks go; nil: nowhere.
	Traces traces.Source
	// Kafka are options of the Kafka client besides those of the configuration.
	Kafka []kgo.Opt
}

const (
	// connections is how many connections of senders are kept.
	connections = 1024
	// stopTimeout is how long open requests may take when the program stops.
	stopTimeout = 10 * time.Second
	// flushTimeout is how long events that were answered with 503 may take then.
	flushTimeout = 5 * time.Second
	// maxBatch is the largest batch of events, in bytes: no event is larger.
	maxBatch = 16 << 20
	// watchEvery is the time between two looks at secrets and certificates, and at a topic that
	// takes nothing.
	watchEvery = 2 * time.Second
)

// Run receives until ctx ends. Faults in the configuration are config.UsageErrors or
// config.FlagErrors.
func Run(ctx context.Context, o Options) error {
	senders, err := wiring.Senders(o.Config, o.Destinations, o.Log)
	if err != nil {
		return &config.FlagError{Err: err}
	}
	if len(senders) == 0 {
		return &config.UsageError{Err: errors.New("no destination has webhooks: give one webhooks.secrets or webhooks.secrets_file")}
	}
	if o.Config.Inbound.Listen == "" {
		return &config.UsageError{Err: errors.New("inbound.listen is empty: give the address to listen at")}
	}
	m := newMetrics()
	found, err := hooksOf(ctx, senders, m, o.Log)
	if err != nil {
		return &config.UsageError{Err: err}
	}
	for _, s := range senders {
		if s.Destination != nil {
			defer s.Destination.Close()
		}
	}
	r := &receiver{Options: o, metrics: m, hooks: found}
	if err := r.certify(ctx); err != nil {
		return &config.UsageError{Err: err}
	}
	if err := r.meetKafka(ctx); err != nil {
		return err
	}
	defer r.client.Close()
	tuneCollector()
	return r.run(ctx)
}

// heapGrowth is how much the heap grows before it is collected, in percent of what is alive: a webhook
// leaves little behind, so that memory is worth more than fewer collections.
const heapGrowth = 80

// tuneCollector sets heapGrowth, unless the environment says how to collect.
func tuneCollector() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(heapGrowth)
	}
}

// receiver is one Run.
type receiver struct {
	Options

	metrics     *metrics
	hooks       map[string]*hook
	client      *kgo.Client
	topic       cluster.Topic
	writer      *writer
	handler     *handler
	certificate *certificate // nil: connections are plain
	past        *hooks.Past  // nil: not known
}

func hooksOf(ctx context.Context, senders []wiring.Sender, m *metrics, log *slog.Logger) (map[string]*hook, error) {
	found := make(map[string]*hook, len(senders))
	for _, s := range senders {
		h := &hook{Sender: s, secrets: &secrets{settings: s.Config.Webhooks}, log: log.With("destination", s.Config.Name), metrics: m, gaps: newGaps(s.Hooks.Repeats)}
		_, err := h.secrets.reread(ctx)
		switch {
		case errors.Is(err, hooks.ErrNoFile) && len(s.Config.Webhooks.Secrets) == 0:
			h.log.Warn("webhooks.secrets_file does not exist yet: until it does, all webhooks are refused", "file", s.Config.Webhooks.SecretsFile)
			h.failed = err.Error()
		case errors.Is(err, hooks.ErrNoFile):
			h.failed = err.Error()
		case err != nil:
			return nil, fmt.Errorf("destination %s: %w", s.Config.Name, err)
		}
		if h.secrets.readableByOthers() {
			h.log.Warn("webhooks.secrets_file can be read by others than its owner: set its mode to 0600", "file", s.Config.Webhooks.SecretsFile)
		}
		m.begin(s.Config.Name)
		h.counts = m.of(s.Config.Name)
		found[s.Config.Name] = h
	}
	return found, nil
}

// meetKafka waits for the cluster, and makes the client that writes.
func (r *receiver) meetKafka(ctx context.Context) error {
	late := fmt.Errorf("no answer from Kafka within %v (--connect-timeout)", r.ConnectTimeout)
	bounded, cancel := context.WithTimeoutCause(ctx, r.ConnectTimeout, late)
	defer cancel()
	contact, err := cluster.Contact(bounded, r.Config, r.Log)
	if err != nil {
		return err
	}
	defer contact.Close()
	if r.CreateTopic {
		if err := cluster.CreateInbound(bounded, contact, r.Config.Inbound.Topic, r.Log); err != nil {
			return cluster.Explain(ctx, r.Config.Kafka, err)
		}
	}
	if r.topic, err = cluster.VerifyInbound(bounded, contact, r.Config.Inbound.Topic, r.Log); err != nil {
		return cluster.Explain(ctx, r.Config.Kafka, err)
	}
	base, err := cluster.Options(r.Config)
	if err != nil {
		return &config.UsageError{Err: err}
	}
	r.client, err = kgo.NewClient(append(append(base,
		kgo.WithLogger(cluster.NewLogger(r.Log)),
		kgo.WithHooks(kprom.NewMetrics("deskstream_kafka", kprom.Registerer(r.metrics.registry))),
		// 200 promises that the event survives the loss of a broker.
		kgo.RequiredAcks(kgo.AllISRAcks()),
		// A request waits for its event: others of the moment go along anyway.
		kgo.ProducerLinger(0),
		kgo.ProducerBatchMaxBytes(min(r.topic.MaxMessageBytes, maxBatch)),
		kgo.RecordDeliveryTimeout(recordTimeout),
		kgo.MaxBufferedRecords(maxBuffered),
		kgo.MaxBufferedBytes(maxBufferedBytes),
		// A broker may ask for the client's own metrics, which /metrics has: to send them takes 8 MiB.
		kgo.DisableClientMetrics(),
	), r.Kafka...)...)
	if err != nil {
		return fmt.Errorf("making a Kafka client: %w", err)
	}
	r.writer = &writer{client: r.client, topic: r.Config.Inbound.Topic, timeout: ackTimeout, log: r.Log, metrics: r.metrics}
	r.metrics.watch(r.writer)
	r.handler = newHandler(r.hooks, r.writer, r.metrics, r.Log)
	r.handler.traces = r.Traces
	return nil
}

// run serves until ctx ends. Then no new request is taken, those that are open are answered, and
// what Kafka has not acknowledged yet gets some time.
func (r *receiver) run(ctx context.Context) error {
	r.lookBack(ctx)
	webhooks, monitoring, err := r.listen(ctx)
	if err != nil {
		return err
	}
	var serving errgroup.Group
	running, stop := context.WithCancel(ctx)
	defer stop()
	serve := func(e endpoint.Endpoint) {
		serving.Go(func() error {
			defer stop() // one that ends ends the others
			return e.Serve()
		})
	}
	serve(webhooks)
	if monitoring != nil {
		serve(*monitoring)
	}
	serving.Go(func() error { return r.watchRegistrations(running) })
	serving.Go(func() error { return r.watchGaps(running) })
	r.watch(running) // until then
	stop()
	r.handler.stopping.Store(true)
	r.Log.Info("stopping, open requests are answered")
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if webhooks.Server.Shutdown(bounded) != nil {
		webhooks.Close()
	}
	flushing, cancelFlush := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancelFlush()
	if err := r.client.Flush(flushing); err != nil {
		r.Log.Warn("kafka has not acknowledged all events: their webhooks were answered with 503", "overdue", r.writer.waiting.Load())
	}
	if monitoring != nil {
		monitoring.Close()
	}
	return serving.Wait()
}

// listen opens the endpoints.
func (r *receiver) listen(ctx context.Context) (webhooks endpoint.Endpoint, monitoring *endpoint.Endpoint, err error) {
	open := func(name, address, advice string) (net.Listener, error) {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
		if errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("opening %s: %w: %s", name, err, advice)
		}
		if err != nil {
			return nil, fmt.Errorf("opening %s: %w", name, err)
		}
		r.Log.Info("endpoint opened", "setting", name, "address", listener.Addr().String())
		return listener, nil
	}
	listener, err := open("inbound.listen", r.Config.Inbound.Listen, "another program has the address, give inbound.listen another one")
	if err != nil {
		return webhooks, nil, err
	}
	webhooks = endpoint.New(listener, endpoint.Config{
		Handler: r.handler, AnswerWithin: endpoint.ReadTimeout + enrichTimeout + 3*ackTimeout, Connections: connections,
		TLS: r.certificate.settings(), ErrorLog: log.New(&connectionLog{metrics: r.metrics, log: r.Log}, "", 0),
	})
	var at net.Addr
	name, address := "http.listen", r.Config.HTTP.Listen
	if r.Monitor != "" {
		name, address = "--monitor", r.Monitor
	}
	if address != "" {
		listener, err := open(name, address, "another program has the address, perhaps run with the same file: give receive another one with --monitor")
		if err != nil {
			return webhooks, nil, errors.Join(err, webhooks.Listener.Close())
		}
		e := endpoint.New(listener, endpoint.Config{Handler: endpoint.Monitoring{Registry: r.metrics.registry, Ready: r.ready}.Handler(), AnswerWithin: endpoint.WriteTimeout, Log: r.Log})
		monitoring, at = &e, listener.Addr()
	}
	if r.Listening != nil {
		r.Listening(listener.Addr(), at)
	}
	return webhooks, monitoring, nil
}

// ready answers 503 while Kafka takes nothing and when the program stops, so that a load balancer
// takes other instances.
func (r *receiver) ready(w http.ResponseWriter, _ *http.Request) {
	status := http.StatusOK
	if r.handler.stopping.Load() || !r.writer.takes() {
		status = http.StatusServiceUnavailable
	}
	endpoint.Answer(w, status, map[string]any{"kafka": r.writer.takes(), "stopping": r.handler.stopping.Load()})
}

// connectionLog counts what a server says of connections that failed. The text may quote a client,
// so it is not passed on.
type connectionLog struct {
	metrics *metrics
	log     *slog.Logger
}

// Write implements io.Writer.
func (c *connectionLog) Write(text []byte) (int, error) {
	c.metrics.connectionErrors.Inc()
	if strings.Contains(string(text), "panic") {
		c.log.Error("serving a webhook panicked")
	}
	return len(text), nil
}

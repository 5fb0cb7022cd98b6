package demo

import (
	"context"
	_ "embed" // for the configuration
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr/srfake"
	"golang.org/x/sync/errgroup"

	"github.com/deskstream/deskstream/desk/all"
	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/codec"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/internal/service"
	"github.com/deskstream/deskstream/internal/stub"
	"github.com/deskstream/deskstream/internal/tally"
)

// configuration is the configuration file of the demo, without its destinations.
//
//go:embed demo.yaml
var configuration string

// delivery is how each destination of the demo delivers.
const delivery = `
delivery:
  timeout: 10s
  rate_limit: {requests: 60000, per: 1m, reserve: 0}
  retry: {initial: 50ms, max: 2s}`

// Options say what the demo does, and where it prints.
type Options struct {
	Out io.Writer // the table at the end
	Err io.Writer // addresses and how far it is
	Log *slog.Logger

	Events  int     // 0: until stopped
	Rate    float64 // events per second, 0: as fast as possible
	DataDir string
	Avro    bool
	Stub    stub.Config
}

// EndlessRate is the rate of a demo without an end, unless it is said otherwise: what
// it makes is kept in memory.
const EndlessRate = 100

// demo is a demo while it runs.
type demo struct {
	opts    Options
	cfg     *config.Config
	desk    *stub.Server
	stubURL string
	kgo     []kgo.Opt
	book    *tally.Book
	tail    *tally.Tail
	schemas *codec.Codec
	// encode makes a record's value from an event in JSON; nil keeps it.
	encode func([]byte) ([]byte, error)
	// service is the pipelines, wired as run does it.
	service *service.Service
	// before is how many events an earlier run has left on the source topic.
	before int
}

// Run runs a demo to its end and prints the table. Its error is nil when every event is
// accounted for.
func Run(ctx context.Context, opts Options) error {
	kafkaOptions := []kfake.Opt{kfake.NumBrokers(1)}
	if opts.DataDir != "" {
		kafkaOptions = append(kafkaOptions, kfake.DataDir(opts.DataDir))
	}
	kafka, err := kfake.NewCluster(kafkaOptions...)
	if err != nil {
		return fmt.Errorf("starting the broker: %w", err)
	}
	defer kafka.Close()
	desk := stub.New(opts.Stub, stubs()...)
	listening, err := stub.Listen(ctx, "127.0.0.1:0", desk)
	if err != nil {
		return err
	}
	defer listening.Close()
	cfg, err := demoConfig(kafka.ListenAddrs(), listening.URL)
	if err != nil {
		return err
	}
	if opts.Avro {
		fake := srfake.New()
		defer fake.Close()
		cfg.SchemaRegistry.URLs, cfg.SchemaRegistry.AutoRegister = []string{fake.URL()}, true
		cfg.Responses.Format = config.FormatAvro
	}
	d := &demo{opts: opts, cfg: cfg, desk: desk, stubURL: listening.URL}
	if d.schemas, err = codec.Open(cfg, opts.Log); err != nil {
		return err
	}
	defer d.schemas.Close()
	if err := d.prepare(ctx); err != nil {
		return err
	}
	defer d.tail.Close()
	if err := d.service.Listen(ctx); err != nil {
		return err
	}
	d.announce(kafka.ListenAddrs())
	return d.run(ctx)
}

// stubs are new stubs of all desks.
func stubs() []stub.API {
	var apis []stub.API
	for _, k := range all.Kinds() {
		apis = append(apis, k.Stub())
	}
	return apis
}

// demoConfig reads the demo's configuration for a broker and the help desks.
func demoConfig(brokers []string, stubURL string) (*config.Config, error) {
	var text strings.Builder
	text.WriteString(configuration)
	for _, k := range all.Kinds() {
		entry := "type: " + k.Name + "\n" + strings.TrimSpace(k.Demo(stubURL+k.Stub().Path())) + delivery
		text.WriteString("  - " + strings.ReplaceAll(entry, "\n", "\n    ") + "\n")
	}
	return config.Parse("demo.yaml", []byte(text.String()), func(name string) (string, bool) {
		return strings.Join(brokers, ","), name == "DEMO_BROKERS"
	})
}

// prepare creates the topics, wires the pipelines and starts to read the topics back.
func (d *demo) prepare(ctx context.Context) error {
	var err error
	if d.kgo, err = cluster.Options(d.cfg); err != nil {
		return err
	}
	client, err := kgo.NewClient(d.kgo...)
	if err != nil {
		return fmt.Errorf("setting up the client of the demo: %w", err)
	}
	defer client.Close()
	set := cluster.TopicsOf(d.cfg, d.cfg.Destinations...)
	if err := cluster.Create(ctx, client, set, d.opts.Log); err != nil {
		return err
	}
	if d.before, err = journal.CountRecords(ctx, client, set.Sources...); err != nil {
		return err
	}
	found, err := cluster.Verify(ctx, client, set, d.opts.Log)
	if err != nil {
		return err
	}
	if err := d.prepareSchemas(ctx); err != nil {
		return err
	}
	if d.service, err = service.New(service.Parts{
		Options: service.Options{Config: d.cfg, Log: d.opts.Log, AnyConsolePort: true}, Found: found, Codec: d.schemas, Connection: d.kgo,
	}); err != nil {
		return err
	}
	var destinations []tally.Destination
	for _, dest := range d.cfg.Destinations {
		destinations = append(destinations, tally.Destination{Name: dest.Name, Type: dest.Type, BaseURL: d.stubURL + d.desk.Desk(dest.Type).Path()})
	}
	reader, err := codec.NewReader(d.cfg)
	if err != nil {
		return err
	}
	d.book = tally.NewBook(reader, destinations...)
	d.book.Text = func(value []byte) []byte { return d.text(ctx, value) }
	topics := tally.Topics{Source: set.Sources, Responses: set.Responses, DeadLetters: set.DeadLetters}
	d.tail, err = tally.NewTail(ctx, d.book, topics, d.kgo...)
	return err
}

// prepareSchemas registers the schemas of a demo in Avro.
func (d *demo) prepareSchemas(ctx context.Context) error {
	if err := d.schemas.PrepareOutcomes(ctx, cluster.ContactTimeout); err != nil || !d.opts.Avro {
		return err
	}
	var err error
	d.encode, err = d.schemas.EventEncoder(ctx, d.cfg.Source.Topics[0])
	return err
}

// text returns a record's value as JSON, to count what came in.
func (d *demo) text(ctx context.Context, value []byte) []byte {
	text, err := codec.JSON(context.WithoutCancel(ctx), d.schemas.Outcomes, &kgo.Record{Value: value})
	if err != nil {
		return value // the account will not add up, and says where
	}
	return text
}

func (d *demo) announce(brokers []string) {
	output.Printf(d.opts.Err, "console   %s\n", d.service.ConsoleURL())
	output.Printf(d.opts.Err, "broker    %s\n", strings.Join(brokers, ","))
	for _, desk := range d.desk.Desks() {
		output.Printf(d.opts.Err, "%-9s %s\n", desk.Name(), d.stubURL+desk.Path())
	}
	output.Printf(d.opts.Err, "received  %s\nmetrics   http://%s/metrics\n", d.stubURL+"/_stub/received", d.service.Address())
}

// run lets the parts work until everything is settled, and prints the report. The pipelines
// and the reader outlive a stop of the demo: what came in is settled first.
func (d *demo) run(ctx context.Context) error {
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group, working := errgroup.WithContext(working)
	group.Go(func() error { return d.tail.Run(working) })
	group.Go(func() error { return d.service.Run(working) })
	group.Go(func() error {
		defer stop() // whatever happened, the others have no more to do
		if err := d.feed(ctx, working); err != nil {
			return err
		}
		return d.awaitSettled(working)
	})
	hide := d.show(working)
	err := group.Wait()
	hide()
	if err != nil && !errors.Is(err, errUnsettled) {
		return err
	}
	return d.report()
}

var errUnsettled = errors.New("some events were not settled in time")

// settleTimeout is how long nothing may be settled before the demo gives up waiting.
const settleTimeout = 2 * time.Minute

// settlePoll is the time between two checks of what is settled.
const settlePoll = 50 * time.Millisecond

// awaitSettled waits until everything on the source topic has its outcomes.
func (d *demo) awaitSettled(ctx context.Context) error {
	tick := time.NewTicker(settlePoll)
	defer tick.Stop()
	settled, since := -1, time.Now()
	for {
		caughtUp, err := d.tail.CaughtUp(ctx)
		if err != nil {
			return err
		}
		open, now := d.open()
		if caughtUp && open == 0 {
			return nil
		}
		if now != settled {
			settled, since = now, time.Now()
		}
		if time.Since(since) > settleTimeout {
			return errUnsettled
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil // another part failed, and says why
		}
	}
}

// open returns how many outcomes are missing and how many exist.
func (d *demo) open() (open, settled int) {
	for _, p := range d.book.Progress() {
		open += p.Events - p.Settled
		settled += p.Settled
	}
	return open, settled
}

// report prints what became of all events. Its error says that it does not add up.
func (d *demo) report() error {
	calls := map[string][]stub.Call{}
	for _, desk := range d.desk.Desks() {
		calls[desk.Name()] = desk.Received()
	}
	report := d.book.Report(calls)
	if err := report.Write(d.opts.Out); err != nil {
		return fmt.Errorf("printing the table: %w", err)
	}
	if !report.OK() {
		return errors.New("not every event is accounted for")
	}
	return nil
}

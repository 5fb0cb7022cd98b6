package main

import (
	"context"
	_ "embed" // for the configuration
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr/srfake"
	"golang.org/x/sync/errgroup"

	"github.com/deskstream/deskstream/cmd/deskstream/config"
	"github.com/deskstream/deskstream/internal/stub"
	"github.com/deskstream/deskstream/internal/tally"
)

// demoYAML is the configuration file of the demo.
//
//go:embed demo.yaml
var demoYAML []byte

// demoOptions are the flags of demo.
type demoOptions struct {
	events  int     // 0: until stopped
	rate    float64 // events per second, 0: as fast as possible
	dataDir string
	avro    bool
	stub    stub.Config
}

// endlessRate is the rate of a demo without an end, unless it is said otherwise: what
// it makes is kept in memory.
const endlessRate = 100

func newDemoCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Runs the whole thing in one process, with nothing to install",
		Long: `demo starts a Kafka broker, stub Trengo and Kustomer help desks, a generator of
realistic events and the processor, all in this process. At the end it prints what
came in and what became of it, counted from the topics and from what the help desks
received, and exits 0 only if every event is accounted for.`,
		Example: `  deskstream demo --events 5000 --fail-rate 0.01
  deskstream demo --rate 200 --latency 50ms --data-dir ./demo-data`,
		Args: cobra.NoArgs,
	}
	var opts demoOptions
	flags := cmd.Flags()
	flags.IntVar(&opts.events, "events", 0, "stop after this many events are settled (default: run until stopped)")
	flags.Float64Var(&opts.rate, "rate", 0, fmt.Sprintf("events per second, 0 as fast as possible (default: 0 with --events, else %d)", endlessRate))
	flags.StringVar(&opts.dataDir, "data-dir", "", "the `directory` that keeps the broker's data (default: memory)")
	flags.BoolVar(&opts.avro, "avro", false, "events and outcomes in Avro, with a schema registry in this process")
	stubFlags(cmd, &opts.stub)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if opts.events == 0 && !flags.Changed("rate") {
			opts.rate = endlessRate
		}
		if opts.events < 0 || opts.rate < 0 {
			return usageError{errors.New("--events and --rate cannot be negative")}
		}
		if err := opts.stub.Validate(); err != nil {
			return usageError{err}
		}
		if err := a.quieten(cmd); err != nil {
			return err
		}
		return a.demo(cmd.Context(), opts)
	}
	return cmd
}

// quieten leaves only warnings in the log unless a level was asked for: the demo's own
// lines are for people.
func (a *app) quieten(cmd *cobra.Command) error {
	if cmd.Flags().Changed("log-level") {
		return nil
	}
	log, err := newLogger(a.stderr, cmd.Flag("log-format").Value.String(), "warn")
	if err != nil {
		return err
	}
	a.log = log
	return nil
}

// demo is a demo's parts while it runs.
type demo struct {
	app     *app
	opts    demoOptions
	cfg     *config.Config
	desk    *stub.Server
	kgo     []kgo.Opt
	book    *tally.Book
	tail    *tally.Tail
	schemas *schemaBook
	// encode makes a record's value from an event in JSON; nil keeps it.
	encode func([]byte) ([]byte, error)
	// service is the pipelines, wired as run does it.
	service *service
	// before is how many events an earlier run left on the source topic.
	before int
}

// demo runs a demo to its end and prints the table.
func (a *app) demo(ctx context.Context, opts demoOptions) error {
	kafkaOptions := []kfake.Opt{kfake.NumBrokers(1)}
	if opts.dataDir != "" {
		kafkaOptions = append(kafkaOptions, kfake.DataDir(opts.dataDir))
	}
	kafka, err := kfake.NewCluster(kafkaOptions...)
	if err != nil {
		return fmt.Errorf("starting the broker: %w", err)
	}
	defer kafka.Close()
	desk := stub.New(opts.stub)
	listening, err := startStub(ctx, "127.0.0.1:0", desk)
	if err != nil {
		return err
	}
	defer listening.close()
	cfg, err := demoConfig(kafka.ListenAddrs(), listening.url)
	if err != nil {
		return err
	}
	if opts.avro {
		fake := srfake.New()
		defer fake.Close()
		cfg.SchemaRegistry.URLs, cfg.SchemaRegistry.AutoRegister = []string{fake.URL()}, true
		cfg.Responses.Format = config.FormatAvro
	}
	d := &demo{app: a, opts: opts, cfg: cfg, desk: desk}
	if d.schemas, err = openSchemas(cfg, a.log); err != nil {
		return err
	}
	defer d.schemas.close()
	if err := d.prepare(ctx); err != nil {
		return err
	}
	defer d.tail.Close()
	if err := d.service.listen(ctx); err != nil {
		return err
	}
	d.announce(kafka.ListenAddrs(), listening.url)
	return d.run(ctx)
}

// demoConfig reads the demo's configuration for a broker and the help desks.
func demoConfig(brokers []string, stubURL string) (*config.Config, error) {
	values := map[string]string{
		"DEMO_BROKERS": strings.Join(brokers, ","), "DEMO_STUB": stubURL,
		"DEMO_TRENGO_TOKEN": "demo-trengo", "DEMO_KUSTOMER_KEY": "demo-kustomer",
	}
	return config.Parse("demo.yaml", demoYAML, func(name string) (string, bool) {
		value, ok := values[name]
		return value, ok
	})
}

// prepare creates the topics, wires the pipelines and begins to read the topics back.
func (d *demo) prepare(ctx context.Context) error {
	var err error
	if d.kgo, err = kafkaOpts(d.cfg); err != nil {
		return err
	}
	client, err := kgo.NewClient(d.kgo...)
	if err != nil {
		return fmt.Errorf("setting up the client of the demo: %w", err)
	}
	defer client.Close()
	set := topicSet{sources: d.cfg.Source.Topics, responses: d.cfg.Responses.Topic, deadLetters: d.cfg.DeadLetters.Topic}
	if err := createTopics(ctx, client, set, d.app.log); err != nil {
		return err
	}
	if d.before, err = recordsOn(ctx, client, set.sources...); err != nil {
		return err
	}
	found, err := verifyTopics(ctx, client, set, d.app.log)
	if err != nil {
		return err
	}
	if err := d.prepareSchemas(ctx); err != nil {
		return err
	}
	if d.service, err = newService(d.cfg, nil, found, d.app.log, d.schemas, d.kgo); err != nil {
		return err
	}
	var destinations []tally.Destination
	for _, dest := range d.cfg.Destinations {
		destinations = append(destinations, tally.Destination{Name: dest.Name, Type: dest.Type, BaseURL: dest.BaseURL()})
	}
	reader, err := eventReader(d.cfg)
	if err != nil {
		return err
	}
	d.book = tally.NewBook(reader, destinations...)
	d.book.Text = func(value []byte) []byte { return d.text(ctx, value) }
	topics := tally.Topics{Source: set.sources, Responses: set.responses, DeadLetters: set.deadLetters}
	d.tail, err = tally.NewTail(ctx, d.book, topics, d.kgo...)
	return err
}

// prepareSchemas registers the schemas of a demo in Avro.
func (d *demo) prepareSchemas(ctx context.Context) error {
	if err := d.schemas.prepareOutcomes(ctx, d.cfg, contactTimeout, d.app.log); err != nil || !d.opts.avro {
		return err
	}
	var err error
	d.encode, err = d.schemas.eventEncoder(ctx, d.cfg, d.cfg.Source.Topics[0], d.app.log)
	return err
}

// text is a record's value as JSON, for the account of what came in.
func (d *demo) text(ctx context.Context, value []byte) []byte {
	text, err := asJSON(context.WithoutCancel(ctx), d.schemas.outcomes, &kgo.Record{Value: value})
	if err != nil {
		return value // the account will not add up, and says where
	}
	return text
}

func (d *demo) announce(brokers []string, stubURL string) {
	fmt.Fprintf(d.app.stderr, "broker    %s\ntrengo    %s\nkustomer  %s\nreceived  %s\nmetrics   http://%s/metrics\n",
		strings.Join(brokers, ","), stubURL+stub.TrengoPath, stubURL+stub.KustomerPath, stubURL+"/_stub/received",
		d.service.endpoints[0].listener.Addr())
}

// run lets the parts work until everything is settled, and reports. The processor and
// the reader outlive a stop of the demo: what came in is settled first.
func (d *demo) run(ctx context.Context) error {
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group, working := errgroup.WithContext(working)
	group.Go(func() error { return d.tail.Run(working) })
	group.Go(func() error { return d.service.run(working) })
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

// settlePoll is the time between two looks at what is settled.
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

// open is how many outcomes are missing and how many there are.
func (d *demo) open() (open, settled int) {
	for _, p := range d.book.Progress() {
		open += p.Events - p.Settled
		settled += p.Settled
	}
	return open, settled
}

// report prints what became of everything; an error if it does not add up.
func (d *demo) report() error {
	calls := map[string][]stub.Call{stub.TrengoName: d.desk.Trengo.Received(), stub.KustomerName: d.desk.Kustomer.Received()}
	report := d.book.Report(calls)
	if err := report.Write(d.app.stdout); err != nil {
		return fmt.Errorf("printing the table: %w", err)
	}
	if !report.OK() {
		return &exitError{Code: exitFault, Err: errors.New("not every event is accounted for")}
	}
	return nil
}

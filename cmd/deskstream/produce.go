package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/codec"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/mapping"
)

// recordTimeout is how long one record may take to be acknowledged.
const recordTimeout = time.Minute

// What kgo takes for the size of a batch.
const (
	minProduceBytes = 512
	maxProduceBytes = 64 << 20
)

func newProduceCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "produce -c FILE [EVENTS]",
		Short: "Loads events from a file into the source topic",
		Long: `produce reads events as NDJSON from EVENTS or standard input and writes each to
the first source topic, acknowledged by all replicas, with the value of its lane
as key. Lines without an event, a JSON object in its place, and those that are larger
than the topic takes are refused, named on standard error and left out; --raw takes
every line as it is.

--sample makes up events of a web shop instead, some of them broken on purpose, until
there are --events or it is stopped. It refuses a configuration that names a real help
desk: each would become a contact or ticket there.`,
		Example: `  deskstream produce -c deskstream.yaml events.ndjson
  zcat export.gz | deskstream produce -c deskstream.yaml --topic events.import -
  deskstream produce -c deskstream.yaml --sample --rate 5`,
		Args: cobra.MaximumNArgs(1),
	}
	path := configFlag(cmd)
	inAvro := cmd.Flags().Bool("avro", false, "write in Avro, by the schema of source.schema_file or the example's, with its id if there is a registry")
	raw := cmd.Flags().Bool("raw", false, "take lines without an event too")
	topic := cmd.Flags().String("topic", "", "write to this topic instead of the first source topic")
	var opts sampleOptions
	sampleFlags(cmd, &opts)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := opts.validate(cmd, args); err != nil {
			return &config.FlagError{Err: err}
		}
		cfg, err := a.loadConfig(*path)
		if err != nil {
			return err
		}
		if err := opts.permit(cfg); err != nil {
			return &config.FlagError{Err: err}
		}
		if *raw && *inAvro {
			return &config.FlagError{Err: errors.New("--raw and --avro exclude each other: Avro holds events only")}
		}
		reader, err := codec.NewReader(cfg)
		if err != nil {
			return err
		}
		l := &loading{app: a, cfg: cfg, reader: reader, raw: *raw, avro: *inAvro, topic: *topic, sample: opts}
		if l.topic == "" {
			l.topic = cfg.Source.Topics[0]
		}
		return l.run(cmd.Context(), args)
	}
	return cmd
}

// loading is one run of produce.
type loading struct {
	app    *app
	cfg    *config.Config
	reader *mapping.Reader
	raw    bool
	avro   bool
	topic  string
	// sample says what to make up instead of reading it.
	sample sampleOptions

	// encode makes a record's value from a line.
	encode func([]byte) ([]byte, error)

	// maxBytes is the topic's max.message.bytes: what a batch may hold.
	maxBytes atomic.Int32

	mu       sync.Mutex
	produced int
	refused  int
}

func (l *loading) run(ctx context.Context, args []string) error {
	feed, closeEvents, err := l.source(args)
	if err != nil {
		return err
	}
	defer closeEvents()
	l.maxBytes.Store(cluster.DefaultMaxMessageBytes)
	// kgo's producer is idempotent and waits for all replicas unless told otherwise.
	cl, err := cluster.Connect(ctx, l.cfg, l.app.log, kgo.DefaultProduceTopic(l.topic), kgo.RecordDeliveryTimeout(recordTimeout),
		kgo.ProducerBatchMaxBytesFn(func(string) int32 { return l.maxBytes.Load() }))
	if err != nil {
		return err
	}
	defer cl.Close()
	if err := l.prepare(ctx); err != nil {
		return err
	}
	info := cluster.Describe(ctx, cl, l.topic, cluster.Topic{MaxMessageBytes: cluster.DefaultMaxMessageBytes}, l.app.log)
	l.maxBytes.Store(min(max(info.MaxMessageBytes, minProduceBytes), maxProduceBytes))
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := output.Progress(l.app.stderr, l.progress)
	err = feed(ctx, cl, func(line int, record *kgo.Record) {
		cl.Produce(ctx, record, func(_ *kgo.Record, err error) { l.acknowledged(cancel, line, err) })
	})
	if flushErr := cl.Flush(ctx); err == nil && flushErr != nil {
		err = context.Cause(ctx)
	}
	stop()
	return l.conclude(ctx, err)
}

// feedFunc gives the records to produce, one after the other.
type feedFunc func(ctx context.Context, cl *kgo.Client, produce produceFunc) error

// produceFunc hands a record to the client, with the number of its line, 0 for none.
type produceFunc func(line int, record *kgo.Record)

// source is where the records come from: the generator, a file or standard input.
func (l *loading) source(args []string) (feed feedFunc, closeEvents func(), err error) {
	if l.sample.on {
		return l.madeUp, func() {}, nil
	}
	events, err := l.app.openEvents(args)
	if err != nil {
		return nil, nil, err
	}
	fromLines := func(ctx context.Context, _ *kgo.Client, produce produceFunc) error {
		return eachLine(ctx, events, func(line line) error { l.load(line, produce); return nil })
	}
	return fromLines, func() { _ = events.Close() }, nil
}

// prepare decides how lines become values.
func (l *loading) prepare(ctx context.Context) error {
	l.encode = func(text []byte) ([]byte, error) {
		if l.raw {
			return text, nil
		}
		_, err := l.reader.Event(mapping.JSON, text)
		return text, err
	}
	if !l.avro {
		return nil
	}
	book, err := codec.Open(l.cfg, l.app.log)
	if err != nil {
		return &config.UsageError{Err: err}
	}
	defer book.Close()
	l.encode, err = book.EventEncoder(ctx, l.topic)
	return err
}

// load produces one line, if it is an event.
func (l *loading) load(line line, produce produceFunc) {
	value, err := l.encode(line.text)
	if err != nil {
		l.refuse(line.number, err)
		return
	}
	record := &kgo.Record{Value: value}
	if lane := l.reader.Lane(mapping.JSON, line.text, nil); lane != "" {
		record.Key = []byte(lane)
	}
	produce(line.number, record)
}

// refuse names a line that is left out.
func (l *loading) refuse(line int, why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused++
	output.Printf(l.app.stderr, "refused: line %d: %v\n", line, why)
}

// acknowledged takes in what became of a record. One that is too large is its line's
// own fault; any other that cannot be written cancels the rest.
func (l *loading) acknowledged(cancel context.CancelCauseFunc, line int, err error) {
	switch {
	case err == nil:
		l.mu.Lock()
		defer l.mu.Unlock()
		l.produced++
	case line > 0 && errors.Is(err, kerr.MessageTooLarge):
		l.refuse(line, fmt.Errorf("it is too large for topic %s: its max.message.bytes limits the event with its key", l.topic))
	default:
		cancel(fmt.Errorf("producing to %s: %w", l.topic, cluster.ExplainTopic(err, kmsg.ACLOperationWrite, l.topic)))
	}
}

func (l *loading) progress() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return output.Count(l.produced, "event") + " produced"
}

// conclude says what was done and gives the error that the command ends with.
func (l *loading) conclude(ctx context.Context, err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if cause := context.Cause(ctx); cause != nil {
		err = cause // why the first record failed, not that the others were given up
	}
	output.Printf(l.app.stderr, "%s produced to %s\n", output.Count(l.produced, "event"), l.topic)
	switch {
	case errors.Is(err, context.Canceled) && l.sample.endless():
		return nil // nothing else could end it
	case errors.Is(err, context.Canceled):
		return errors.New("stopped before the end of the events")
	case err != nil:
		return err
	case l.refused > 0:
		return fmt.Errorf("%s refused", output.Count(l.refused, "line"))
	}
	return nil
}

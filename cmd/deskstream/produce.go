package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/cmd/deskstream/config"
	"github.com/deskstream/deskstream/mapping"
)

// recordTimeout is how long one record may take to be acknowledged.
const recordTimeout = time.Minute

func newProduceCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "produce -c FILE [EVENTS]",
		Short: "Loads events from a file into the source topic",
		Long: `produce reads events as NDJSON from EVENTS or standard input and writes each to
the first source topic, acknowledged by all replicas, with the value of its lane
as key. Lines without an event, a JSON object in its place, are refused, named on
standard error and left out, and the exit code is 1 then; --raw takes every line as it
is.

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
			return usageError{err}
		}
		cfg, err := a.loadConfig(*path)
		if err != nil {
			return err
		}
		if err := opts.permit(cfg); err != nil {
			return usageError{err}
		}
		if *raw && *inAvro {
			return usageError{errors.New("--raw and --avro exclude each other: Avro holds events only")}
		}
		reader, err := eventReader(cfg)
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
	// kgo's producer is idempotent and waits for all replicas unless told otherwise.
	cl, err := connect(ctx, l.cfg, l.app.log, kgo.DefaultProduceTopic(l.topic), kgo.RecordDeliveryTimeout(recordTimeout))
	if err != nil {
		return err
	}
	defer cl.Close()
	if err := l.prepare(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := startProgress(l.app.stderr, l.progress)
	err = feed(ctx, cl, func(record *kgo.Record) { l.produce(ctx, cancel, cl, record) })
	if flushErr := cl.Flush(ctx); err == nil && flushErr != nil {
		err = context.Cause(ctx)
	}
	stop()
	return l.conclude(ctx, err)
}

// feedFunc gives the records to produce, one after the other.
type feedFunc func(ctx context.Context, cl *kgo.Client, produce func(*kgo.Record)) error

// source is where the records come from: the generator, a file or standard input.
func (l *loading) source(args []string) (feed feedFunc, closeEvents func(), err error) {
	if l.sample.on {
		return l.madeUp, func() {}, nil
	}
	events, err := l.app.openEvents(args)
	if err != nil {
		return nil, nil, err
	}
	fromLines := func(ctx context.Context, _ *kgo.Client, produce func(*kgo.Record)) error {
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
	book, err := openSchemas(l.cfg, l.app.log)
	if err != nil {
		return &exitError{Code: exitUsage, Err: err}
	}
	defer book.close()
	l.encode, err = book.eventEncoder(ctx, l.cfg, l.topic, l.app.log)
	return err
}

// load produces one line, if it is an event.
func (l *loading) load(line line, produce func(*kgo.Record)) {
	value, err := l.encode(line.text)
	if err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.refused++
		fmt.Fprintf(l.app.stderr, "refused: line %d: %v\n", line.number, err)
		return
	}
	record := &kgo.Record{Value: value}
	if lane := l.reader.Lane(mapping.JSON, line.text, nil); lane != "" {
		record.Key = []byte(lane)
	}
	produce(record)
}

// produce hands a record to the client. One that cannot be written cancels the rest.
func (l *loading) produce(ctx context.Context, cancel context.CancelCauseFunc, cl *kgo.Client, record *kgo.Record) {
	cl.Produce(ctx, record, func(_ *kgo.Record, err error) {
		if err != nil {
			cancel(fmt.Errorf("producing to %s: %w", l.topic, explainTopic(err, kmsg.ACLOperationWrite, l.topic)))
			return
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.produced++
	})
}

func (l *loading) progress() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return count(l.produced, "event") + " produced"
}

// conclude says what was done and gives the error that the command ends with.
func (l *loading) conclude(ctx context.Context, err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if cause := context.Cause(ctx); cause != nil {
		err = cause // why the first record failed, not that the others were given up
	}
	fmt.Fprintf(l.app.stderr, "%s produced to %s\n", count(l.produced, "event"), l.topic)
	switch {
	case errors.Is(err, context.Canceled) && l.sample.endless():
		return nil // nothing else could end it
	case errors.Is(err, context.Canceled):
		return errors.New("stopped before the end of the events")
	case err != nil:
		return err
	case l.refused > 0:
		return fmt.Errorf("%s refused", count(l.refused, "line"))
	}
	return nil
}

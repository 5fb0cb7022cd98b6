package produce

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/codec"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/ndjson"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/mapping"
)

// recordTimeout is how long one record may take to be acknowledged.
const recordTimeout = time.Minute

// The batch sizes in bytes that kgo takes.
const (
	minProduceBytes = 512
	maxProduceBytes = 64 << 20
)

// Options say what to write, and where.
type Options struct {
	Config *config.Config
	Log    *slog.Logger
	// Topic is the topic to write to, the first source topic if empty.
	Topic string
	// Events are NDJSON. They are not read when Sample is set.
	Events io.Reader
	Sample *Sample
	// Raw takes lines that are not events, too. Avro, without it, writes in Avro.
	Raw, Avro bool
	// Notes gets one line for each line that is refused, and what was produced.
	Notes io.Writer
}

// Run writes the events. Its error is nil when all of them were acknowledged. Faults in the
// configuration are config.UsageErrors or config.FlagErrors.
func Run(ctx context.Context, o Options) error {
	if o.Topic == "" {
		o.Topic = o.Config.Source.Topics[0]
	}
	if o.Sample != nil {
		if err := permitSample(o.Config); err != nil {
			return &config.FlagError{Err: err}
		}
	}
	newReader := codec.NewReader
	if slices.Contains(o.Config.CallsTopics(), o.Topic) {
		newReader = codec.NewCallReader
	}
	reader, err := newReader(o.Config)
	if err != nil {
		return err
	}
	r := &run{Options: o, reader: reader}
	return r.produce(ctx)
}

// run is one Run.
type run struct {
	Options

	reader *mapping.Reader
	// encode makes a record's value from an event in JSON.
	encode func([]byte) ([]byte, error)
	// maxBytes is the topic's max.message.bytes, which limits a batch.
	maxBytes atomic.Int32

	mu       sync.Mutex
	produced int
	refused  int
}

func (r *run) produce(ctx context.Context) error {
	r.maxBytes.Store(cluster.DefaultMaxMessageBytes)
	// kgo's producer is idempotent and waits for all replicas unless told otherwise.
	cl, err := cluster.Connect(ctx, r.Config, r.Log, kgo.DefaultProduceTopic(r.Topic), kgo.RecordDeliveryTimeout(recordTimeout),
		kgo.ProducerBatchMaxBytesFn(func(string) int32 { return r.maxBytes.Load() }))
	if err != nil {
		return err
	}
	defer cl.Close()
	if err := r.prepare(ctx); err != nil {
		return err
	}
	info := cluster.Describe(ctx, cl, r.Topic, cluster.Topic{MaxMessageBytes: cluster.DefaultMaxMessageBytes}, r.Log)
	r.maxBytes.Store(min(max(info.MaxMessageBytes, minProduceBytes), maxProduceBytes))
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := output.Progress(r.Notes, r.progress)
	err = r.feed(ctx, cl, func(line int, record *kgo.Record) {
		cl.Produce(ctx, record, func(_ *kgo.Record, err error) { r.acknowledged(cancel, line, err) })
	})
	_ = cl.Flush(ctx) // it fails only when ctx ends, which conclude finds
	stop()
	return r.conclude(ctx, err)
}

// prepare decides how events become values.
func (r *run) prepare(ctx context.Context) error {
	r.encode = func(text []byte) ([]byte, error) {
		if r.Raw {
			return text, nil
		}
		_, err := r.reader.Event(mapping.JSON, text)
		return text, err
	}
	if !r.Avro {
		return nil
	}
	book, err := codec.Open(r.Config, r.Log)
	if err != nil {
		return &config.UsageError{Err: err}
	}
	defer book.Close()
	r.encode, err = book.EventEncoder(ctx, r.Topic)
	return err
}

// produceFunc hands a record to the client, with the number of its line, 0 for none.
type produceFunc func(line int, record *kgo.Record)

// feed produces the records one after the other.
func (r *run) feed(ctx context.Context, cl *kgo.Client, produce produceFunc) error {
	if r.Sample != nil {
		return r.makeUp(ctx, cl, produce)
	}
	return ndjson.Each(ctx, r.Events, func(l ndjson.Line) error {
		value, err := r.encode(l.Text)
		if err != nil {
			r.refuse(l.Number, err)
			return nil
		}
		record := &kgo.Record{Value: value}
		if lane := r.reader.Lane(mapping.JSON, l.Text, nil); lane != "" {
			record.Key = []byte(lane)
		}
		produce(l.Number, record)
		return nil
	})
}

// refuse notes a line that is left out.
func (r *run) refuse(line int, why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refused++
	output.Printf(r.Notes, "refused: line %d: %v\n", line, why)
}

// acknowledged takes what became of a record. One that is too large is the fault of its line;
// any other that cannot be written cancels the rest.
func (r *run) acknowledged(cancel context.CancelCauseFunc, line int, err error) {
	switch {
	case err == nil:
		r.mu.Lock()
		defer r.mu.Unlock()
		r.produced++
	case line > 0 && errors.Is(err, kerr.MessageTooLarge):
		r.refuse(line, fmt.Errorf("it is too large for topic %s: its max.message.bytes limits the event with its key", r.Topic))
	default:
		cancel(fmt.Errorf("producing to %s: %w", r.Topic, cluster.ExplainTopic(err, kmsg.ACLOperationWrite, r.Topic)))
	}
}

func (r *run) progress() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return output.Count(r.produced, "event") + " produced"
}

// conclude notes what was done and returns why some of it was not.
func (r *run) conclude(ctx context.Context, err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if cause := context.Cause(ctx); cause != nil {
		err = cause // why the first record failed, not that the others were cancelled
	}
	output.Printf(r.Notes, "%s produced to %s\n", output.Count(r.produced, "event"), r.Topic)
	switch {
	case errors.Is(err, context.Canceled) && r.Sample.endless():
		return nil // nothing else could end it
	case errors.Is(err, context.Canceled):
		return errors.New("stopped before the end of the events")
	case err != nil:
		return err
	case r.refused > 0:
		return fmt.Errorf("%s refused", output.Count(r.refused, "line"))
	}
	return nil
}

package topics

import (
	"context"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/traces"
)

// Writer writes the outcomes and dead letters of one pipeline. It may be used by
// many goroutines.
type Writer struct {
	cfg     Config
	cl      *kgo.Client
	log     *slog.Logger
	own     identity
	outcome *target
	letter  *target
	key     *target // nil where no rule has keys
	held    held
}

// NewWriter makes a Writer on a client that acknowledges by all replicas, writes
// idempotently, has kgo.ManualPartitioner, no linger, and knows each topic's max.message.bytes
// (kgo.ProducerBatchMaxBytesFn). The client stays the caller's to close.
func NewWriter(cfg Config, cl *kgo.Client, log *slog.Logger) *Writer {
	w := &Writer{
		cfg: cfg,
		cl:  cl,
		log: log,
		own: identity{group: []byte(cfg.Group), destination: []byte(cfg.Destination)},
	}
	w.outcome, w.letter = newTarget(cfg.Responses, log, &w.cfg), newTarget(cfg.DeadLetters, log, &w.cfg)
	if cfg.Keys != "" {
		w.key = newTarget(cfg.Keys, log, &w.cfg)
	}
	return w
}

// Backlogs are what is on its way to each of the topics, by their names.
func (w *Writer) Backlogs() map[string]Backlog {
	backlogs := map[string]Backlog{w.outcome.topic: w.outcome.backlog(), w.letter.topic: w.letter.backlog()}
	if w.key != nil {
		backlogs[w.key.topic] = w.key.backlog()
	}
	return backlogs
}

// Entry is one settled event on its way to the topics.
type Entry struct {
	// Source is the record as it was read: its coordinates and leader epoch, its
	// timestamp (zero for an unknown one, see sink.KnownTime) and the type of it, key, value
	// and headers. For a reprocessed letter
	// it is the original record again, with the original's coordinates, but with all
	// of the letter's headers: those that the previous round added are taken off here.
	Source *kgo.Record
	// Origin says of which topic Source is. For a reprocessed letter it is what the letter
	// says.
	Origin Origin
	// Lane is the lane's value, "" when the record stands alone.
	Lane string
	// Outcome is complete but for DLQID, which Write fills in, and At, which Write
	// sets to the present if it is zero. The outcome itself is not changed, nor may
	// it be by others until done was called.
	Outcome *sink.Outcome

	// Round is that of a progress; an outcome has its own.
	Round int
	// Progress is what is on record of the event, nil for nothing.
	Progress *sink.Progress

	// FirstAttempt and LastAttempt are when the first and last call were sent, zero
	// without one; Attempts counts all of them.
	FirstAttempt, LastAttempt time.Time
	Attempts                  int
	// MayWait says that nothing waits for this entry to be written, so that its records
	// may wait a moment for others, to go in one request.
	MayWait bool
	// Plan names the plan of a reprocessing, "" for a live delivery.
	Plan string
	// ConfigHash says in a letter by which configuration it failed. It is left out when empty.
	ConfigHash string
	// Trace is the event's, nil for none: then what the source record says of its trace stays.
	Trace *traces.Event

	// Partitions returns the topics' numbers of partitions as they were found when the
	// source partition was assigned, or when a topic was recreated since. It is asked
	// each time that a record is made. Below 1 they count as 1, and nil is 1 of each.
	Partitions func() (responses, deadLetters int32)
}

func (e *Entry) partitions() (responses, deadLetters int32) {
	if e.Partitions == nil {
		return 1, 1
	}
	return e.Partitions()
}

// Write produces the dead letter, if the outcome is dead, and once that is
// acknowledged the outcome. It does not block.
//
// done is called once, from a goroutine of the client or of a timer, with the
// outcome's offset: -1 in the rare case that the broker acknowledged it as one that it
// already had. It is called with an error, the cause of ctx's end, only when ctx ended
// first; what was produced by then may be acknowledged all the same. It must not take
// long, and what calls Write in it does so in a goroutine, as kgo asks of promises.
func (w *Writer) Write(ctx context.Context, e Entry, done func(offset int64, err error)) {
	out := e.Outcome
	if out.At.IsZero() {
		out = new(*out)
		out.At = sink.Time{Time: time.Now()}
	}
	if out.Outcome != sink.Dead {
		w.writeOutcome(ctx, &e, out, done)
		return
	}
	out = new(*out)
	began := time.Now()
	l := w.newLetter(&e, out, began)
	out.DLQID = &l.id
	w.begin(&parcel{
		ctx: ctx, target: w.letter, source: e.Source,
		build: l.record, smallest: letterTerse,
		done: func(_ int64, err error) {
			if err != nil {
				done(-1, err)
				return
			}
			e.Trace.Sent(w.letter.topic, began)
			go w.writeOutcome(ctx, &e, out, done) // a promise may not produce itself, kgo says
		},
	}, e.MayWait)
}

// place is where the event was read first.
func (e *Entry) place() Place {
	return Place{
		Origin: e.Origin, Topic: e.Source.Topic, Partition: e.Source.Partition, Offset: e.Source.Offset, Epoch: e.Source.LeaderEpoch,
	}
}

// targetPartition keeps what is in one source partition in one partition of a topic
// with n of them, and in order.
func targetPartition(src *kgo.Record, n int32) int32 { return src.Partition % max(n, 1) }

func (w *Writer) writeOutcome(ctx context.Context, e *Entry, out *sink.Outcome, done func(int64, error)) {
	if e.Trace != nil {
		done = w.traced(e.Trace, done)
	}
	w.begin(&parcel{
		ctx: ctx, target: w.outcome, source: e.Source,
		build:    func(form int) *kgo.Record { return w.outcomeRecord(e, out, form) },
		smallest: outcomeShortKey,
		done:     done,
	}, e.MayWait)
}

// traced puts the write of an outcome into the event's trace, when it is acknowledged.
func (w *Writer) traced(e *traces.Event, done func(int64, error)) func(int64, error) {
	began := time.Now()
	return func(offset int64, err error) {
		if err == nil {
			e.Sent(w.outcome.topic, began)
		}
		done(offset, err)
	}
}

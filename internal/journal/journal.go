package journal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/codec"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink/topics"
)

// Journal reads the topics of one deployment. It has looked at the dead-letter topic.
type Journal struct {
	Options

	Client *kgo.Client
	// Codec reads events and outcomes, in JSON or in Avro, as run does.
	Codec  *codec.Codec
	Reader *mapping.Reader
	// CallReader reads calls over Kafka, InboundReader what help desks send.
	CallReader, InboundReader *mapping.Reader

	// Cluster is the cluster's id, TopicID that of the dead-letter topic.
	Cluster string
	TopicID kadm.TopicID
	// Extent is the part of the dead-letter topic to read.
	Extent Extent

	// Topology describes the dead-letter topic and the topic of states.
	Topology   cluster.Topology
	StateTopic string
	States     letters.States
	// StatePartitions is 0 when the topic of states does not exist.
	StatePartitions int32

	// Wanted are values of a filter that a letter has to have.
	Wanted []*Wanted
	// Looked, if set, is called for each record of the dead-letter topic.
	Looked func()
}

// Options say what to read, and where notes and progress go.
type Options struct {
	Config *config.Config
	Log    *slog.Logger
	// Topic is the dead-letter topic to read, the configuration's if empty.
	Topic string
	// Notes gets one line for each reason why the topics are not the whole truth, and progress
	// if it is a terminal.
	Notes io.Writer
}

// Open connects to the cluster and looks at the dead-letter topic. Faults in the
// configuration are config.UsageErrors. The caller must call Close.
func Open(ctx context.Context, o Options) (*Journal, error) {
	if o.Topic == "" {
		o.Topic = o.Config.DeadLetters.Topic
	}
	reader, err := codec.NewReader(o.Config)
	if err != nil {
		return nil, err
	}
	callReader, err := codec.NewCallReader(o.Config)
	if err != nil {
		return nil, err
	}
	inboundReader, err := codec.NewInboundReader(o.Config)
	if err != nil {
		return nil, err
	}
	book, err := codec.Open(o.Config, o.Log)
	if err != nil {
		return nil, &config.UsageError{Err: err}
	}
	cl, err := cluster.Connect(ctx, o.Config, o.Log)
	if err != nil {
		book.Close()
		return nil, err
	}
	j := &Journal{
		Options: o, Client: cl, Codec: book, Reader: reader, CallReader: callReader, InboundReader: inboundReader,
		StateTopic: cluster.Topics{DeadLetters: o.Topic}.States(),
	}
	if err := j.look(ctx); err != nil {
		j.Close()
		return nil, err
	}
	return j, nil
}

// IsCalls reports whether a topic has calls over Kafka.
func (j *Journal) IsCalls(topic string) bool { return slices.Contains(j.Config.CallsTopics(), topic) }

// CorrelationID returns that of a call over Kafka, "" for any other record.
func (j *Journal) CorrelationID(r *kgo.Record) string {
	if !j.IsCalls(r.Topic) {
		return ""
	}
	return correlations.Lane(mapping.JSON, r.Value, nil)
}

// correlations reads the correlation id of a call, as it would a lane.
var correlations = func() *mapping.Reader {
	r, err := mapping.NewReader(mapping.Layout{Lane: []string{"correlationId"}, NoIDs: mapping.NoIDs{}})
	if err != nil {
		panic(err) // it has neither other names nor a place
	}
	return r
}()

// ReaderOf returns what reads a record of a topic, or a letter of it. The error is that of asking
// for its schema.
func (j *Journal) ReaderOf(ctx context.Context, topic string, r *kgo.Record) (*mapping.Reader, mapping.Decoder, error) {
	if j.IsCalls(topic) {
		return j.CallReader, mapping.JSON, nil
	}
	if j.Config.IsInbound(topic) {
		return j.InboundReader, mapping.JSON, nil
	}
	decoder, err := j.Codec.Events.Try(ctx, r)
	return j.Reader, decoder, err
}

// Close ends the client of the cluster and that of the schema registry.
func (j *Journal) Close() {
	j.Client.Close()
	j.Codec.Close()
}

// Connect makes a client of the cluster with further options.
func (j *Journal) Connect(ctx context.Context, opts ...kgo.Opt) (*kgo.Client, error) {
	return cluster.Connect(ctx, j.Config, j.Log, opts...)
}

// Note writes one note.
func (j *Journal) Note(format string, args ...any) {
	output.Printf(j.Notes, "note: "+format+"\n", args...)
}

func (j *Journal) look(ctx context.Context) error {
	found, err := cluster.Find(ctx, j.Client, []string{j.Topic, j.StateTopic})
	if err == nil {
		err = errors.Join(found.Need(j.Topic, kmsg.ACLOperationRead), found.Need(j.StateTopic, kmsg.ACLOperationRead))
	}
	if err != nil {
		return err
	}
	j.Topology = found
	info, ok := found.Topics[j.Topic]
	if !ok {
		return fmt.Errorf("topic %s does not exist on this cluster: no letter can have been written to it; is dead_letters.topic or --topic right?", j.Topic)
	}
	j.Cluster, j.TopicID = found.ID, info.ID
	if slices.Contains(cluster.Describe(ctx, j.Client, j.Topic, info, j.Log).Cleanup, "compact") {
		j.Note("topic %s is compacted: of letters with the same key only the latest is kept, the others are lost; set cleanup.policy=delete", j.Topic)
	}
	if j.Extent, err = Find(ctx, j.Client, j.Topic); err != nil {
		return err
	}
	if offsets, partitions := j.Extent.Expired(); offsets > 0 {
		j.Note("the first %d offsets of %s of %s were deleted, by its retention or by hand: letters in them are not seen",
			offsets, output.Count(partitions, "partition"), j.Topic)
	}
	j.StatePartitions = found.Topics[j.StateTopic].Partitions
	return nil
}

// ReadStates reads the states of the letters. Without a topic of states all letters are open;
// a note says so for the configured dead-letter topic.
func (j *Journal) ReadStates(ctx context.Context) error {
	j.States = make(letters.States)
	if j.StatePartitions == 0 {
		if j.Topic != j.Config.DeadLetters.Topic {
			return nil
		}
		j.Note("topic %s does not exist: every letter counts as open, also one that was sent again or discarded if the topic was deleted; "+
			"dlq apply, dlq discard and run create it with --create-topics", j.StateTopic)
		return nil
	}
	extent, err := Find(ctx, j.Client, j.StateTopic)
	if err != nil {
		return err
	}
	var of [letters.Foreign + 1]int
	var newest string
	err = Read(ctx, j.Connect, func(r *kgo.Record) error {
		origin := j.States.Take(r)
		of[origin]++
		if origin == letters.Newer {
			newest = fmt.Sprintf("partition %d, offset %d", r.Partition, r.Offset)
		}
		return nil
	}, extent)
	if n := of[letters.Foreign]; n > 0 {
		j.Note("%s of %s not the state of a letter and left out: written by another program?", output.Count(n, "record"), j.StateTopic)
	}
	if n := of[letters.Newer]; n > 0 {
		j.Note("%s of %s written by a newer version of deskstream, the last at %s: use that version to see all of it", output.Count(n, "record"), j.StateTopic, newest)
	}
	return err
}

// StateOf returns the state of a letter, the zero State if it has none.
func (j *Journal) StateOf(l *letters.Letter) letters.State {
	s, _ := StateOf(j.States, l, topics.TopicID(j.TopicID))
	return s
}

// StatusOf returns the status of a letter, Open if it has no state.
func (j *Journal) StatusOf(l *letters.Letter) letters.Status {
	return cmp.Or(j.StateOf(l).Status, letters.Open)
}

// Pick calls fn once with each letter that the picker takes, and with its status.
func (j *Journal) Pick(ctx context.Context, picker letters.Picker, fn func(*kgo.Record, *letters.Letter, letters.Status) error) error {
	if err := j.narrow(ctx, picker.Since()); err != nil {
		return err
	}
	if err := j.ReadStates(ctx); err != nil {
		return err
	}
	known := NewLetters()
	err := j.ReadLetters(ctx, func(r *kgo.Record, l *letters.Letter) error {
		if known.Seen(l) || !picker.Picks(l) {
			return nil
		}
		return fn(r, l, j.StatusOf(l))
	})
	if err == nil && known.Twice > 0 {
		j.Note("%s there twice, which at-least-once writing allows: counted once", output.Count(known.Twice, "letter"))
	}
	return err
}

// ReadLetters calls fn with each record of the dead-letter topic. Its error is that of fn, or
// that a Wanted value exists nowhere.
func (j *Journal) ReadLetters(ctx context.Context, fn func(*kgo.Record, *letters.Letter) error) error {
	err := Read(ctx, j.Connect, func(r *kgo.Record) error {
		l := letters.Parse(r)
		if j.Looked != nil {
			j.Looked()
		}
		for _, w := range j.Wanted {
			w.look(&l)
		}
		return fn(r, &l)
	}, j.Extent)
	if err != nil {
		return err
	}
	return j.missing()
}

// narrow leaves out records that were written before a time.
func (j *Journal) narrow(ctx context.Context, since time.Time) error {
	if since.IsZero() {
		return nil
	}
	from, err := After(ctx, j.Client, j.Topic, since)
	if err == nil {
		j.Extent = j.Extent.From(from)
	}
	return err
}

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/cmd/deskstream/config"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/scan"
	"github.com/deskstream/deskstream/mapping"
)

func newDLQCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dlq",
		Short: "Looks at dead letters and brings them back",
		Long: `dlq lists dead letters by their cause, shows one, plans what sending them again
would do, applies a plan, and records that some are given up.`,
		Example: `  deskstream dlq list -c deskstream.yaml --since 2h
  deskstream dlq plan -c deskstream.yaml --code http_422 -o plan.json
  deskstream dlq apply -c deskstream.yaml plan.json`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(newDLQListCommand(a), newDLQShowCommand(a), newDLQPlanCommand(a), newDLQApplyCommand(a), newDLQDiscardCommand(a))
	return cmd
}

// topicFlag adds --topic to a command that reads letters.
func topicFlag(cmd *cobra.Command) *string {
	return cmd.Flags().String("topic", "", "read this dead-letter `topic` instead of the configuration's, another program's for example")
}

// letterBox is a dead-letter topic and the topic of its letters' states.
type letterBox struct {
	app *app
	cfg *config.Config
	cl  *kgo.Client
	// book finds what reads an event, in JSON or in Avro, as run does.
	book   *schemaBook
	reader *mapping.Reader

	cluster string
	topic   string
	id      kadm.TopicID
	extent  scan.Extent

	// found is what the cluster said of the letters' topic and that of the states.
	found      topology
	stateTopic string
	states     letters.States
	// statePartitions is 0 when there is no state topic.
	statePartitions int32
}

// openLetterBox looks at a dead-letter topic, the configuration's if none is named,
// and says on standard error what keeps it from being the whole truth.
func (a *app) openLetterBox(ctx context.Context, cfg *config.Config, topic string) (*letterBox, error) {
	if topic == "" {
		topic = cfg.DeadLetters.Topic
	}
	reader, err := eventReader(cfg)
	if err != nil {
		return nil, err
	}
	book, err := openSchemas(cfg, a.log)
	if err != nil {
		return nil, &exitError{Code: exitUsage, Err: err}
	}
	cl, err := connect(ctx, cfg, a.log)
	if err != nil {
		book.close()
		return nil, err
	}
	b := &letterBox{app: a, cfg: cfg, cl: cl, book: book, reader: reader, topic: topic, stateTopic: topicSet{deadLetters: topic}.letterStates()}
	if err := b.look(ctx); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *letterBox) close() {
	b.cl.Close()
	b.book.close()
}

func (b *letterBox) connect(ctx context.Context, opts ...kgo.Opt) (*kgo.Client, error) {
	return connect(ctx, b.cfg, b.app.log, opts...)
}

func (b *letterBox) note(format string, args ...any) {
	fmt.Fprintf(b.app.stderr, "note: "+format+"\n", args...)
}

func (b *letterBox) look(ctx context.Context) error {
	found, err := askForTopics(ctx, b.cl, []string{b.topic, b.stateTopic})
	if err == nil {
		err = errors.Join(found.need(b.topic, kmsg.ACLOperationRead), found.need(b.stateTopic, kmsg.ACLOperationRead))
	}
	if err != nil {
		return err
	}
	b.found = found
	info, ok := found.topics[b.topic]
	if !ok {
		return fmt.Errorf("topic %s does not exist on this cluster: no letter can have been written to it; is dead_letters.topic or --topic right?", b.topic)
	}
	b.cluster, b.id = found.cluster, info.id
	if slices.Contains(describeTopic(ctx, b.cl, b.topic, info, b.app.log).cleanup, "compact") {
		b.note("topic %s is compacted: of letters with the same key only the latest is kept, the others are lost; set cleanup.policy=delete", b.topic)
	}
	if b.extent, err = scan.Find(ctx, b.cl, b.topic); err != nil {
		return err
	}
	if offsets, partitions := b.extent.Expired(); offsets > 0 {
		b.note("the first %d offsets of %s of %s were deleted, by its retention or by hand: letters in them are not seen",
			offsets, count(partitions, "partition"), b.topic)
	}
	b.statePartitions = found.topics[b.stateTopic].partitions
	return nil
}

// readStates reads what became of the letters. Without a state topic all are open.
func (b *letterBox) readStates(ctx context.Context) error {
	b.states = make(letters.States)
	if b.statePartitions == 0 {
		return nil
	}
	extent, err := scan.Find(ctx, b.cl, b.stateTopic)
	if err != nil {
		return err
	}
	var of [letters.Foreign + 1]int
	var newest string
	err = scan.Read(ctx, b.connect, func(r *kgo.Record) error {
		origin := b.states.Take(r)
		of[origin]++
		if origin == letters.Newer {
			newest = fmt.Sprintf("partition %d, offset %d", r.Partition, r.Offset)
		}
		return nil
	}, extent)
	if n := of[letters.Foreign]; n > 0 {
		b.note("%s of %s not the state of a letter and left out: written by another program?", count(n, "record"), b.stateTopic)
	}
	if n := of[letters.Newer]; n > 0 {
		b.note("%s of %s written by a newer version of deskstream, the last at %s: use that version to see all of it", count(n, "record"), b.stateTopic, newest)
	}
	return err
}

// read calls fn with each letter of the topic.
func (b *letterBox) read(ctx context.Context, fn func(*kgo.Record, *letters.Letter) error) error {
	return scan.Read(ctx, b.connect, func(r *kgo.Record) error {
		l := letters.Parse(r)
		return fn(r, &l)
	}, b.extent)
}

// narrow leaves out what was written before the filter's time.
func (b *letterBox) narrow(ctx context.Context, f letters.Filter) error {
	if f.Since.IsZero() {
		return nil
	}
	from, err := scan.After(ctx, b.cl, b.topic, f.Since)
	if err == nil {
		b.extent = b.extent.From(from)
	}
	return err
}

// noteDialects says that a topic holds records that no dead letter's headers mark.
func (b *letterBox) noteStrangers(unknown, damaged int) {
	if unknown > 0 {
		b.note("%s of %s without a dead-letter header that is known here: written by another program?", count(unknown, "record"), b.topic)
	}
	if damaged > 0 {
		b.note("%s of %s with headers of ours that cannot be used", count(damaged, "letter"), b.topic)
	}
}

// oneLine is a text for a line of a table.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, unicode.IsControl), " ")
}

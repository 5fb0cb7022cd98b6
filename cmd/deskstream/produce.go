package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

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
as key. Lines that are no JSON object are refused, named on standard error and
left out, and the exit code is 1 then; --raw takes every line as it is.`,
		Example: `  deskstream produce -c deskstream.yaml events.ndjson
  zcat export.gz | deskstream produce -c deskstream.yaml --topic events.import -`,
		Args: cobra.MaximumNArgs(1),
	}
	path := configFlag(cmd)
	raw := cmd.Flags().Bool("raw", false, "take lines that are no JSON object too")
	topic := cmd.Flags().String("topic", "", "write to this topic instead of the first source topic")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := a.loadConfig(*path)
		if err != nil {
			return err
		}
		l := &loading{app: a, cfg: cfg, raw: *raw, topic: *topic}
		if l.topic == "" {
			l.topic = cfg.Source.Topics[0]
		}
		return l.run(cmd.Context(), args)
	}
	return cmd
}

// loading is one run of produce.
type loading struct {
	app   *app
	cfg   *config.Config
	raw   bool
	topic string

	mu       sync.Mutex
	produced int
	refused  int
}

func (l *loading) run(ctx context.Context, args []string) error {
	events, err := l.app.openEvents(args)
	if err != nil {
		return err
	}
	defer events.Close()
	// kgo's producer is idempotent and waits for all replicas unless told otherwise.
	cl, err := connect(ctx, l.cfg, l.app.log, kgo.DefaultProduceTopic(l.topic), kgo.RecordDeliveryTimeout(recordTimeout))
	if err != nil {
		return err
	}
	defer cl.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := startProgress(l.app.stderr, l.progress)
	err = eachLine(ctx, events, func(line line) error { return l.load(ctx, cancel, cl, line) })
	if flushErr := cl.Flush(ctx); err == nil && flushErr != nil {
		err = context.Cause(ctx)
	}
	stop()
	return l.conclude(ctx, err)
}

// load produces one line. A record that cannot be written cancels the rest.
func (l *loading) load(ctx context.Context, cancel context.CancelCauseFunc, cl *kgo.Client, line line) error {
	if !l.raw {
		if _, err := mapping.ParseObject(line.text); err != nil {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.refused++
			fmt.Fprintf(l.app.stderr, "refused: line %d: %v\n", line.number, err)
			return nil
		}
	}
	record := &kgo.Record{Value: line.text}
	if lane := mapping.Lane(line.text, nil, laneFields(l.cfg)); lane != "" {
		record.Key = []byte(lane)
	}
	cl.Produce(ctx, record, func(_ *kgo.Record, err error) {
		if err != nil {
			cancel(fmt.Errorf("producing to %s: %w", l.topic, err))
			return
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.produced++
	})
	return nil
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
	case errors.Is(err, context.Canceled):
		return errors.New("stopped before the end of the events")
	case err != nil:
		return err
	case l.refused > 0:
		return fmt.Errorf("%s refused", count(l.refused, "line"))
	}
	return nil
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

func newDeliverCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "deliver -c FILE [EVENTS]",
		Short: "Delivers events from a file over HTTP, without Kafka",
		Long: `deliver reads events as NDJSON from EVENTS or standard input, delivers each to
every destination and prints one outcome per event and destination, in the order
of the input for events of the same lane. It writes nothing to Kafka. Calls use the
reserve of the rate budget, and what live traffic leaves over.

Exit codes: 0 all were delivered or skipped, 3 some died, 1 some are still open
because a destination holds beyond retry.max_elapsed or the command was stopped
(their ids go to standard error), 2 wrong usage or configuration.`,
		Example: `  deskstream deliver -c deskstream.yaml events.ndjson
  kcat -C -t events -e | deskstream deliver -c deskstream.yaml - > outcomes.ndjson`,
		Args: cobra.MaximumNArgs(1),
	}
	path := configFlag(cmd)
	names := cmd.Flags().StringArray("destination", nil, "deliver to this destination only (repeatable)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := a.loadConfig(*path)
		if err != nil {
			return err
		}
		pipelines, err := wire(cfg, *names, wireOptions{alone: true}, a.log)
		if err != nil {
			return &exitError{Code: exitUsage, Err: err}
		}
		events, err := a.openEvents(args)
		if err != nil {
			return err
		}
		defer events.Close()
		reader, err := eventReader(cfg)
		if err != nil {
			return err
		}
		d := newDelivery(a, reader, pipelines)
		defer d.close()
		return d.run(cmd.Context(), events)
	}
	return cmd
}

// openPerDestination is how many events of one destination wait or are in flight
// before deliver reads on.
const openPerDestination = 10_000

// delivery is one run of deliver.
type delivery struct {
	app       *app
	reader    *mapping.Reader
	pipelines []pipeline
	lanes     []*lanes // of each pipeline

	mu       sync.Mutex
	out      *json.Encoder
	settled  map[sink.Disposition]int
	open     int // events without an outcome
	held     int // of them, because the destination is on hold
	writeErr error
}

func newDelivery(a *app, reader *mapping.Reader, pipelines []pipeline) *delivery {
	d := &delivery{
		app: a, reader: reader, pipelines: pipelines,
		out: outcomeEncoder(a.stdout), settled: map[sink.Disposition]int{},
	}
	for range pipelines {
		d.lanes = append(d.lanes, newLanes(openPerDestination))
	}
	return d
}

// outcomeEncoder writes outcomes as NDJSON with nothing escaped that JSON does not demand.
func outcomeEncoder(w io.Writer) *json.Encoder {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	return out
}

func (d *delivery) close() {
	for _, p := range d.pipelines {
		p.dest.Close()
	}
}

// run delivers all events and gives the error that the command ends with.
func (d *delivery) run(ctx context.Context, events io.Reader) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := startProgress(d.app.stderr, d.progress)
	err := eachLine(ctx, events, func(l line) error {
		lane := d.reader.Lane(mapping.JSON, l.text, nil)
		for i, p := range d.pipelines {
			d.lanes[i].submit(lane, func() { d.deliver(ctx, cancel, p, lane, l) })
		}
		return nil
	})
	for _, l := range d.lanes {
		l.wait()
	}
	stop()
	return d.conclude(err)
}

// deliver carries one event to one destination and prints its outcome, or that it
// is open.
func (d *delivery) deliver(ctx context.Context, cancel context.CancelCauseFunc, p pipeline, lane string, l line) {
	outcome, err := deliverOne(ctx, p, lane, l.text)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		d.open++
		if errors.Is(err, sink.ErrHeld) {
			d.held++
		}
		fmt.Fprintf(d.app.stderr, "open: line %d, event %q, destination %s\n", l.number, d.reader.ID(mapping.JSON, l.text), p.config.Name)
		return
	}
	d.settled[outcome.Outcome]++
	if d.writeErr != nil {
		return
	}
	if err := d.out.Encode(outcome); err != nil {
		d.writeErr = fmt.Errorf("writing an outcome: %w", err)
		cancel(d.writeErr) // nobody would learn what became of the others
	}
}

// deliverOne waits for the destination and delivers. The context of the calls
// outlives a stop, so that a write in flight gets its answer; its own timeout bounds it.
func deliverOne(ctx context.Context, p pipeline, lane string, value []byte) (sink.Outcome, error) {
	pass, err := p.dest.Gate().Enter(ctx, lane)
	if err != nil {
		return sink.Outcome{}, err
	}
	s := p.dest.Session(pass, sink.Stop{Soft: ctx, Hard: ctx})
	s.Lane = lane
	return p.route.Deliver(context.WithoutCancel(ctx), s, value)
}

// progress is a line of what is done so far.
func (d *delivery) progress() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var line strings.Builder
	fmt.Fprintf(&line, "%d delivered, %d skipped, %d dead", d.settled[sink.Delivered], d.settled[sink.Skipped], d.settled[sink.Dead])
	for _, p := range d.pipelines {
		if hold := p.dest.Gate().Held(); hold.Active() {
			fmt.Fprintf(&line, "; %s is on hold (%s)", p.config.Name, hold.Reason)
		} else if why := budgetWait(p.config.Name, p.budget); why != "" {
			line.WriteString("; " + why)
		}
	}
	return line.String()
}

// conclude gives the error that the command ends with.
func (d *delivery) conclude(readErr error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.writeErr != nil:
		return d.writeErr
	case d.held > 0:
		return fmt.Errorf("a destination holds beyond retry.max_elapsed: %s open", count(d.open, "event"))
	case errors.Is(readErr, context.Canceled):
		return fmt.Errorf("stopped before the end of the events: %s open", count(d.open, "event"))
	case readErr != nil:
		return readErr
	case d.open > 0:
		return fmt.Errorf("stopped: %s open", count(d.open, "event"))
	case d.settled[sink.Dead] > 0:
		return &exitError{Code: exitDead}
	}
	return nil
}

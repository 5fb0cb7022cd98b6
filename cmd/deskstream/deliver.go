package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/internal/codec"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/lanes"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/internal/wiring"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/hold"
)

func newDeliverCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "deliver -c FILE [EVENTS]",
		Short: "Delivers events from a file over HTTP, without Kafka",
		Long: `deliver reads events as NDJSON from EVENTS or standard input, delivers each to
every destination and prints one outcome per event and destination, in the order
of the input for events of the same lane. It writes nothing to Kafka. Calls use the
reserve of the rate budget, and what live traffic leaves over.

Events stay open when a destination holds for longer than retry.max_elapsed, or when
the command is stopped. Any wait that a destination causes and that lasts longer counts
as a hold. What follows an open event in its lane is left open too, so that the order
stays.`,
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
		pipelines, err := wiring.Pipelines(cfg, *names, wiring.Options{Alone: true}, a.log)
		if err != nil {
			return &config.UsageError{Err: err}
		}
		events, err := a.openEvents(args)
		if err != nil {
			return err
		}
		defer events.Close()
		reader, err := codec.NewReader(cfg)
		if err != nil {
			return err
		}
		d := newDelivery(a, reader, pipelines)
		defer d.close()
		return d.run(cmd.Context(), events)
	}
	return cmd
}

// delivery is one run of deliver.
type delivery struct {
	app       *app
	reader    *mapping.Reader
	pipelines []wiring.Pipeline
	lanes     []*lanes.Queue // of each pipeline

	mu       sync.Mutex
	out      *json.Encoder
	settled  map[sink.Disposition]int
	open     int                // events without an outcome
	held     []string           // why destinations held, each one's first reason
	stuck    map[[2]string]bool // destinations and lanes with an open event
	writeErr error
}

func newDelivery(a *app, reader *mapping.Reader, pipelines []wiring.Pipeline) *delivery {
	d := &delivery{
		app: a, reader: reader, pipelines: pipelines,
		out: output.NewEncoder(a.stdout), settled: map[sink.Disposition]int{}, stuck: map[[2]string]bool{},
	}
	for range pipelines {
		d.lanes = append(d.lanes, lanes.New(lanes.MaxOpen))
	}
	return d
}

func (d *delivery) close() {
	for _, p := range d.pipelines {
		p.Destination.Close()
	}
}

// run delivers all events and gives the error that the command ends with.
func (d *delivery) run(ctx context.Context, events io.Reader) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := output.Progress(d.app.stderr, d.progress)
	err := eachLine(ctx, events, func(l line) error {
		lane := d.reader.Lane(mapping.JSON, l.text, nil)
		for i, p := range d.pipelines {
			d.lanes[i].Submit(lane, func() { d.deliver(ctx, cancel, p, lane, l) })
		}
		return nil
	})
	for _, l := range d.lanes {
		l.Wait()
	}
	stop()
	return d.conclude(err)
}

// deliver carries one event to one destination and prints its outcome, or that it
// is open.
func (d *delivery) deliver(ctx context.Context, cancel context.CancelCauseFunc, p wiring.Pipeline, lane string, l line) {
	var outcome sink.Outcome
	err := d.behind(p, lane)
	if err == nil {
		outcome, err = deliverOne(ctx, p, lane, l.text)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		d.leaveOpen(p, lane, l, err)
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

// errBehind leaves an event open because one before it in its lane is.
var errBehind = errors.New("it follows an open event of its lane")

// behind gives errBehind for an event that would overtake an open one.
func (d *delivery) behind(p wiring.Pipeline, lane string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if lane != "" && d.stuck[[2]string{p.Config.Name, lane}] {
		return errBehind
	}
	return nil
}

// leaveOpen notes and prints that an event has no outcome. d is locked.
func (d *delivery) leaveOpen(p wiring.Pipeline, lane string, l line, err error) {
	d.open++
	why := ""
	if held, ok := errors.AsType[*hold.Error](err); ok {
		why = ": " + held.Why
		if !slices.ContainsFunc(d.held, func(text string) bool { return strings.HasPrefix(text, p.Config.Name+": ") }) {
			d.held = append(d.held, p.Config.Name+why)
		}
	} else if errors.Is(err, errBehind) {
		why = ": " + err.Error()
	}
	d.stuck[[2]string{p.Config.Name, lane}] = true
	output.Printf(d.app.stderr, "open: line %d, event %q, destination %s%s\n", l.number, d.reader.ID(mapping.JSON, l.text), p.Config.Name, why)
}

// deliverOne waits for the destination and delivers. The context of the calls
// outlives a stop, so that a write in flight gets its answer; its own timeout bounds it.
func deliverOne(ctx context.Context, p wiring.Pipeline, lane string, value []byte) (sink.Outcome, error) {
	pass, err := p.Destination.Gate().Enter(ctx, lane)
	if err != nil {
		return sink.Outcome{}, err
	}
	s := p.Destination.Session(pass, sink.Stop{Soft: ctx, Hard: ctx})
	s.Lane = lane
	return p.Route.Deliver(context.WithoutCancel(ctx), s, value)
}

// progress is a line of what is done so far.
func (d *delivery) progress() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var line strings.Builder
	fmt.Fprintf(&line, "%d delivered, %d skipped, %d dead", d.settled[sink.Delivered], d.settled[sink.Skipped], d.settled[sink.Dead])
	for _, p := range d.pipelines {
		if hold := p.Destination.Gate().Held(); hold.Active() {
			fmt.Fprintf(&line, "; %s is on hold (%s)", p.Config.Name, hold.Reason)
		} else if why := wiring.BudgetWait(p.Config.Name, p.Budget); why != "" {
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
	case len(d.held) > 0:
		slices.Sort(d.held)
		return fmt.Errorf("a destination was on hold for longer than retry.max_elapsed: %s open (%s)", output.Count(d.open, "event"), strings.Join(d.held, "; "))
	case errors.Is(readErr, context.Canceled):
		return fmt.Errorf("stopped before the end of the events: %s open", output.Count(d.open, "event"))
	case readErr != nil:
		return readErr
	case d.open > 0:
		return fmt.Errorf("stopped: %s open", output.Count(d.open, "event"))
	case d.settled[sink.Dead] > 0:
		return &exitError{Code: exitDead}
	}
	return nil
}

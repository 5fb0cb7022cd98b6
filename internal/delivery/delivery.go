package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/lanes"
	"github.com/deskstream/deskstream/internal/ndjson"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/internal/wiring"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/hold"
	"github.com/deskstream/deskstream/sink/keys"
	"github.com/deskstream/deskstream/sink/traces"
)

// Options say what to deliver, and where.
type Options struct {
	Config *config.Config
	Log    *slog.Logger
	// Destinations are the names of those to deliver to, all if empty.
	Destinations []string
	// Events are NDJSON.
	Events io.Reader
	// Out gets the outcomes as NDJSON, Notes one line for each event that stays open.
	Out, Notes io.Writer
	// Traces is where the traces of events go; nil: nowhere.
	Traces traces.Source
}

// Run delivers all events and returns how many of them died. Its error is nil when every event
// has an outcome at every destination. Faults in the configuration are config.UsageErrors.
func Run(ctx context.Context, o Options) (dead int, err error) {
	pipelines, err := wiring.Pipelines(o.Config, o.Destinations, wiring.Options{Alone: true}, o.Log)
	if err != nil {
		return 0, &config.UsageError{Err: err}
	}
	d := &delivery{
		out: output.NewEncoder(o.Out), notes: o.Notes, settled: map[sink.Disposition]int{}, stuck: map[[2]string]bool{},
	}
	for _, p := range pipelines {
		defer p.Destination.Close()
		d.pipelines = append(d.pipelines, newPipeline(p, o))
	}
	return d.run(ctx, o.Events)
}

// delivery is one Run.
type delivery struct {
	pipelines []pipeline
	notes     io.Writer

	mu       sync.Mutex
	out      *json.Encoder
	settled  map[sink.Disposition]int
	open     int                // events without an outcome
	held     []string           // why destinations held, each one's first reason
	stuck    map[[2]string]bool // destinations and lanes with an open event
	writeErr error
}

type pipeline struct {
	wiring.Pipeline
	*lanes.Queue

	keys   *keys.Store    // nil where no rule has keys
	tracer *traces.Tracer // nil: no event has a trace
}

// newPipeline has the keys of rules kept for the run, and says so.
func newPipeline(p wiring.Pipeline, o Options) pipeline {
	d := pipeline{Pipeline: p, Queue: lanes.New(lanes.MaxOpen)}
	d.tracer = traces.New(o.Traces, traces.Destination{Name: p.Config.Name, BaseURL: p.Config.BaseURL()})
	if p.Config.HasKeys() {
		d.keys = new(keys.Store)
		output.Printf(o.Notes, "note: keys of the rules of %s are kept for this run only: it finds no ticket that run has opened, and run none of its own\n", p.Config.Name)
	}
	return d
}

// keysOf are the keys of an event, nil where there are none. Of a later event the number is higher.
func (p pipeline) keysOf(j job) *keys.OfEvent {
	if p.keys == nil || j.lane == "" {
		return nil
	}
	return &keys.OfEvent{
		Store: p.keys, Lane: j.lane, By: keys.Event{Offset: int64(j.Number), Epoch: -1},
		Write: func(_ context.Context, n keys.Named) error {
			p.keys.Put(n.Name, n.Entry)
			return nil
		},
	}
}

func (d *delivery) run(ctx context.Context, events io.Reader) (dead int, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := output.Progress(d.notes, d.progress)
	err = ndjson.Each(ctx, events, func(l ndjson.Line) error {
		for _, p := range d.pipelines {
			isCall := p.IsCall(l.Text)
			reader := p.ReaderOf("", l.Text)
			lane := reader.Lane(mapping.JSON, l.Text, nil)
			j := job{lane: lane, reader: reader, isCall: isCall, Line: l, trace: p.tracer.BeginLine(), held: p.Destination.Gate().HeldFor()}
			p.Submit(lane, func() { d.deliver(ctx, cancel, p, j) })
		}
		return nil
	})
	for _, p := range d.pipelines {
		p.Wait()
	}
	stop()
	return d.settled[sink.Dead], d.conclude(err)
}

// job is an event in its lane.
type job struct {
	lane   string
	reader *mapping.Reader
	isCall bool
	ndjson.Line

	trace *traces.Event // nil for none
	held  time.Duration // how long the destination was on hold before the line was read
}

// deliver carries one event to one destination and prints its outcome, or that it is open.
func (d *delivery) deliver(ctx context.Context, cancel context.CancelCauseFunc, p pipeline, j job) {
	var outcome sink.Outcome
	err := d.behind(p, j.lane)
	if err == nil {
		outcome, err = deliverOne(ctx, p, j)
	}
	if err == nil {
		j.trace.Settled(outcome.Traced())
	} else {
		j.trace.Released()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		d.leaveOpen(p, j, err)
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

// behind returns errBehind for an event that would overtake an open one.
func (d *delivery) behind(p pipeline, lane string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if lane != "" && d.stuck[[2]string{p.Config.Name, lane}] {
		return errBehind
	}
	return nil
}

// leaveOpen notes that an event has no outcome. The caller holds d.mu.
func (d *delivery) leaveOpen(p pipeline, j job, err error) {
	d.open++
	name, why := p.Config.Name, ""
	if held, ok := errors.AsType[*hold.Error](err); ok {
		why = ": " + held.Why
		if !slices.ContainsFunc(d.held, func(text string) bool { return strings.HasPrefix(text, name+": ") }) {
			d.held = append(d.held, name+why)
		}
	} else if errors.Is(err, errBehind) {
		why = ": " + err.Error()
	}
	d.stuck[[2]string{name, j.lane}] = true
	output.Printf(d.notes, "open: line %d, event %q, destination %s%s\n", j.Number, j.reader.ID(mapping.JSON, j.Text), name, why)
}

// deliverOne waits for the destination and delivers. The context of the calls outlives a stop,
// so that a write in flight gets its response. Its own timeout limits it.
func deliverOne(ctx context.Context, p pipeline, j job) (sink.Outcome, error) {
	first := time.Now()
	pass, err := p.Destination.Gate().Enter(ctx, j.lane)
	if err != nil {
		return sink.Outcome{}, err
	}
	j.trace.Started(first, p.Destination.Gate().HeldFor()-j.held)
	s := p.Destination.Session(pass, sink.Stop{Soft: ctx, Hard: ctx})
	s.Lane, s.Reader, s.Call, s.Trace = j.lane, j.reader, j.isCall, j.trace
	named := p.keysOf(j)
	if named != nil {
		s.Keys = named
	}
	o, err := p.Route.Deliver(context.WithoutCancel(ctx), s, j.Text)
	if err == nil && named != nil {
		for _, n := range named.Closed() {
			p.keys.Remove(n.Name, n.Entry)
		}
	}
	return o, err
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

// conclude returns why events have no outcome, nil if all have one. readErr is that of reading
// the events.
func (d *delivery) conclude(readErr error) error {
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
	}
	return nil
}

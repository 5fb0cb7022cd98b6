package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/endpoint"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/internal/wiring"
	"github.com/deskstream/deskstream/mapping/unified"
	"github.com/deskstream/deskstream/processor"
	"github.com/deskstream/deskstream/sink"
)

// Options say what to export and how.
type Options struct {
	Config *config.Config
	Log    *slog.Logger
	// Destinations are the names of those to export, all with export.entities if empty.
	Destinations []string
	// CreateTopics creates the topics that are missing.
	CreateTopics bool
	// All walks all objects, also where a desk could be asked for what changed.
	All bool
	// Every is the pause between walks, instead of export.every; nil for that. 0 is one walk.
	Every *time.Duration
	// Notes gets the forecast of each walk, and progress if it is a terminal.
	Notes io.Writer
	// Registry gets the metrics, nil for none.
	Registry *prometheus.Registry
	// Metrics is the address at which they are served, "" for nowhere.
	Metrics string
	// Alone lets one process walk a destination at a time; without it two that walk the same one do so
	// twice.
	Alone bool
}

// exporter is one run.
type exporter struct {
	Options

	client, large *kgo.Client
	collectors    *collectors
	meters        []*meter
	// from is when the gap began that is to be caught up on, zero for walks of another reason.
	from time.Time
}

// Run walks the lists of the destinations, side by side, once or again and again. It ends with ctx,
// and returns the errors of the last walks. Faults in what the user gave are config.UsageErrors or
// config.FlagErrors.
func Run(ctx context.Context, o Options) error {
	return run(ctx, o, func(ctx context.Context, x *exporter, l wiring.Library, m *meter) error { return x.run(ctx, l, m) })
}

// run has each destination exported by a function.
func run(ctx context.Context, o Options, each func(context.Context, *exporter, wiring.Library, *meter) error) error {
	if o.Notes == nil {
		o.Notes = io.Discard
	}
	if o.Registry == nil {
		o.Registry = endpoint.NewRegistry()
	}
	x := &exporter{Options: o, collectors: newCollectors(o.Registry)}
	libraries, err := x.libraries()
	if err != nil {
		return err
	}
	stop, err := x.serve(ctx)
	if err != nil {
		return err
	}
	defer stop()
	if err := x.connect(ctx, libraries); err != nil {
		return err
	}
	defer x.client.Close()
	defer x.large.Close()
	for _, l := range libraries {
		x.meters = append(x.meters, &meter{destination: l.Config.Name})
	}
	defer output.Progress(o.Notes, x.progress)()
	// A destination that fails keeps no other from going on.
	failed := make([]error, len(libraries))
	var group errgroup.Group
	for i, l := range libraries {
		group.Go(func() error {
			if failed[i] = each(ctx, x, l, x.meters[i]); failed[i] != nil {
				failed[i] = fmt.Errorf("destination %s: %w", l.Config.Name, failed[i])
				if ctx.Err() == nil && len(libraries) > 1 {
					x.Log.Error("export of a destination ended, others go on", "destination", l.Config.Name, "err", failed[i])
				}
			}
			return nil
		})
	}
	_ = group.Wait() // none returns one
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return errors.Join(failed...)
}

func (x *exporter) libraries() ([]wiring.Library, error) {
	observe := func(destination string) func(sink.Attempt) {
		return func(a sink.Attempt) {
			x.collectors.calls.WithLabelValues(destination, strconv.Itoa(a.Status)).Inc()
		}
	}
	libraries, err := wiring.Libraries(x.Config, x.Destinations, observe, x.Log)
	switch {
	case err != nil:
		return nil, &config.FlagError{Err: err}
	case len(libraries) == 0:
		return nil, &config.UsageError{Err: errors.New("nothing to export: give a destination export.entities, as export: {entities: [users, teams, tickets]}")}
	}
	return libraries, nil
}

// connect reaches Kafka and checks the topics.
func (x *exporter) connect(ctx context.Context, libraries []wiring.Library) error {
	client, err := cluster.Connect(ctx, x.Config, x.Log, kgo.RequiredAcks(kgo.AllISRAcks()), kgo.ProducerLinger(0))
	if err != nil {
		return err
	}
	compacted, events := topicsOf(x.Config, libraries)
	bounded, cancel := context.WithTimeout(ctx, cluster.ContactTimeout)
	defer cancel()
	if x.CreateTopics {
		err = createTopics(bounded, client, compacted, events, x.Log)
	}
	if err == nil {
		err = verifyTopics(bounded, client, compacted, events, x.Log)
	}
	if err == nil {
		x.large, err = cluster.Connect(ctx, x.Config, x.Log, kgo.RequiredAcks(kgo.AllISRAcks()), kgo.ProducerLinger(0),
			kgo.ProducerBatchMaxBytes(largestBatch), kgo.BrokerMaxWriteBytes(largestBatch))
	}
	if err != nil {
		client.Close()
		return cluster.Explain(ctx, x.Config.Kafka, err)
	}
	x.client = client
	return nil
}

// run walks one destination.
func (x *exporter) run(ctx context.Context, l wiring.Library, m *meter) error {
	if x.Alone {
		alone, leave, err := x.lock(ctx, l)
		if err != nil {
			return err
		}
		defer leave()
		ctx = alone
	}
	every := l.Config.Export.Every
	if x.Every != nil {
		every = *x.Every
	}
	for {
		err := x.walk(ctx, l, m)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case every == 0:
			return err
		}
		if err != nil {
			x.Log.Error("walk ended before all lists were walked to their end, the next one goes on", "destination", l.Config.Name, "err", err, "in", every)
		}
		m.rest()
		select {
		case <-time.After(every):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// walk is one walk of all lists of a destination.
func (x *exporter) walk(ctx context.Context, l wiring.Library, m *meter) error {
	w, close, err := x.walker(ctx, l, m)
	if err != nil {
		return err
	}
	defer close()
	defer w.watchCredential(ctx, l)()
	f, err := w.forecast(ctx)
	if err != nil {
		return err
	}
	f.price(l)
	m.begin(f.Calls, f.Each)
	output.Printf(x.Notes, "export of %s: %s\n", l.Config.Name, f)
	return w.walkAll(ctx)
}

func (x *exporter) walker(ctx context.Context, l wiring.Library, m *meter) (w *walker, end func(), err error) {
	log, s := x.Log.With("destination", l.Config.Name), x.store(l)
	p, err := s.places(ctx)
	if err != nil {
		return nil, nil, err
	}
	sent := make(map[unified.Type]bool)
	for kind := range l.Inbound.Subscriptions {
		sent[kind] = true
	}
	w, end = newWalker(l, s, p, log)
	w.meter, w.metrics, w.scope = m, &metrics{x.collectors, l.Config.Name}, scope{all: x.All, from: x.from}
	w.changes = &changes{topic: x.Config.Inbound.Topic, store: s, sent: sent}
	return w, end, nil
}

// store is the topics of a destination.
func (x *exporter) store(l wiring.Library) *store {
	return &store{
		prefix: x.Config.Inbound.Topic, destination: l.Config.Name, client: x.client, large: x.large, log: x.Log.With("destination", l.Config.Name),
		connect: func(ctx context.Context, opts ...kgo.Opt) (*kgo.Client, error) {
			return cluster.Connect(ctx, x.Config, x.Log, opts...)
		},
	}
}

// newWalker returns a walker that can look at lists.
func newWalker(l wiring.Library, s *store, p *places, log *slog.Logger) (w *walker, end func()) {
	desk := l.Open()
	return &walker{
		lists: l.Lists, inside: l.Inside, inbound: l.Inbound, desk: desk, renewed: desk.Renewed, store: s, places: p,
		meter: &meter{destination: l.Config.Name}, first: make(map[unified.Entity]measured), log: log,
	}, desk.Close
}

// price sets the time of a call.
func (f *Forecast) price(l wiring.Library) {
	f.Destination = l.Config.Name
	calls, window := l.Budget.Own()
	f.Each = time.Duration(float64(window) / max(calls, 1))
}

// lock makes this process the only one that walks a destination. The context ends when it is not any
// more.
func (x *exporter) lock(ctx context.Context, l wiring.Library) (context.Context, func(), error) {
	opts, err := cluster.Options(x.Config)
	if err != nil {
		return nil, nil, &config.UsageError{Err: err}
	}
	group := x.Config.Group(l.Config) + ".export"
	if err := cluster.CheckGroup(ctx, x.client, config.ProtocolClassic, group); err != nil {
		return nil, nil, err
	}
	member, err := processor.JoinAlone(ctx, group, StateTopic(x.Config.Inbound.Topic), x.Log, opts...)
	if errors.Is(err, processor.ErrNotAlone) {
		err = fmt.Errorf("%w: %w", ErrNotAlone, err)
	}
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-member.Lost():
			cancel(fmt.Errorf("this process was removed from group %s and stops: run export again", group))
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		cancel(nil)
		<-done
		member.Leave()
	}, nil
}

func (x *exporter) progress() string {
	lines := make([]string, len(x.meters))
	for i, m := range x.meters {
		lines[i] = m.line()
	}
	return strings.Join(lines, " | ")
}

package processor

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"golang.org/x/sync/errgroup"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// Processor runs one pipeline. See Run. What it knows is in parts, each with its own lock, of
// which the book's is the outermost; what it does goes through several of them.
type Processor struct {
	cfg  Config
	name string // of the destination
	// route is the way of events that start from now on, see Reload.
	route atomic.Pointer[sink.Route]
	// onRecord is that of every route.
	onRecord func(ref string, step sink.StepRecord)
	dest     *sink.Destination
	log      *slog.Logger

	kafka        clients
	member       *membership
	topics       *topicWatch
	share        *sourceShare
	transactions openTransactions
	book         *book
	others       *others
	keys         *keyring // nil where no rule has a key
	answers      *answers // nil where nothing is read that help desks send
	troubles     troubles
	metrics      *metrics
	unknown      *unknownNames
	warned       *ruleWarnings
	deaths       *deaths

	// life ends what outlives a stop's first signal: calls and writes in flight.
	life    context.Context
	endLife context.CancelCauseFunc
	events  *workers       // of deliveries
	claims  sync.WaitGroup // of claims, and of partitions that wait for decoders

	// committing serialises commits, so that none of a partition that was released
	// comes after the last one of ours.
	committing chan struct{} // of one
	refuses    chan error    // of one: the group may not begin
}

var errStopping = errors.New("the process stops")

// New makes a Processor and its client, which begins to join the group. The caller must
// call Run.
func New(cfg Config, route sink.Route, dest *sink.Destination, log *slog.Logger) (*Processor, error) {
	log = log.With("destination", route.Name)
	p := &Processor{
		cfg: cfg, name: route.Name, onRecord: route.OnRecord, dest: dest, log: log,
		kafka:        clients{opts: cfg.Connection, ready: make(chan struct{})},
		member:       newMembership(cfg.SessionTimeout),
		topics:       newTopicWatch(&cfg),
		share:        newSourceShare(&cfg),
		transactions: openTransactions{open: make(map[topicPartition]openTransaction)},
		troubles:     newTroubles(log),
		unknown:      &unknownNames{log: log, inbound: cfg.Inbound.Topic, destinations: cfg.Destinations},
		warned:       &ruleWarnings{log: log},
		deaths:       &deaths{log: log},
		committing:   make(chan struct{}, 1), refuses: make(chan error, 1),
	}
	p.route.Store(&route)
	p.life, p.endLife = context.WithCancelCause(context.Background())
	p.metrics = newMetrics(p)
	p.unknown.misdirected = p.metrics.reasons.misdirected
	p.book, p.others, p.keys = newBook(p), newOthers(p, stepsOf(cfg.Group, p.onRecord)), newKeyring(p)
	p.answers = newAnswers(p)
	p.events = newWorkers(p.dest.MaxInFlight)
	if err := p.kafka.connect(route.Name, p.groupOptions()); err != nil {
		return nil, err
	}
	writing := cfg.Writer
	writing.Large, writing.Remade = p.kafka.large, p.topics.refusedWrite
	p.kafka.writer = topics.NewWriter(writing, p.kafka.group, log)
	close(p.kafka.ready)
	return p, nil
}

// Run reads and delivers until ctx ends or something happens that it cannot go on
// after. Then it lets what is in flight complete within Config.DrainTimeout, commits and
// leaves the group. It returns nil after an end of ctx.
func (p *Processor) Run(ctx context.Context) error {
	working, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	group, working := errgroup.WithContext(working)
	group.Go(func() error { p.learnSession(working); return nil })
	group.Go(func() error { return p.intake(working) })
	group.Go(func() error { return p.dispatch(working) })
	group.Go(func() error { return p.commitEvery(working) })
	group.Go(func() error { return p.watchSources(working) })
	group.Go(func() error { return p.watchTopics(working) })
	group.Go(func() error { return p.watchTransactions(working) })
	group.Go(func() error { return p.watchAssignment(working) })
	group.Go(func() error { return p.awaitRefusal(working) })
	if p.keys != nil {
		p.keys.begin()
		group.Go(func() error { return p.keys.expire(working) })
	}
	<-working.Done()
	p.endDelivery() // at once: polling may wait for a revoke that drains up to its timeout
	err := group.Wait()
	p.shutDown()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// leaveTimeout limits the leave of the group, whose coordinator may be away.
const leaveTimeout = time.Second

// endDelivery releases all partitions in good order, and then ends whatever is in flight.
func (p *Processor) endDelivery() {
	p.log.Info("pipeline stopping", "open", p.Figures().Open)
	p.release(p.book.all())
	p.endLife(errStopping)
}

func (p *Processor) shutDown() {
	p.events.wait()
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	if err := p.leave(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		p.log.Warn("leaving the group failed, its coordinator removes the member after the session timeout", "group", p.cfg.Group, "err", err)
	}
	p.kafka.close()
	p.claims.Wait() // after the client, whose callbacks begin them
	for _, t := range p.troubles.all() {
		t.end()
	}
	p.log.Info("pipeline stopped", "released", p.Figures().Released)
}

// staticLeave is the epoch with which a static member says that it stops and comes back.
const staticLeave = -2

// leave leaves the group. In the consumer protocol kgo v1.22.3 does not name the
// static member that stops. Kafka refuses that as an invalid request, and keeps the member
// for its session, in which the instance cannot come back: so it is sent again in full.
func (p *Processor) leave(ctx context.Context) error {
	member, _ := p.kafka.group.GroupMetadata() // while there is one
	err := p.kafka.group.LeaveGroupContext(ctx)
	if p.cfg.InstanceID == "" || !errors.Is(err, kerr.InvalidRequest) {
		return err
	}
	return p.beatOnce(ctx, member, staticLeave, &p.cfg.InstanceID)
}

// signal wakes the one who waits on ch, now or when it comes to wait.
func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

package processor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// Processor runs one pipeline. See Run.
type Processor struct {
	cfg   Config
	route sink.Route
	dest  *sink.Destination
	log   *slog.Logger

	member *membership
	made   chan struct{} // closed when the fields below are set
	client *kgo.Client
	admin  *kadm.Client
	opts   []kgo.Opt // of the connection, for the ledger's reader
	writer *topics.Writer
	large  *kgo.Client // for what the writer has to send alone

	// life ends what outlives a stop's first signal: calls and writes in flight.
	life    context.Context
	endLife context.CancelCauseFunc
	events  sync.WaitGroup // of deliveries
	claims  sync.WaitGroup // of claims

	// committing serialises commits, so that none of a partition that was given up
	// comes after the last one of ours.
	committing chan struct{} // of one

	mu    sync.Mutex
	parts map[topicPartition]*partition
	left  map[topicPartition]*partition // given up with calls in flight
	ready laneQueue
	// arrivals counts the records that were queued.
	arrivals int64
	open     int // records open, all partitions
	bytes    int64
	lanes    int
	counts   counts
	joined   bool
	// producerIDs is set when the clients that write have theirs.
	producerIDs bool
	// astray is set while the client holds partitions that it has to lose and get anew.
	astray     bool
	assignedAt time.Time // of the latest assignment, an empty one too
	full       string    // the limit that intake waits for, "" for none
	// sources are the partitions of the source topics, as last seen.
	sources map[string]int32
	// known are the topics that are written to, as they were last found, and the sources
	// as they were first found; doubted are those that may have been recreated since.
	known   map[string]knownTopic
	doubted map[string]doubt
	// refused are the sources whose ids the brokers do not know, as long as that lasts.
	refused map[string]refusal
	// maxBytes are their max.message.bytes.
	maxBytes map[string]int32

	readied chan struct{} // of one: a lane became ready
	freed   chan struct{} // of one: intake may have a reason to go on
	doubts  chan struct{} // of one: a topic is in doubted

	// What can fail for many partitions and for long.
	fetchTrouble, claimTrouble, commitTrouble *trouble

	metrics *metrics
	unknown *unknownNames
}

var errStopping = errors.New("the process stops")

// New makes a Processor and its client, which begins to join the group: Run has to
// follow. opts are of the connection: brokers, TLS, SASL, client id.
func New(cfg Config, route sink.Route, dest *sink.Destination, log *slog.Logger, opts ...kgo.Opt) (*Processor, error) {
	p := &Processor{
		cfg: cfg, route: route, dest: dest, opts: opts,
		log:     log.With("destination", route.Name),
		parts:   make(map[topicPartition]*partition),
		left:    make(map[topicPartition]*partition),
		sources: make(map[string]int32),
		known:   make(map[string]knownTopic),
		doubted: make(map[string]doubt),
		refused: make(map[string]refusal),
		maxBytes: map[string]int32{
			cfg.Writer.Responses: cfg.ResponsesMaxBytes, cfg.Writer.DeadLetters: cfg.DeadLettersMaxBytes,
		},
		committing: make(chan struct{}, 1), made: make(chan struct{}), readied: make(chan struct{}, 1), freed: make(chan struct{}, 1),
		doubts: make(chan struct{}, 1),
	}
	maps.Copy(p.sources, cfg.SourcePartitions)
	p.life, p.endLife = context.WithCancelCause(context.Background())
	p.member = newMembership(cfg.SessionTimeout)
	p.ready.places = int64(dest.MaxInFlight)
	p.fetchTrouble = newTrouble(
		func(attrs ...any) { p.log.Warn("fetching failed and is repeated", attrs...) },
		func(attrs ...any) { p.log.Info("fetching failed no more", attrs...) })
	p.claimTrouble = newTrouble(
		func(attrs ...any) { p.log.Warn("partitions not claimed yet", attrs...) },
		func(attrs ...any) { p.log.Info("claiming partitions failed no more", attrs...) })
	p.commitTrouble = newTrouble(
		func(attrs ...any) { p.log.Warn("commit failed, the next one follows", attrs...) },
		func(attrs ...any) { p.log.Info("commits failed no more", attrs...) })
	p.metrics = newMetrics(p)
	p.unknown = &unknownNames{log: p.log}
	client, err := kgo.NewClient(append(append([]kgo.Opt{}, opts...), p.clientOpts()...)...)
	if err != nil {
		return nil, fmt.Errorf("setting up the Kafka client of %s: %w", route.Name, err)
	}
	p.client, p.admin = client, kadm.NewClient(client)
	p.large, err = kgo.NewClient(append(append([]kgo.Opt{}, opts...), topics.LargeOptions()...)...)
	if err != nil {
		client.Close()
		return nil, fmt.Errorf("setting up the Kafka client of %s for large records: %w", route.Name, err)
	}
	writing := cfg.Writer
	writing.Large, writing.Remade = p.large, p.unknownToTheBroker
	p.writer = topics.NewWriter(writing, client, p.log)
	close(p.made)
	return p, nil
}

func (p *Processor) clientOpts() []kgo.Opt {
	opts := []kgo.Opt{
		kgo.ConsumerGroup(p.cfg.Group),
		kgo.ConsumeTopics(p.cfg.Topics...),
		// The commit means "settled", and its metadata is the checkpoint: only we may write it.
		kgo.DisableAutoCommit(),
		// Hand-over of fetched records and the callbacks exclude each other, so no record
		// of a partition that was taken away is taken in as one of its next assignment.
		kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(p.assigned),
		kgo.OnPartitionsRevoked(p.revoked),
		kgo.OnPartitionsLost(p.lost),
		kgo.OnOffsetsFetched(p.offsetsFetched),
		kgo.AdjustFetchOffsetsFn(p.startOffsets),
		// Offsets of transaction markers count as done, so they have to be seen.
		kgo.KeepControlRecords(),
		// In a session the broker chooses which partition is next, the embedded one always
		// that which it has just read. Without, the client begins with another one each time.
		kgo.DisableFetchSessions(),
		kgo.FetchMaxBytes(fetchBytes),
		kgo.FetchMaxPartitionBytes(fetchPartitionBytes),
		kgo.MaxConcurrentFetches(concurrentFetches),
		// The partition of an outcome is the ledger's rule, not a hash of the key.
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		// The next event of a lane may wait for this one's acknowledgement. Where none does, the
		// Writer lingers.
		kgo.ProducerLinger(0),
		kgo.ProducerBatchMaxBytesFn(p.batchBytes),
	}
	if p.cfg.Protocol == Consumer {
		opts = append(opts, kgo.ServerSideBalancer())
	} else {
		opts = append(opts,
			kgo.Balancers(kgo.CooperativeStickyBalancer()),
			kgo.SessionTimeout(p.cfg.SessionTimeout),
			kgo.HeartbeatInterval(heartbeatInterval(p.cfg.SessionTimeout)),
			kgo.RebalanceTimeout(rebalanceTimeout))
	}
	if p.cfg.InstanceID != "" {
		opts = append(opts, kgo.InstanceID(p.cfg.InstanceID))
	}
	if !p.cfg.ReadUncommitted {
		opts = append(opts, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	}
	opts = append(opts, kgo.WithHooks(p.member), kgo.RetryBackoffFn(p.member.backoff))
	return append(opts, p.metrics.clientOpts()...)
}

// What the client holds ready besides Limits.Bytes: one fetch for each of so many
// brokers, as it was compressed. Unpacked it can be several times that. A batch that is
// larger than a bound is fetched all the same. The part of one partition is small, so that
// the partitions take turns: users are spread over them, and when the limits leave room for
// the records of some only, there may be too few users to fill the places.
const (
	fetchBytes          = 1 << 20
	fetchPartitionBytes = 1 << 16
	concurrentFetches   = 2
)

// batchBytes lets a batch be as large as its topic takes.
func (p *Processor) batchBytes(topic string) int32 {
	p.mu.Lock()
	limit := p.maxBytes[topic]
	p.mu.Unlock()
	if limit <= 0 {
		return defaultBatchBytes
	}
	return min(max(limit, minBatchBytes), maxBatchBytes)
}

// What kgo takes for the size of a batch, the upper bound well below its limit for a
// whole request.
const (
	minBatchBytes = 512
	maxBatchBytes = 64 << 20
)

// defaultBatchBytes is the max.message.bytes that a topic has unless it says otherwise.
const defaultBatchBytes = 1 << 20

// Run reads and delivers until ctx ends or something happens that it cannot go on
// after. Then it lets what is in flight land within Config.DrainTimeout, commits and
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
	group.Go(func() error { return p.watchAssignment(working) })
	<-working.Done()
	p.endDelivery() // at once: polling may wait for a revoke that drains up to the bound
	err := group.Wait()
	p.shutDown()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// leaveTimeout limits the farewell to the group, whose coordinator may be away.
const leaveTimeout = time.Second

// endDelivery gives all partitions up in good order, and then whatever is in flight.
func (p *Processor) endDelivery() {
	p.log.Info("pipeline stopping", "open", p.openNow())
	p.release(p.all())
	p.endLife(errStopping)
}

func (p *Processor) shutDown() {
	p.events.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	if err := p.leave(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		p.log.Warn("group left without its coordinator's answer", "err", err)
	}
	p.closeClient()
	p.claims.Wait() // after the client, whose callbacks begin them
	for _, t := range []*trouble{p.fetchTrouble, p.claimTrouble, p.commitTrouble} {
		t.end()
	}
	p.log.Info("pipeline stopped", "given_up", p.givenUp())
}

// staticLeave is the epoch with which a static member says that it stops and comes back.
const staticLeave = -2

// leave takes leave of the group. In the consumer protocol kgo v1.22.3 does not name the
// static member that stops. Kafka refuses that as an invalid request, and keeps the member
// for its session, in which the instance cannot come back: so it is said again in full.
func (p *Processor) leave(ctx context.Context) error {
	member, _ := p.client.GroupMetadata() // while there is one
	err := p.client.LeaveGroupContext(ctx)
	if p.cfg.InstanceID == "" || !errors.Is(err, kerr.InvalidRequest) {
		return err
	}
	return p.beatOnce(ctx, member, staticLeave, &p.cfg.InstanceID)
}

func (p *Processor) closeClient() {
	p.client.CloseAllowingRebalance()
	// The client polls once more while it closes, and a poll of its own keeps the
	// goroutine that leaves the group from ever ending.
	p.client.AllowRebalance()
	p.large.Close()
}

func (p *Processor) openNow() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.open
}

func (p *Processor) givenUp() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counts.givenUp
}

// all are the partitions that are ours now.
func (p *Processor) all() []*partition {
	p.mu.Lock()
	defer p.mu.Unlock()
	parts := make([]*partition, 0, len(p.parts))
	for _, part := range p.parts {
		parts = append(parts, part)
	}
	return parts
}

// signal wakes the one who waits on ch, now or when it comes to wait.
func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

//go:build synctests

package simulation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/sample"
	"github.com/deskstream/deskstream/mapping"
	mapkustomer "github.com/deskstream/deskstream/mapping/kustomer"
	maptrengo "github.com/deskstream/deskstream/mapping/trengo"
	"github.com/deskstream/deskstream/processor"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
	"github.com/deskstream/deskstream/sink/hold"
	sinkkustomer "github.com/deskstream/deskstream/sink/kustomer"
	"github.com/deskstream/deskstream/sink/topics"
	sinktrengo "github.com/deskstream/deskstream/sink/trengo"
)

const (
	sourceTopic    = "events"
	responsesTopic = "events.responses"
	lettersTopic   = "dlq.events.deskstream"
	statesTopic    = lettersTopic + ".state"
	group          = "deskstream.desk"

	clusterID = "cluster-1"

	session = 20 * time.Second
	drain   = 14 * time.Second
)

// world is one run.
type world struct {
	t       *testing.T
	script  *script
	journal *journal
	desk    *helpDesk
	kafka   *kafkatest.Cluster
	broker  *broker
	// producer writes the source topic.
	producer *kgo.Client
	// producing is held while the source topic is written to, or recreated. A mutex would
	// stop the clock of the bubble.
	producing chan struct{} // of one
	auditing  sync.WaitGroup
	auditCtx  context.Context
	// slow is set when the run takes too long by the clock on the wall.
	slow *atomic.Bool

	mu        sync.Mutex
	instances []*instance
	numbers   int  // given to instances
	ending    bool // nothing is started any more
	logs      []string
}

func newWorld(t *testing.T, s *script) *world {
	w := &world{t: t, script: s, journal: newJournal(), producing: make(chan struct{}, 1)}
	w.desk = newHelpDesk(s, w.journal)
	var broker []kfake.Opt
	if s.ByName {
		broker = append(broker, kfake.MaxVersions(kversion.V3_9_0()))
	}
	w.kafka = kafkatest.Kafka(t, kafkatest.Virtual(), kafkatest.Fake(broker...),
		kafkatest.Fake(kfake.GroupMinSessionTimeout(time.Second), kfake.BrokerConfigs(map[string]string{
			"group.consumer.session.timeout.ms": fmt.Sprint(session.Milliseconds()), "group.consumer.heartbeat.interval.ms": "3000",
		})),
		kafkatest.Topic(sourceTopic, partitions), kafkatest.Topic(responsesTopic, responsePartitions), kafkatest.Topic(lettersTopic, letterPartitions),
		kafkatest.Topic(statesTopic, letterPartitions, "cleanup.policy", "compact"))
	w.journal.eras[topics.TopicID(w.kafka.TopicInfo(sourceTopic).TopicID)] = 0
	w.journal.ledgerBorn(topics.TopicID(w.kafka.TopicInfo(responsesTopic).TopicID))
	w.broker = newBroker(w)
	w.producer = w.kafka.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	return w
}

// instance is one process.
type instance struct {
	*processor.Processor
	w      *world
	number int
	wire   *wire
	client *client
	dest   *sink.Destination
	end    context.CancelFunc
	ended  chan struct{}
	err    error
	gone   bool // stopped or killed; as killed guarded by the world's mutex
	killed bool
}

func (in *instance) clientID() string { return fmt.Sprint("instance-", in.number) }

// start begins an instance, wired as the command wires one.
func (w *world) start() {
	w.mu.Lock()
	n := w.numbers
	w.numbers++ // several may start at once
	w.mu.Unlock()
	in := &instance{w: w, number: n, ended: make(chan struct{})}
	in.wire = newWire(w.kafka.Dial, w.journal, n)
	in.client = &client{desk: w.desk, instance: n, dead: make(chan struct{})}
	s := w.script
	c := sink.Config{
		Name: "desk", BaseURL: "http://desk.test", Credential: sink.NewSecret("s3cret-token"),
		MaxInFlight: s.InFlight, Rate: budget.Rate{Requests: 600_000, Per: time.Minute, Reserve: 0.1}, Timeout: callTimeout,
		Retry:   sink.Policy{MaxElapsed: s.MaxElapsed, Initial: 500 * time.Millisecond, Max: 20 * time.Second},
		Breaker: hold.Breaker{Share: breakerShare, Of: s.BreakerOf}, Unknown: s.unknown(), Transport: in.client, Priorities: s.Priorities != nil,
	}
	log := slog.New(&listener{w: w, instance: n})
	var accounts sink.Accounts
	if s.Limit > 0 {
		c.Rate = budget.Rate{Requests: s.Limit, Per: time.Minute, Reserve: reserve}
	}
	budget := accounts.Budget(c)
	budget.Divide("desk", 0, partitions)
	in.dest = sink.NewDestination(c, budget, log)
	reader, err := mapping.NewReader(mapping.Layout{Lane: []string{"userId", "key"}})
	if err != nil {
		w.t.Fatalf("reader: %v", err)
	}
	cfg := processor.Config{
		Topics: []string{sourceTopic}, Cluster: clusterID, Group: group, SessionTimeout: session, CommitInterval: s.CommitInterval, DrainTimeout: drain,
		Reader: reader, Dedup: s.Dedup, Priorities: s.Priorities, Coalesce: s.Coalesce,
		Limits: processor.Limits{Records: s.LimitRecords, Bytes: s.LimitBytes, Lanes: 1000, Span: s.LimitSpan},
		Writer: topics.Config{
			Responses: responsesTopic, DeadLetters: lettersTopic, Bodies: true, Group: group, Destination: "desk", DestinationType: s.Desk,
			Dialects: []topics.Dialect{topics.Connect},
		},
	}
	cfg.Start.Latest = s.Backlog > 0
	cfg.Divided = func(ours, all int) { budget.Divide("desk", ours, all) }
	if s.Consumer {
		cfg.Protocol = processor.Consumer
	}
	route, err := routeOf(s, accounts.IDs(c))
	if err != nil {
		w.t.Fatalf("route: %v", err)
	}
	cfg.Connection = append(w.kafka.Options(), kgo.Dialer(in.wire.Dial), kgo.ClientID(in.clientID()), kgo.WithHooks(&hooks{w: w, instance: n}))
	if in.Processor, err = processor.New(cfg, route, in.dest, log); err != nil {
		w.t.Fatalf("New: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	in.end = cancel
	w.mu.Lock()
	w.instances = append(w.instances, in)
	w.mu.Unlock()
	w.journal.mu.Lock()
	w.journal.eraOf[n] = w.journal.era
	w.journal.mu.Unlock()
	w.journal.live(n, -1, lifeStart)
	go func() {
		defer close(in.ended)
		in.err = in.Run(ctx)
		in.dest.Close()
		w.supervise(in)
	}()
}

func routeOf(s *script, ids *sink.IDs) (sink.Route, error) {
	if s.Desk == "kustomer" {
		mapper := mapkustomer.New(mapkustomer.Config{AdvancedTransform: true})
		return joins(mapper.Map, sinkkustomer.New(ids).Send, mapkustomer.Merge, s), nil
	}
	mapper, err := maptrengo.New(maptrengo.Config{
		ChannelID: channelID, ChannelIdentifier: maptrengo.Email, Dedup: true, CreateContact: true, SubjectRef: s.Seed%2 == 1,
		Templates: []maptrengo.EventTemplate{{Event: "Ordered", Template: "Order {{ properties.ref }}"}},
	})
	if err != nil {
		return sink.Route{}, err
	}
	sender := sinktrengo.New(ids)
	route := joins(mapper.Map, sender.Send, maptrengo.Merge, s)
	route.OnRecord = sender.OnRecord
	return route, nil
}

// joins is a route whose identifies can go out together.
func joins[T any](
	mapEvent func(mapping.Event) (T, error), send func(context.Context, sink.Doer, T) (sink.Receipt, error),
	merge func(older, newer T) (T, bool), s *script,
) sink.Route {
	way := sink.Way[T]{Map: mapEvent, Send: send, Merge: merge, Warnings: func(T) []string { return nil }}
	return way.Route(sink.DestinationInfo{Name: "desk", Type: s.Desk}, mapping.Filter{})
}

// value is the record of a planned event.
func (p planned) value() []byte {
	mark, user, head := sample.Mark(p.Number), p.user(), "{"
	if p.Repeats {
		head = fmt.Sprintf(`{"mark":%q,`, mark) // before the one in its message id
	}
	head += fmt.Sprintf(`"userId":%q,"messageId":%q`, user, sample.Mark(p.message()))
	switch {
	case p.Want == wantInvalid:
		return fmt.Appendf(nil, `%s,"type":"track"}`, head)
	case p.Want == wantSkipped:
		return fmt.Appendf(nil, `%s,"type":"alias","previousId":"x"}`, head)
	case p.Identify:
		return fmt.Appendf(nil, `%s,"type":"identify","traits":{"email":"%s@shop.test","name":"Name %s"}}`, head, user, mark)
	default:
		return fmt.Appendf(nil, `%s,"type":"track","event":"Ordered","properties":{"ref":%q},"context":{"traits":{"email":"%s@shop.test","name":"Name %s"}}}`,
			head, mark, user, mark)
	}
}

// hooks listen to an instance's client.
type hooks struct {
	w        *world
	instance int
}

// OnProduceRecordUnbuffered implements kgo.HookProduceRecordUnbuffered: it comes just
// before the producer has the answer.
func (h *hooks) OnProduceRecordUnbuffered(r *kgo.Record, err error) {
	if err == nil {
		h.w.journal.note(h.instance, -1, r)
	}
}

// OnGroupManageError implements kgo.HookGroupManageError.
func (h *hooks) OnGroupManageError(error) { h.w.journal.live(h.instance, -1, lifeTrouble) }

// listener is a slog.Handler that hears what an instance says of its partitions.
type listener struct {
	w        *world
	instance int
}

// Enabled implements slog.Handler.
func (*listener) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// WithAttrs implements slog.Handler.
func (l *listener) WithAttrs(attrs []slog.Attr) slog.Handler { return l }

// WithGroup implements slog.Handler.
func (l *listener) WithGroup(string) slog.Handler { return l }

// Handle implements slog.Handler.
func (l *listener) Handle(_ context.Context, r slog.Record) error {
	j := l.w.journal
	switch {
	case r.Message == "partitions assigned":
		ids, _ := attr(r, "partitions").([]int32)
		for _, id := range ids {
			j.live(l.instance, id, lifeAssigned)
		}
	case r.Message == "partition released":
		if id, ok := attr(r, "partition").(int64); ok {
			j.live(l.instance, int32(id), lifeReleased)
		}
	case strings.HasPrefix(r.Message, "drain timeout reached"):
		j.live(l.instance, -1, lifeDrained)
	case strings.HasPrefix(r.Message, "checkpoint not usable"), strings.HasPrefix(r.Message, "committed offset is of an earlier topic"):
		l.w.broker.checkpointRefused()
	case strings.HasPrefix(r.Message, "some outcomes have expired"):
		j.count(loseOutcome, 1)
	case r.Message == "ledger read" && l.w.script.OldEpoch && j.since() < time.Second:
		j.count(oldEpoch, 1)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%9.3f  [%d] %s", j.since().Seconds(), l.instance, r.Message)
	r.Attrs(func(a slog.Attr) bool { fmt.Fprintf(&b, " %s=%v", a.Key, a.Value); return true })
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	l.w.logs = append(l.w.logs, b.String())
	return nil
}

func attr(r slog.Record, key string) any {
	var found any
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == key {
			found = a.Value.Any()
		}
		return true
	})
	return found
}

func (in *instance) leave(killed bool) {
	in.w.mu.Lock()
	defer in.w.mu.Unlock()
	in.gone, in.killed = true, killed
}

// stop ends an instance in good order.
func (in *instance) stop() {
	in.leave(false)
	in.w.journal.live(in.number, -1, lifeStop)
	in.end()
	<-in.ended
	in.w.journal.live(in.number, -1, lifeStopped)
	in.w.checkGap(in)
	if in.err != nil && !in.w.recreatedUnder(in) { // at the end of a script it may be about to be started again
		in.w.journal.find(ruleEnd, fmt.Sprintf("instance %d stopped with an error: %v", in.number, in.err))
	}
}

// kill takes the networks away permanently and lets what is left end: nothing
// that it does reaches anybody, which is what a dead process leaves behind.
func (in *instance) kill() {
	in.leave(true)
	in.w.journal.live(in.number, -1, lifeKill)
	in.wire.cut()
	in.wire.thaw()
	close(in.client.dead)
	in.end()
}

func (w *world) checkGap(in *instance) {
	w.mu.Lock()
	killed := in.killed
	w.mu.Unlock()
	if killed {
		return
	}
	if f := in.Figures(); f.Gap != 0 {
		w.journal.find(ruleConservation, fmt.Sprintf("instance %d: gap %d in %+v", in.number, f.Gap, f))
	}
	w.checkPlaces(in)
}

// working are the instances that were neither stopped nor killed.
func (w *world) working() []*instance {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []*instance
	for _, in := range w.instances {
		if !in.gone {
			list = append(list, in)
		}
	}
	return list
}

var errEnded = errors.New("the run ends")

package main

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/sample"
	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
	"github.com/deskstream/deskstream/sink/topics"
)

// The names in the configuration of a world.
const (
	eventsTopic    = "events"
	responsesTopic = "events.responses"
	lettersTopic   = "dlq.events.deskstream"
	inbox          = stubtrengo.Name // destinations are called as the help desks are
	crm            = stubkustomer.Name

	trengoToken = "t0k3n-of-trengo-desk"
	kustomerKey = "k3y-of-kustomer-desk"
)

// worldOptions shape a world.
type worldOptions struct {
	stub stub.Config
	// sources is the number of partitions of the source, others that of the others.
	sources, others int32
	// fake are options of the broker.
	fake []kfake.Opt
	// kafka is a cluster that others use too, which has the topics under names that begin
	// with prefix. Default: an embedded one of the world's own.
	kafka  *kafkatest.Cluster
	prefix string
	// session is the session timeout of classic groups, unless a test's settings say
	// otherwise, drain and timeout the bounds within it. Defaults 6s, 5s and 4s.
	session, drain, timeout time.Duration
}

// world is what the program is put into: a broker and the help desks, both in the
// test's process.
type world struct {
	*kafkatest.Cluster
	t       *testing.T
	desk    *stub.Server
	url     string
	prefix  string // of topics and groups
	sources int32  // partitions of the source

	session, drain, timeout time.Duration

	mu    sync.Mutex
	conns map[net.Conn]bool // open, to the help desks
	place map[string]place  // of the events, by their mark
	// written is where the source ends at least, by partition.
	written map[int32]int64
	// read is up to where outcomes were counted, by partition.
	read         map[int32]int64
	outcomesRead int
	// forgotten is how many events are remembered no more.
	forgotten int
}

// place is where an event stands, and of whom it is.
type place struct {
	partition int32
	offset    int64
	user      string
}

// consumerGroups are the broker's settings for groups of the consumer protocol.
var consumerGroups = map[string]string{
	"group.consumer.session.timeout.ms": "6000", "group.consumer.heartbeat.interval.ms": "500",
}

// largeMessages is the setting of topics that hold what became of events.
var largeMessages = []string{"max.message.bytes", "2097152"}

func newWorld(t *testing.T, o worldOptions) *world {
	t.Helper()
	if o.sources == 0 {
		o.sources, o.others = 12, 5
	}
	if o.stub.Limit == 0 {
		o.stub.Limit = 1 << 30
	}
	w := &world{
		t: t, desk: stub.New(o.stub, stubtrengo.New(nil), stubkustomer.New()), conns: make(map[net.Conn]bool), place: make(map[string]place), written: make(map[int32]int64), read: make(map[int32]int64),
		Cluster: o.kafka, prefix: o.prefix, sources: o.sources,
		session: cmp.Or(o.session, 6*time.Second), drain: cmp.Or(o.drain, 5*time.Second), timeout: cmp.Or(o.timeout, 4*time.Second),
	}
	if w.Cluster == nil {
		w.Cluster = kafkatest.Kafka(t, kafkatest.Topic(eventsTopic, o.sources),
			kafkatest.Topic(responsesTopic, o.others, largeMessages...), kafkatest.Topic(lettersTopic, o.others, largeMessages...),
			kafkatest.Fake(append([]kfake.Opt{kfake.BrokerConfigs(consumerGroups)}, o.fake...)...))
	}
	server := httptest.NewUnstartedServer(w.desk)
	server.Config.ConnState = w.connState
	server.Start()
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

// topic is the name of a topic in this world.
func (w *world) topic(name string) string { return w.prefix + name }

// group is the consumer group of a destination.
func (w *world) group(destination string) string { return w.prefix + "deskstream." + destination }

func (w *world) connState(c net.Conn, s http.ConnState) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch s {
	case http.StateNew:
		w.conns[c] = true
	case http.StateClosed, http.StateHijacked:
		delete(w.conns, c)
	}
}

// awaitQuiet waits until everything that dead processes had sent to the help desks
// has arrived, and was left.
func (w *world) awaitQuiet() {
	w.t.Helper()
	await(w.t, "the connections of the dead process to close", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.conns) == 0 && w.desk.Open() == 0
	})
}

// settings are what tests change in the configuration file.
type settings struct {
	source  string // further lines of source, each indented by two blanks
	brokers []string
	listen  string
	session time.Duration
	// letters are further settings of dead_letters, with a comma before each; reserve is
	// the share of the budgets that is left to dead letters.
	letters string
	reserve float64
	commit  time.Duration
	// delivery is further lines of each delivery, each indented by six blanks.
	delivery string
	// rate is the budget of each destination, so large by default that it never binds.
	rate string
}

// config writes a configuration file and gives its path.
func (w *world) config(s settings) string {
	w.t.Helper()
	if s.brokers == nil {
		s.brokers = w.Brokers
	}
	if s.listen == "" {
		s.listen = "127.0.0.1:0"
	}
	if s.session == 0 {
		s.session = w.session
	}
	if s.commit == 0 {
		s.commit = 50 * time.Millisecond
	}
	delivery := fmt.Sprintf(`    delivery:
      timeout: %s
      rate_limit: {%s, reserve: %v}
      retry: {initial: 50ms, max: 500ms}
%s`, w.timeout, cmp.Or(s.rate, "requests: 100000000, per: 1m"), s.reserve, s.delivery)
	return writeFile(w.t, "deskstream.yaml", fmt.Sprintf(`kafka: {brokers: [%q]}
source:
  topics: [%s]
  group: %sdeskstream
  session_timeout: %s
  drain_timeout: %s
  commit_interval: %s
%sresponses: {topic: %s}
dead_letters: {topic: %s%s}
http: {listen: %q, admin: "127.0.0.1:0"}
destinations:
  - name: %s
    type: trengo
    trengo:
      api_token: %s
      channel_id: "123456"
      create_contact: true
      event_templates: [{event: Order Completed, template: "Order {{ properties.eventNo }}"}]
      base_url: %s
%s  - name: %s
    type: kustomer
    kustomer:
      api_key: %s
      base_url: %s
%s`, strings.Join(s.brokers, ","), w.topic(eventsTopic), w.prefix, s.session, w.drain, s.commit, s.source, w.topic(responsesTopic), w.topic(lettersTopic), s.letters, s.listen,
		inbox, trengoToken, w.url+stubtrengo.Path, delivery, crm, kustomerKey, w.url+stubkustomer.Path, delivery))
}

// start starts `run` with a configuration file.
func (w *world) start(path string, args ...string) *process {
	w.t.Helper()
	return startProcess(w.t, append([]string{"run", "-c", path, "--log-format", "json"}, args...)...)
}

// secretText is in every event: it must not be seen in a log.
const secretText = "d0nt-log-this"

// produce writes events of the users that pick gives, which cause a write at both help
// desks, and remembers where they are.
func (w *world) produce(n int, pick func() int) {
	w.t.Helper()
	records := w.events(n, pick)
	w.Produce(w.t, records...)
	w.remember(records)
}

// Produce writes records as the cluster's does, and remembers where the source ends.
func (w *world) Produce(t testing.TB, records ...*kgo.Record) {
	t.Helper()
	w.Cluster.Produce(t, records...)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range records {
		if r.Topic == w.topic(eventsTopic) {
			w.written[r.Partition] = max(w.written[r.Partition], r.Offset+1)
		}
	}
}

// events makes n events with marks that follow those remembered.
func (w *world) events(n int, pick func() int) []*kgo.Record {
	records := make([]*kgo.Record, n)
	w.mu.Lock()
	before := len(w.place) + w.forgotten
	w.mu.Unlock()
	for i := range records {
		user, mark := fmt.Sprintf("user-%d", pick()), sample.Mark(before+i+1)
		hash := fnv.New32a()
		_, _ = hash.Write([]byte(user)) // a hash's Write never fails
		records[i] = &kgo.Record{
			Topic: w.topic(eventsTopic), Partition: int32(hash.Sum32() % uint32(w.sources)), Key: []byte(user),
			Value: fmt.Appendf(nil, `{"type":"track","event":"Order Completed","userId":%q,"messageId":%q,`+
				`"properties":{"eventNo":%q,"note":%q},"context":{"traits":{"email":"%s@example.com"}}}`,
				user, mark, mark, secretText, user),
		}
	}
	return records
}

// remember takes events in that are on the source now.
func (w *world) remember(records []*kgo.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range records {
		w.place[sample.FindMark(r.Value)] = place{r.Partition, r.Offset, string(r.Key)}
	}
}

// produced is how many events there are.
func (w *world) produced() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.place)
}

// each is a pick of one user after another.
func each(n int) func() int {
	i := 0
	return func() int { i++; return i % n }
}

// outcomes counts the outcomes on the responses topic by group and source record.
func (w *world) outcomes() map[outcomeKey]int {
	w.t.Helper()
	found := make(map[outcomeKey]int)
	for _, r := range outcomeRecords(w.Consume(w.t, w.topic(responsesTopic))) {
		entry, ok := topics.ParseEntry(r)
		if !ok {
			w.t.Fatalf("a record on %s is no outcome: %s", responsesTopic, r.Value)
		}
		found[outcomeKey{entry.Destination, entry.Partition, entry.Offset}]++
	}
	return found
}

// outcomeRecords leaves out what is no outcome.
func outcomeRecords(records []*kgo.Record) []*kgo.Record {
	return slices.DeleteFunc(records, topics.IsForOwners)
}

// keyOf is the event and destination of a write.
func (w *world) keyOf(c stub.Call) outcomeKey {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := w.place[c.Mark]
	return outcomeKey{c.Destination, at.partition, at.offset}
}

// outcomeKey names an event at a destination.
type outcomeKey struct {
	destination string
	partition   int32
	offset      int64
}

// settled is how many outcomes there have been. Each call reads what is new.
func (w *world) settled() int {
	w.t.Helper()
	w.mu.Lock()
	next := maps.Clone(w.read)
	w.mu.Unlock()
	records := w.ConsumeFrom(w.t, w.topic(responsesTopic), next)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range records {
		if r.Offset < w.read[r.Partition] {
			continue // another caller has it
		}
		if w.read[r.Partition] = r.Offset + 1; !topics.IsForOwners(r) {
			w.outcomesRead++
		}
	}
	return w.outcomesRead
}

// addPartitions raises the number of the source's partitions to n.
func (w *world) addPartitions(n int32) {
	w.t.Helper()
	w.AddPartitions(w.t, w.topic(eventsTopic), int(n))
	w.sources = n
}

func (w *world) ends(topic string) int64 {
	sum := int64(0)
	for _, end := range w.EndOffsets(w.t, w.topic(topic)) {
		sum += end
	}
	return sum
}

// awaitCommitted waits until the groups have committed the ends of the source.
func (w *world) awaitCommitted(p *process) {
	w.t.Helper()
	for _, destination := range []string{inbox, crm} {
		await(w.t, "the offsets of "+destination+" to reach the end", func() bool {
			p.alive()
			return w.committedAll(destination)
		})
	}
}

// committedAll reports whether a group has committed the end of each partition that the source
// has, and all that was produced lies before the ends. A broker may know of fewer partitions.
func (w *world) committedAll(destination string) bool {
	committed, ends := w.Committed(w.t, w.group(destination), w.topic(eventsTopic)), w.EndOffsets(w.t, w.topic(eventsTopic))
	w.mu.Lock()
	defer w.mu.Unlock()
	for id := range w.sources {
		end, there := ends[id]
		if at, ok := committed[id]; !there || !ok || at.At != end || end < w.written[id] {
			return false
		}
	}
	return true
}

// wantOnce fails the test unless every event has one outcome at each destination, and
// each of its writes arrived once.
func (w *world) wantOnce() {
	w.t.Helper()
	w.wantWritten(func(_, _ stub.Call) bool { return false })
	outcomes := w.outcomes()
	if len(outcomes) != 2*w.produced() {
		w.t.Errorf("outcomes for %d events at a destination, want %d", len(outcomes), 2*w.produced())
	}
	for key, n := range outcomes {
		if n != 1 {
			w.t.Errorf("%+v has %d outcomes, want 1", key, n)
		}
	}
}

// wantWritten fails the test unless every event was written at both help desks, each
// user's in the order of the source, and again only where permits says so.
func (w *world) wantWritten(permits func(earlier, again stub.Call) bool) {
	w.t.Helper()
	type write struct{ destination, op, mark string }
	type lane struct{ destination, user string }
	last, newest, written := map[write]stub.Call{}, map[lane]int64{}, map[write]bool{}
	for _, c := range w.writes() {
		at, known := w.place[c.Mark]
		if !known {
			w.t.Errorf("call %d is of no event: %q", c.Seq, c.Mark)
			continue
		}
		if l := (lane{c.Destination, at.user}); at.offset < newest[l] {
			w.t.Errorf("%s of %s at %s, offset %d, came after that of offset %d", c.Op, at.user, c.Destination, at.offset, newest[l])
		} else {
			newest[l] = at.offset
		}
		key := write{c.Destination, c.Op, c.Mark}
		if earlier, again := last[key]; again && !permits(earlier, c) {
			w.t.Errorf("%s of %s (%+v) was repeated: %+v, then %+v", c.Op, c.Mark, at, earlier, c)
		}
		last[key] = c
		written[write{destination: c.Destination, mark: c.Mark}] = true
	}
	for mark, at := range w.place {
		for _, destination := range []string{inbox, crm} {
			if !written[write{destination: destination, mark: mark}] {
				w.t.Errorf("%s (%+v) never reached %s", mark, at, destination)
			}
		}
	}
}

// writes are the calls for events that arrived at the help desks, in order.
func (w *world) writes() []stub.Call {
	return slices.DeleteFunc(w.desk.Received(), func(c stub.Call) bool { return c.Method == http.MethodGet || c.Mark == "" })
}

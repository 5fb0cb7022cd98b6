package processor_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/processor"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
	"github.com/deskstream/deskstream/sink/topics"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	source      = "events"
	responses   = "events.responses"
	deadLetters = "dlq.events.deskstream"
	group       = "deskstream.desk"
)

// world is a cluster with the three topics, and a help desk.
type world struct {
	t     *testing.T
	kafka *kafkatest.Cluster
	desk  *desk
	cfg   processor.Config
	step  time.Duration // between two looks at a condition
	sent  int
	log   *safeBuffer
	route func() sink.Route // testRoute
}

// safeBuffer is what the processors log.
type safeBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// logged counts the lines of a level that have all of the texts, attributes as a rule.
func (w *world) logged(level string, texts ...string) (n int) {
	for line := range strings.Lines(w.log.String()) {
		has := func(text string) bool { return strings.Contains(line, text) }
		if has(" level="+level+" ") && !slices.ContainsFunc(texts, func(text string) bool { return !has(text) }) {
			n++
		}
	}
	return n
}

// newWorld has a source of four partitions and responses of three, so that two share one.
func newWorld(t *testing.T, opts ...kafkatest.Option) *world {
	t.Helper()
	opts = append(opts,
		kafkatest.Fake(kfake.GroupMinSessionTimeout(time.Second)),
		kafkatest.Topic(source, 4), kafkatest.Topic(responses, 3), kafkatest.Topic(deadLetters, 2))
	reader, err := mapping.NewReader(mapping.Layout{Lane: []string{"userId", "key"}})
	if err != nil {
		t.Fatal(err)
	}
	return &world{
		t: t, kafka: kafkatest.Kafka(t, opts...), desk: newDesk(), step: 10 * time.Millisecond, log: new(safeBuffer), route: testRoute,
		cfg: processor.Config{
			Topics: []string{source}, Cluster: "cluster-1", Group: group, SessionTimeout: 45 * time.Second,
			CommitInterval: time.Second, DrainTimeout: 35 * time.Second, Reader: reader,
			Limits: processor.Limits{Records: 1000, Bytes: 1 << 20, Lanes: 1000, Span: 100_000},
			Writer: topics.Config{Responses: responses, DeadLetters: deadLetters, Bodies: true, Group: group, Destination: "desk", DestinationType: "test"},
		},
	}
}

// event is a record of a user; n differs between events of one user.
func event(user string, n int) []byte {
	return fmt.Appendf(nil, `{"type":"track","userId":%q,"messageId":"%s-%d","event":"E"}`, user, user, n)
}

// send produces events to a partition.
func (w *world) send(partition int32, values ...[]byte) {
	w.t.Helper()
	records := make([]*kgo.Record, len(values))
	for i, v := range values {
		records[i] = &kgo.Record{Topic: source, Partition: partition, Value: v}
	}
	w.kafka.Produce(w.t, records...)
	w.sent += len(values)
}

// sendUser produces events from to to of one user.
func (w *world) sendUser(partition int32, user string, from, to int) {
	w.t.Helper()
	var values [][]byte
	for n := from; n <= to; n++ {
		values = append(values, event(user, n))
	}
	w.send(partition, values...)
}

// instance is one running processor.
type instance struct {
	*processor.Processor
	t     *testing.T
	w     *world
	dest  *sink.Destination
	wire  *wire
	end   context.CancelFunc
	ended chan error
}

// start runs a processor until the test ends. change may alter its configuration.
func (w *world) start(change ...func(*processor.Config, *sink.Config)) *instance {
	w.t.Helper()
	cfg := w.cfg
	call := sink.Config{
		Name: "desk", BaseURL: "http://desk.test", Credential: sink.NewSecret("s3cret-token"),
		MaxInFlight: 64, Rate: budget.Rate{Requests: 1_000_000, Per: time.Minute}, Timeout: 30 * time.Second,
		Retry: sink.Policy{MaxElapsed: 15 * time.Minute, Initial: 500 * time.Millisecond, Max: time.Minute}, Transport: w.desk,
	}
	for _, c := range change {
		c(&cfg, &call)
	}
	log := slog.New(slog.NewTextHandler(io.MultiWriter(w.t.Output(), w.log), &slog.HandlerOptions{Level: slog.LevelInfo}))
	spend := budget.New(call.Rate)
	if call.Priorities {
		spend.Prioritise()
	}
	dest := sink.NewDestination(call, spend, log)
	wire := &wire{w: w}
	cfg.Connection = append(w.kafka.Options(), kgo.Dialer(wire.dial))
	p, err := processor.New(cfg, w.route(), dest, log)
	if err != nil {
		w.t.Fatalf("New: %v", err)
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	in := &instance{Processor: p, t: w.t, w: w, dest: dest, wire: wire, end: cancel, ended: make(chan error, 1)}
	go func() { in.ended <- p.Run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-in.ended; err != nil {
			w.t.Logf("Run = %v", err)
		}
		in.ended <- nil
	})
	return in
}

// stop ends the processor in good order and waits for it.
func (in *instance) stop() {
	in.t.Helper()
	in.end()
	err := <-in.ended
	in.ended <- nil
	if err != nil {
		in.t.Errorf("Run = %v, want nil after a stop", err)
	}
}

// kill takes the processor's network away permanently and then ends it, so that nothing
// it does in its end reaches anybody: what a SIGKILL leaves behind.
func (in *instance) kill() {
	in.t.Helper()
	in.wire.cut()
	in.w.desk.cut()
	in.end()
	in.t.Logf("Run = %v, which a dead process cannot report", <-in.ended)
	in.ended <- nil
	in.w.desk.mend()
}

// testRoute makes one write per event, which carries the event's user and number.
func testRoute() sink.Route {
	return sink.NewRoute(sink.DestinationInfo{Name: "desk", Type: "test"}, mapping.Filter{},
		func(ev mapping.Event) (mapping.Event, error) {
			switch ev.Name() {
			case "invalid":
				return ev, &mapping.Error{Code: mapping.InvalidID, Message: "no good"}
			case "skip":
				return ev, mapping.Filtered
			}
			return ev, nil
		},
		func(ctx context.Context, do sink.Doer, ev mapping.Event) (sink.Receipt, error) {
			_, err := do.Do(ctx, sink.Call{
				Op: "POST /events", Method: http.MethodPost, Path: "/events", Unrepeatable: true,
				Body: mapping.Obj(mapping.Member{Name: "user", Value: ev.Get("userId")}, mapping.Member{Name: "id", Value: ev.Get("messageId")}),
			})
			return sink.Receipt{}, err
		})
}

// lookupRoute looks the user up before it writes.
func lookupRoute() sink.Route {
	return sink.NewRoute(sink.DestinationInfo{Name: "desk", Type: "test"}, mapping.Filter{},
		func(ev mapping.Event) (mapping.Event, error) { return ev, nil },
		func(ctx context.Context, do sink.Doer, ev mapping.Event) (sink.Receipt, error) {
			user := ev.Get("userId").Text()
			id := ev.Get("messageId").Text()
			_, err := do.Do(ctx, sink.Call{
				Op: "GET /users", Method: http.MethodGet, Path: "/users", Lookup: true,
				Query: url.Values{"user": {user}, "id": {id}}.Encode(),
			})
			if err != nil {
				return sink.Receipt{}, err
			}
			_, err = do.Do(ctx, sink.Call{
				Op: "POST /events", Method: http.MethodPost, Path: "/events", Unrepeatable: true,
				Body: mapping.Obj(mapping.Member{Name: "user", Value: ev.Get("userId")}, mapping.Member{Name: "id", Value: ev.Get("messageId")}),
			})
			return sink.Receipt{}, err
		})
}

// desk is a help desk that notes the calls that it gets and answers as a test says.
type desk struct {
	mu     sync.Mutex
	seen   []seen
	open   map[string]int // calls under way per user
	down   bool
	answer func(s seen) (status int, wait time.Duration)
	faults []string
}

// seen is one call.
type seen struct {
	User, ID string
	Lookup   bool
	At       time.Time
}

func newDesk() *desk {
	return &desk{open: make(map[string]int), answer: func(seen) (int, time.Duration) { return 201, 0 }}
}

// answers sets how calls are answered from now on; status 0 is a refused connection.
func (d *desk) answers(f func(s seen) (status int, wait time.Duration)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answer = f
}

func (d *desk) cut()  { d.mu.Lock(); d.down = true; d.mu.Unlock() }
func (d *desk) mend() { d.mu.Lock(); d.down = false; d.mu.Unlock() }

// read says what a call is about: a lookup names its event in the query.
func read(req *http.Request) (seen, error) {
	if req.Method == http.MethodGet {
		q := req.URL.Query()
		return seen{User: q.Get("user"), ID: q.Get("id"), Lookup: true}, nil
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return seen{}, err
	}
	var s seen
	return s, json.Unmarshal(body, &s)
}

// RoundTrip notes the call when it arrives, and a fault when the same user has
// another call open.
func (d *desk) RoundTrip(req *http.Request) (*http.Response, error) {
	s, err := read(req)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	if d.down {
		d.mu.Unlock()
		return nil, errors.New("network is down")
	}
	s.At = time.Now()
	d.seen = append(d.seen, s)
	if d.open[s.User]++; d.open[s.User] > 1 {
		d.faults = append(d.faults, "two calls of "+s.User+" at once")
	}
	status, wait := d.answer(s)
	d.mu.Unlock()
	defer func() { d.mu.Lock(); d.open[s.User]--; d.mu.Unlock() }()
	select {
	case <-time.After(wait):
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	if status == 0 {
		return nil, &net.OpError{Op: "dial", Err: errors.New("refused")}
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}")), Request: req}, nil
}

// ids are the events that arrived, in order, repeats included.
func (d *desk) ids() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	ids := make([]string, len(d.seen))
	for i, s := range d.seen {
		ids[i] = s.ID
	}
	return ids
}

// calls are the writes that arrived, in order, repeats included.
func (d *desk) calls() []seen {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(d.seen), func(s seen) bool { return s.Lookup })
}

// of are the events of one user that arrived, in order.
func (d *desk) of(user string) []string {
	return slices.DeleteFunc(d.ids(), func(id string) bool { return !strings.HasPrefix(id, user+"-") })
}

// wire is one instance's network, which can be cut.
type wire struct {
	w *world

	mu    sync.Mutex
	gone  bool
	conns []net.Conn
}

func (w *wire) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.gone {
		return nil, errors.New("network is down")
	}
	conn, err := w.w.kafka.Dial(ctx, network, addr)
	if err == nil {
		w.conns = append(w.conns, conn)
	}
	return conn, err
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gone = true
	for _, conn := range w.conns {
		_ = conn.Close()
	}
}

// eventually waits until cond holds, ten minutes at most, which are none in a bubble.
func (w *world) eventually(what string, cond func() bool) {
	w.t.Helper()
	for until := time.Now().Add(10 * time.Minute); time.Now().Before(until); {
		if cond() {
			return
		}
		time.Sleep(w.step)
	}
	w.t.Fatalf("ten minutes passed without: %s", what)
}

// outcome is an outcome as it stands on the responses topic.
type outcome struct {
	Event   struct{ ID, Lane string }
	Outcome string
	Error   *struct{ Class, Code string }
	DLQID   string `json:"dlq_id"`
	Source  struct {
		Partition int32
		Offset    int64
	}
}

// outcomes reads the responses topic.
func (w *world) outcomes() []outcome {
	w.t.Helper()
	var all []outcome
	for _, r := range w.kafka.Consume(w.t, responses) {
		if topics.IsForOwners(r) {
			continue
		}
		var o outcome
		if err := json.Unmarshal(r.Value, &o); err != nil {
			w.t.Fatalf("outcome %s: %v", r.Value, err)
		}
		all = append(all, o)
	}
	return all
}

// committed are the group's committed offsets, -1 for none.
func (w *world) committed(partition int32) int64 {
	w.t.Helper()
	at, ok := w.kafka.Committed(w.t, group, source)[partition]
	if !ok {
		return -1
	}
	return at.At
}

// settledAll waits until all that was sent is committed.
func (w *world) settledAll() {
	w.t.Helper()
	w.eventually("everything committed", func() bool {
		ends := w.kafka.EndOffsets(w.t, source)
		for p, end := range ends {
			if end > 0 && w.committed(p) != end {
				return false
			}
		}
		return true
	})
}

// check looks at what must hold at any time.
func (in *instance) check() {
	in.t.Helper()
	if f := in.Figures(); f.Gap != 0 {
		in.t.Errorf("conservation gap %d in %+v", f.Gap, f)
	}
	in.w.desk.mu.Lock()
	defer in.w.desk.mu.Unlock()
	if len(in.w.desk.faults) > 0 {
		in.t.Errorf("lane order broken: %v", in.w.desk.faults)
	}
}

// last is when the latest call arrived.
func (d *desk) last() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.seen[len(d.seen)-1].At
}

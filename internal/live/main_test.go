package live

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const topic = "events.responses"

// made is what a test says of an outcome.
type made struct {
	destination, code, kind, rule, user string
	outcome                             sink.Disposition
}

// record is the record of the nth outcome.
func (o made) record(n int) *kgo.Record {
	text := func(s string) *string { return &s }
	out := sink.Outcome{
		Event:       sink.EventInfo{ID: text(fmt.Sprintf("m-%d", n)), Type: &o.kind, Lane: &o.user},
		Destination: sink.DestinationInfo{Name: o.destination, Type: "kustomer"}, Outcome: o.outcome, Rule: o.rule,
		Calls:    []sink.CallRecord{{Method: "POST", URL: "http://desk/customers", Attempts: 1}, {Method: "GET", URL: "http://desk/1"}},
		Warnings: []string{}, At: sink.Time{Time: time.Unix(int64(1_800_000_000+n), 0)}, Schema: 1,
	}
	switch {
	case o.outcome == sink.Dead:
		out.Error = &sink.ErrorInfo{Stage: sink.StageRequest, Class: sink.Rejected, Code: mapping.Code(o.code), Message: "no"}
	case o.code != "":
		reason := mapping.Skip(o.code)
		out.Reason = &reason
	}
	rec := &kgo.Record{Topic: topic, Key: []byte(o.user), Value: out.AppendJSON(nil)}
	for name, value := range map[string]string{
		"deskstream.group": "g." + o.destination, "deskstream.source": fmt.Sprintf("events/0/%d", n), "deskstream.source.epoch": "0",
		"deskstream.destination": o.destination, "deskstream.outcome": string(o.outcome), "deskstream.round": "0",
	} {
		rec.Headers = append(rec.Headers, kgo.RecordHeader{Key: name, Value: []byte(value)})
	}
	return rec
}

func asJSON(_ context.Context, r *kgo.Record) ([]byte, error) { return r.Value, nil }

// world is a topic and a hub, in a bubble.
type world struct {
	*Hub

	t       *testing.T
	cluster *kafkatest.Cluster
	cl      *kgo.Client
	opened  atomic.Int32 // clients of the hub, and those that are closed
	closed  atomic.Int32
	n       int
	refuse  atomic.Pointer[error]
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, cluster: kafkatest.Kafka(t, kafkatest.Virtual(), kafkatest.Topic(topic, 2))}
	w.cl = w.cluster.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerBatchMaxBytes(32<<10))
	w.Hub = NewHub(func() (Source, error) { return w.source(), w.refusal() })
	t.Cleanup(w.Close)
	return w
}

func (w *world) refusal() error {
	if err := w.refuse.Load(); err != nil {
		return *err
	}
	return nil
}

func (w *world) source() Source {
	w.opened.Add(1)
	return Source{
		Topic: topic, Decode: asJSON, Close: func() { w.closed.Add(1) },
		Connect: func(_ context.Context, opts ...kgo.Opt) (*kgo.Client, error) {
			return kgo.NewClient(append(append(w.cluster.Options(), kgo.DisableClientMetrics()), opts...)...)
		},
	}
}

func (w *world) watch(f Filter) *Viewer {
	w.t.Helper()
	v, err := w.Watch(f)
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

// write writes outcomes, and waits until the reader had time to take them.
func (w *world) write(list ...made) {
	w.t.Helper()
	var records []*kgo.Record
	for _, o := range list {
		r := o.record(w.n)
		r.Partition = int32(w.n % 2)
		records = append(records, r)
		w.n++
	}
	if err := w.cl.ProduceSync(w.t.Context(), records...).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
	settle()
}

// settle lets the time of the bubble pass in which the reader takes what was written.
func settle() { time.Sleep(2 * time.Second) }

func ids(rows []Row) string {
	var list []string
	for _, r := range rows {
		list = append(list, r.ID)
	}
	return strings.Join(list, " ")
}

var (
	delivered = made{destination: "crm", kind: "identify", user: "u-1", rule: "vip", outcome: sink.Delivered}
	skipped   = made{destination: "crm", kind: "page", user: "u-2", code: "no_rule", outcome: sink.Skipped}
	dead      = made{destination: "inbox", kind: "track", user: "u-1", rule: "a \"b\"", code: "http_422", outcome: sink.Dead}
)

// filters pick of delivered, skipped and dead, in this order, m-0 to m-2.
var filters = map[string]struct {
	filter Filter
	want   string
}{
	"nothing":         {Filter{}, "m-0 m-1 m-2"},
	"destination":     {Filter{Destinations: []string{"crm"}}, "m-0 m-1"},
	"outcome":         {Filter{Outcomes: []string{"dead", "skipped"}}, "m-1 m-2"},
	"code":            {Filter{Codes: []string{"http_422"}}, "m-2"},
	"reason":          {Filter{Codes: []string{"no_rule"}}, "m-1"},
	"type":            {Filter{Types: []string{"identify"}}, "m-0"},
	"rule":            {Filter{Rules: []string{"vip"}}, "m-0"},
	"a quoted rule":   {Filter{Rules: []string{`a "b"`}}, "m-2"},
	"user":            {Filter{Users: []string{"u-1"}}, "m-0 m-2"},
	"several":         {Filter{Users: []string{"u-1"}, Destinations: []string{"inbox"}, Codes: []string{"http_422", "http_500"}}, "m-2"},
	"text elsewhere":  {Filter{Types: []string{"kustomer"}}, ""},
	"one that is not": {Filter{Codes: []string{"http_500"}}, ""},
}

func TestHub_showsWhatAFilterPicksAndNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		viewers := map[string]*Viewer{}
		for name, tt := range filters {
			viewers[name] = w.watch(tt.filter)
		}
		settle()
		w.write(delivered, skipped, dead)
		w.write(made{destination: "crm", user: "u-9", outcome: "progress"}) // no outcome
		for name, tt := range filters {
			if b := viewers[name].Take(); ids(b.Rows) != tt.want || b.LeftOut != 0 || b.Fault != nil {
				t.Errorf("%s: rows %q, %d left out, fault %v, want %q", name, ids(b.Rows), b.LeftOut, b.Fault, tt.want)
			}
		}
		w.Close()
	})
}

func TestNewest_showsWhatAFilterPicksAndNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.write(delivered, skipped, dead)
		for name, tt := range filters {
			list, err := Newest(t.Context(), w.source(), tt.filter, 100)
			want := strings.Fields(tt.want)
			for i, j := 0, len(want)-1; i < j; i, j = i+1, j-1 {
				want[i], want[j] = want[j], want[i]
			}
			if err != nil || ids(list.Rows) != strings.Join(want, " ") || list.Looked != 3 || !list.Whole {
				t.Errorf("%s: rows %q of %d, %v, want %q", name, ids(list.Rows), list.Looked, err, want)
			}
		}
		list, err := Newest(t.Context(), w.source(), Filter{}, 1)
		if err != nil || ids(list.Rows) != "m-2" {
			t.Errorf("the newest one is %q, %v", ids(list.Rows), err)
		}
	})
}

func TestHub_readsWhileSomebodyLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		settle()
		if w.opened.Load() != 0 {
			t.Fatalf("%d readers while nobody looks", w.opened.Load())
		}
		first, second := w.watch(Filter{}), w.watch(Filter{})
		settle()
		if w.opened.Load() != 1 {
			t.Errorf("%d readers for two viewers", w.opened.Load())
		}
		first.Close()
		first.Close()
		settle()
		if w.closed.Load() != 0 {
			t.Error("the reader has ended while somebody looks")
		}
		second.Close()
		settle()
		if w.closed.Load() != 1 {
			t.Error("the reader goes on while nobody looks")
		}
		w.write(delivered)
		third := w.watch(Filter{})
		settle()
		w.write(dead)
		if b := third.Take(); ids(b.Rows) != "m-1" || w.opened.Load() != 2 || len(second.Take().Rows) != 0 {
			t.Errorf("who comes back sees %q of %d readers, want the new one only", ids(b.Rows), w.opened.Load())
		}
		third.Close()
	})
}

func TestHub_viewersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var last *Viewer
		for range MaxViewers {
			last = w.watch(Filter{})
		}
		if _, err := w.Watch(Filter{}); !errors.Is(err, ErrFull) {
			t.Errorf("one more viewer: %v", err)
		}
		last.Close()
		first := w.watch(Filter{})
		w.Close()
		select {
		case <-first.Gone():
		default:
			t.Error("a viewer looks on after the end")
		}
		if _, err := w.Watch(Filter{}); !errors.Is(err, ErrEnded) {
			t.Errorf("a viewer after the end: %v", err)
		}
		first.Close()
		w.Close()
	})
}

func TestHub_aViewerWhoDoesNotReadTakesNoMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHub(nil)
		viewers := []*Viewer{newViewer(h, Filter{}), newViewer(h, Filter{Types: []string{"identify"}})}
		const n = 10_000
		for i := range n {
			if err := h.take(t.Context(), viewers, asJSON, delivered.record(i)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(100 * time.Microsecond) // ten thousand a second
		}
		time.Sleep(time.Minute)
		for i := range maxPending + 1 {
			if err := h.take(t.Context(), viewers, asJSON, delivered.record(n+i)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		for i, v := range viewers {
			b := v.Take()
			if len(b.Rows) != maxPending || cap(b.Rows) > 2*maxPending || int(b.LeftOut) != n+maxPending+1-maxPending {
				t.Errorf("viewer %d has %d rows (room for %d) and %d left out", i, len(b.Rows), cap(b.Rows), b.LeftOut)
			}
			if last := b.Rows[len(b.Rows)-1].ID; last != fmt.Sprintf("m-%d", n+maxPending) {
				t.Errorf("viewer %d: the newest row is %s", i, last)
			}
		}
	})
}

func TestHub_goesOnAtTheEndWhenItIsBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		v := w.watch(Filter{Destinations: []string{"inbox"}})
		settle()
		var many []made
		for range 8000 {
			many = append(many, delivered)
		}
		w.write(many...)
		w.write(dead)
		b := v.Take()
		if b.Unread == 0 || ids(b.Rows) != "m-8000" {
			t.Errorf("%d not looked at, rows %q: want some, and the one that came after them", b.Unread, ids(b.Rows))
		}
		v.Close()
	})
}

func TestHub_saysWhyNothingComesAndTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		noSchema := errors.New("no schema")
		w.refuse.Store(&noSchema)
		v := w.watch(Filter{})
		settle()
		if b := v.Take(); !errors.Is(b.Fault, noSchema) {
			t.Errorf("fault %v", b.Fault)
		}
		late := w.watch(Filter{})
		if b := late.Take(); b.Fault == nil {
			t.Error("who comes later does not see the fault")
		}
		w.refuse.Store(nil)
		time.Sleep(retryAfter)
		settle()
		broken := delivered.record(0)
		broken.Value = []byte(`{"event":`)
		if err := w.cl.ProduceSync(t.Context(), broken).FirstErr(); err != nil {
			t.Fatal(err)
		}
		w.write(dead)
		if b := v.Take(); b.Fault != nil || ids(b.Rows) != "m-0" {
			t.Errorf("fault %v, rows %q after the fault, want that of the outcome that can be read", b.Fault, ids(b.Rows))
		}
		v.Close()
		late.Close()
	})
}

// A client connects without asking a broker anything, so connecting says nothing of the topic.
func TestHub_showsAFaultUntilTheTopicIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		denied := w.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: topic, Err: kerr.TopicAuthorizationFailed, Count: -1})
		slow := func() { // an answer takes a while
			w.cluster.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
				w.cluster.KeepControl()
				w.cluster.SleepControl(func() { time.Sleep(time.Second) })
				return nil, nil, false
			})
		}
		slow()
		v := w.watch(Filter{})
		time.Sleep(2 * retryAfter)
		for range int(3*retryAfter/time.Second) * 10 {
			if b := v.Take(); !errors.Is(b.Fault, kerr.TopicAuthorizationFailed) {
				t.Fatalf("fault %v after %d clients while no fetch is allowed", b.Fault, w.opened.Load())
			}
			time.Sleep(100 * time.Millisecond)
		}
		if w.opened.Load() < 3 {
			t.Errorf("%d clients in three times the pause", w.opened.Load())
		}
		denied.Remove()
		time.Sleep(4 * retryAfter) // to a topic to which nothing is written
		if b := v.Take(); b.Fault != nil {
			t.Errorf("fault %v after the topic was read", b.Fault)
		}
		v.Close()
		w.Close()
	})
}

// faultsError is an error that cannot be compared.
type faultsError []string

func (f faultsError) Error() string { return strings.Join(f, ", ") }

func TestHub_goesOnAfterAnErrorThatCannotBeCompared(t *testing.T) {
	h := NewHub(nil)
	for range 2 {
		h.failed(t.Context(), faultsError{"no broker", "no topic"})
	}
	if h.fault == nil || h.fault.Error() != "no broker, no topic" {
		t.Errorf("viewers see %v", h.fault)
	}
}

//go:build synctests

package processor_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/deskstream/deskstream/internal/tracing"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/processor"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
	"github.com/deskstream/deskstream/sink/traces"
)

// A producer's trace, sampled and not.
const (
	producerTrace = "0af7651916cd43dd8448eb211c80319c"
	producerSpan  = "b7ad6b7169203331"
	sampled       = "00-" + producerTrace + "-" + producerSpan + "-01"
	unsampled     = "00-" + producerTrace + "-" + producerSpan + "-00"
)

// collector keeps the spans of a test, and the headers of the calls that the desk got.
type collector struct {
	*world
	*tracetest.SpanRecorder
	mu    sync.Mutex
	heard []string // the traceparent of each call, "" for none
}

// RoundTrip makes it the desk.
func (c *collector) RoundTrip(req *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.heard = append(c.heard, req.Header.Get("traceparent"))
	c.mu.Unlock()
	return c.desk.RoundTrip(req)
}

// collect keeps the spans of what the world's processors do from now on.
func collect(t *testing.T, w *world) *collector {
	t.Helper()
	return &collector{world: w, SpanRecorder: tracetest.NewSpanRecorder()}
}

// traced has processors make traces, and tell the desk of them.
func (c *collector) traced(pc *processor.Config, sc *sink.Config) {
	provider, err := tracing.NewProvider(c.t.Context(), c.SpanRecorder, slog.New(slog.DiscardHandler))
	if err != nil {
		c.t.Fatal(err)
	}
	pc.Tracer = traces.New(provider, traces.Destination{Name: "desk", Group: group, BaseURL: sc.BaseURL})
	sc.Transport, sc.TraceCalls = c, true
}

// sendTraced produces an event with a traceparent, "" for none.
func (w *world) sendTraced(value []byte, traceparent string) {
	w.t.Helper()
	r := &kgo.Record{Topic: source, Value: value}
	if traceparent != "" {
		r.Headers = []kgo.RecordHeader{{Key: "traceparent", Value: []byte(traceparent)}}
	}
	w.kafka.Produce(w.t, r)
	w.sent++
}

// tree lists the spans as "name kind: attributes", each indented under its parent, in the order of their
// beginnings.
func (c *collector) tree() string {
	var b strings.Builder
	c.branch(&b, trace.SpanID{}, 0)
	return b.String()
}

func (c *collector) branch(b *strings.Builder, parent trace.SpanID, depth int) {
	own := func(id trace.SpanID) bool {
		return slices.ContainsFunc(c.Ended(), func(s sdk.ReadOnlySpan) bool { return s.SpanContext().SpanID() == id })
	}
	spans := c.Ended()
	slices.SortStableFunc(spans, func(a, b sdk.ReadOnlySpan) int { return a.StartTime().Compare(b.StartTime()) })
	for _, s := range spans {
		if s.Parent().SpanID() == parent || depth == 0 && !own(s.Parent().SpanID()) {
			fmt.Fprintf(b, "%s%s%s\n", strings.Repeat("  ", depth), s.Name(), shownAttributes(s))
			c.branch(b, s.SpanContext().SpanID(), depth+1)
		}
	}
}

// notShown are the attributes that all spans of a kind have alike.
var notShown = []string{"messaging.system", "messaging.operation.type", "messaging.operation.name", "messaging.consumer.group.name", "messaging.destination.name", "deskstream.destination", "server.address", "server.port", "http.request.method", "url.template"}

func shownAttributes(s sdk.ReadOnlySpan) string {
	var b strings.Builder
	for _, a := range s.Attributes() {
		if !slices.Contains(notShown, string(a.Key)) {
			fmt.Fprintf(&b, " %s=%s", a.Key, a.Value.String())
		}
	}
	if code := s.Status().Code; code != 0 {
		fmt.Fprintf(&b, " %s", code)
	}
	return b.String()
}

// root is the span of the record at an offset of partition 0.
func (c *collector) root(offset int) sdk.ReadOnlySpan {
	c.t.Helper()
	for _, s := range c.Ended() {
		if slices.ContainsFunc(s.Attributes(), func(a attribute.KeyValue) bool {
			return string(a.Key) == "messaging.kafka.offset" && a.Value.AsInt64() == int64(offset)
		}) {
			return s
		}
	}
	c.t.Fatalf("no span of offset %d among\n%s", offset, c.tree())
	return nil
}

// outcomeTraces are the traceparent headers of the outcomes, "" for none.
func (c *collector) outcomeTraces() (all []string) {
	for _, r := range c.kafka.Consume(c.t, responses) {
		if !topics.IsForOwners(r) {
			all = append(all, headerText(r, "traceparent"))
		}
	}
	return all
}

func headerText(r *kgo.Record, name string) string {
	for _, h := range r.Headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}

// named is the traceparent of a span.
func named(s sdk.ReadOnlySpan) string {
	sc := s.SpanContext()
	return "00-" + sc.TraceID().String() + "-" + sc.SpanID().String() + "-01"
}

func (c *collector) want(tree string) {
	c.t.Helper()
	if diff := cmp.Diff(strings.ReplaceAll(strings.TrimPrefix(tree, "\n"), "\t", ""), c.tree()); diff != "" {
		c.t.Errorf("spans (-want +got):\n%s", diff)
	}
}

func TestTraces_goFromTheProducerToTheDeskAndBack(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		c := collect(t, w)
		w.route = lookupRoute
		failed := false
		w.desk.answers(func(s seen) (int, time.Duration) {
			if !s.Lookup && !failed {
				failed = true
				return 503, 2 * time.Second
			}
			return 201, time.Second
		})
		w.sendTraced(event("u", 1), sampled)
		in := w.start(c.traced)
		w.settledAll()
		in.check()
		c.want(`
process events messaging.destination.partition.id=0 messaging.kafka.offset=0 deskstream.outcome=delivered deskstream.round=0 deskstream.event.type=track
  map
  GET /users deskstream.lookup=true http.response.status_code=201
  POST /events http.response.status_code=503 error.type=503 Error
  wait back_off error.type=http_503
  POST /events http.request.resend_count=1 http.response.status_code=201
  send events.responses
`)
		root := c.root(0)
		if sc := root.SpanContext(); sc.TraceID().String() != producerTrace || root.Parent().SpanID().String() != producerSpan || !root.Parent().IsRemote() {
			t.Errorf("the record's span is of trace %s below %s, want the producer's", sc.TraceID(), root.Parent().SpanID())
		}
		var calls []string
		for _, s := range c.Ended() {
			if s.SpanKind() == trace.SpanKindClient {
				calls = append(calls, named(s))
			}
		}
		if diff := cmp.Diff(calls, c.heard); diff != "" {
			t.Errorf("the desk was told (-spans of the calls +headers):\n%s", diff)
		}
		if diff := cmp.Diff([]string{named(root)}, c.outcomeTraces()); diff != "" {
			t.Errorf("traceparent of outcomes (-want +got):\n%s", diff)
		}
	})
}

func TestTraces_sayWhatAnEventWaitedFor(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		c := collect(t, w)
		held := true
		w.desk.answers(func(seen) (int, time.Duration) {
			if held {
				held = false
				return 401, 0
			}
			return 201, 3 * time.Second
		})
		w.sendTraced(event("u", 1), sampled)
		w.sendTraced(event("u", 2), sampled)
		w.start(c.traced)
		w.settledAll()
		c.want(`
process events messaging.destination.partition.id=0 messaging.kafka.offset=0 deskstream.outcome=delivered deskstream.round=0 deskstream.event.type=track
  map
  POST /events http.response.status_code=401 error.type=401 Error
  wait place deskstream.hold.seconds=0.5
  POST /events http.request.resend_count=1 http.response.status_code=201
  send events.responses
process events messaging.destination.partition.id=0 messaging.kafka.offset=1 deskstream.outcome=delivered deskstream.round=0 deskstream.event.type=track
  wait lane
  map
  POST /events http.response.status_code=201
  send events.responses
`)
	})
}

func TestTraces_goOnWithADeadLetter(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		c := collect(t, w)
		invalid := []byte(`{"type":"track","userId":"u","event":"invalid"}`)
		w.sendTraced(invalid, sampled)
		w.sendTraced(invalid, "")
		w.start(c.traced)
		w.settledAll()
		roots := []string{named(c.root(0)), named(c.root(1))}
		var kept, died []string
		for _, r := range w.kafka.Consume(t, deadLetters) {
			kept, died = append(kept, headerText(r, "traceparent")), append(died, headerText(r, "dlq.traceparent"))
		}
		if diff := cmp.Diff([]string{sampled, ""}, kept); diff != "" {
			t.Errorf("what the letters keep of their records (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(roots, died); diff != "" {
			t.Errorf("dlq.traceparent (-spans of the records +headers):\n%s", diff)
		}
		if diff := cmp.Diff(roots, c.outcomeTraces()); diff != "" {
			t.Errorf("traceparent of outcomes (-want +got):\n%s", diff)
		}
		if s := c.root(0); !strings.Contains(shownAttributes(s), "deskstream.outcome=dead") || !strings.Contains(shownAttributes(s), "error.type=invalid_id Error") {
			t.Errorf("the dead event's span has%s", shownAttributes(s))
		}
		if tree := c.tree(); strings.Count(tree, "send dlq.events.deskstream") != 2 || strings.Count(tree, "send events.responses") != 2 {
			t.Errorf("spans:\n%s, want each letter's and each outcome's", tree)
		}
	})
}

func TestTraces_ofEventsThatGoOutTogetherAreLinked(t *testing.T) {
	joining(t, func(t *testing.T, w *world) {
		c := collect(t, w)
		w.sendTraced(identify("u", 1), unsampled)
		w.sendTraced(identify("u", 2), sampled)
		w.sendTraced(identify("u", 3), "")
		w.start(joined, c.traced)
		w.settledAll()
		second, third := c.root(1), c.root(2)
		if got := links(second); !slices.Equal(got, []string{named(third)}) {
			t.Errorf("links of the first event with a trace = %v, want one to the other", got)
		}
		if got := links(third); !slices.Equal(got, []string{named(second)}) {
			t.Errorf("links of the other = %v, want one to the first", got)
		}
		if !strings.Contains(shownAttributes(second), "deskstream.merged_into=true") {
			t.Errorf("the event that another one stands for has%s", shownAttributes(second))
		}
		calls := 0
		for _, s := range c.Ended() {
			if s.SpanKind() == trace.SpanKindClient && s.Parent().SpanID() == second.SpanContext().SpanID() {
				calls++
			}
		}
		if calls != 1 {
			t.Errorf("%d calls are below the first event with a trace, want the one for all", calls)
		}
	})
}

func links(s sdk.ReadOnlySpan) (all []string) {
	for _, l := range s.Links() {
		all = append(all, "00-"+l.SpanContext.TraceID().String()+"-"+l.SpanContext.SpanID().String()+"-01")
	}
	return all
}

func TestTraces_ofWhatIsReleasedEnd(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		c := collect(t, w)
		w.desk.answers(func(seen) (int, time.Duration) { return 503, 0 })
		w.sendTraced(event("u", 1), sampled)
		w.sendTraced(event("u", 2), sampled)
		in := w.start(c.traced)
		w.eventually("a call", func() bool { return len(w.desk.ids()) > 0 })
		in.stop()
		for offset := range 2 {
			if s := c.root(offset); !strings.Contains(shownAttributes(s), "deskstream.outcome=released") {
				t.Errorf("span of offset %d has%s, want it released", offset, shownAttributes(s))
			}
		}
	})
}

// What is not sampled leaves no span, and goes on as it came.
func TestTraces_unsampledPassesThrough(t *testing.T) {
	for name, change := range map[string]func(*collector, *processor.Config, *sink.Config){
		"not sampled": func(c *collector, pc *processor.Config, sc *sink.Config) { c.traced(pc, sc) },
		"off":         func(c *collector, _ *processor.Config, sc *sink.Config) { sc.Transport, sc.TraceCalls = c, true },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				c := collect(t, w)
				w.sendTraced(event("u", 1), unsampled)
				w.sendTraced(event("u", 2), "00-\r\nX: y")
				w.start(func(pc *processor.Config, sc *sink.Config) { change(c, pc, sc) })
				w.settledAll()
				if name == "off" && len(c.Ended()) > 0 || len(c.Ended()) > 0 && strings.Contains(c.tree(), "offset=0") {
					t.Errorf("spans:\n%s", c.tree())
				}
				if c.heard[0] != unsampled || c.heard[1] == "00-\r\nX: y" {
					t.Errorf("the desk was told %q, want what the first record says and never what is no traceparent", c.heard)
				}
				if got := c.outcomeTraces(); got[0] != unsampled {
					t.Errorf("the outcome has %q, want %q", got[0], unsampled)
				}
			})
		})
	}
}

func TestTraces_offMeansNoSpansAndNoHeaders(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		c := collect(t, w)
		w.sendTraced(event("u", 1), sampled)
		w.sendTraced(event("u", 2), "")
		w.start(func(_ *processor.Config, sc *sink.Config) { sc.Transport = c })
		w.settledAll()
		if len(c.Started()) > 0 {
			t.Errorf("spans:\n%s", c.tree())
		}
		if diff := cmp.Diff([]string{"", ""}, c.heard); diff != "" {
			t.Errorf("the desk was told (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{sampled, ""}, c.outcomeTraces()); diff != "" {
			t.Errorf("traceparent of outcomes (-want +got):\n%s", diff)
		}
	})
}

// ruledRoute takes two steps.
func ruledRoute() sink.Route {
	return sink.NewRoute(sink.DestinationInfo{Name: "desk", Type: "test"}, mapping.Filter{},
		func(ev mapping.Event) (mapping.Event, error) { return ev, nil },
		func(ctx context.Context, do sink.Doer, ev mapping.Event) (sink.Receipt, error) {
			call := sink.Call{Op: "POST /events", Method: http.MethodPost, Path: "/events", Body: mapping.Obj(
				mapping.Member{Name: "user", Value: ev.Get("userId")}, mapping.Member{Name: "id", Value: ev.Get("messageId")})}
			_, err := do.Once(ctx, sink.Effect{
				Step: "open", Call: call, IDs: func(sink.Reply) map[string]string { return map[string]string{"ticket_id": "7"} },
				Mark: func() sink.Mark { return sink.Mark{} }, Find: func(context.Context, sink.Mark) (sink.Sighting, error) { return sink.Sighting{}, nil },
			})
			if err == nil {
				_, err = do.Change(ctx, sink.Change{Step: "label", Call: call})
			}
			return sink.Receipt{}, err
		})
}

func TestTraces_haveTheStepsWithTheirCalls(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		c := collect(t, w)
		w.route = ruledRoute
		w.sendTraced(event("u", 1), sampled)
		w.start(c.traced)
		w.settledAll()
		c.want(`
process events messaging.destination.partition.id=0 messaging.kafka.offset=0 deskstream.outcome=delivered deskstream.round=0 deskstream.event.type=track
  map
  step open deskstream.step.state=done
    POST /events http.response.status_code=201
  step label deskstream.step.state=done
    POST /events http.response.status_code=201
  send events.responses
`)
	})
}

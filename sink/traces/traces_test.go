package traces_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/deskstream/deskstream/sink/traces"
)

const (
	sampled   = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	unsampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
)

// source is a traces.Source.
type source struct {
	provider *sdk.TracerProvider
	follows  bool
}

func (s source) Tracer() trace.Tracer { return s.provider.Tracer("test") }
func (s source) FollowsParent() bool  { return s.follows }

func newTracer(t testing.TB, follows bool, opts ...sdk.TracerProviderOption) *traces.Tracer {
	t.Helper()
	return traces.New(source{sdk.NewTracerProvider(opts...), follows}, traces.Destination{Name: "desk", Group: "g", BaseURL: "https://desk.example/v1"})
}

func record(traceparent string) traces.Record {
	return traces.Record{Topic: "events", Offset: 7, Traceparent: []byte(traceparent)}
}

func TestParentOf_takesOnlyWhatIsAParent(t *testing.T) {
	for header, want := range map[string]string{
		sampled: sampled, unsampled: unsampled, "": "",
		"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01": "",
		"00-00000000000000000000000000000000-b7ad6b7169203331-01": "",
		strings.ToUpper(sampled):                                  "",
		sampled + "\r\nX-Other: y":                                "",
		"ff" + sampled[2:]:                                        "",
		"01" + sampled[2:] + "-more":                              sampled, // a later version
		strings.Repeat("0", 100_000):                              "",
		"00-0af7651916cd43dd8448eb211c80319c-b7ad-01":             "",
	} {
		if got := traces.ParentOf([]byte(header), nil); got.Traceparent != want {
			t.Errorf("ParentOf(%.80q) = %q, want %q", header, got.Traceparent, want)
		}
	}
	for state, want := range map[string]string{"a=1,b=2": "a=1,b=2", "a=1\r\nX: y": "", "": "", "a=" + strings.Repeat("x", 1000): ""} {
		if got := traces.ParentOf([]byte(sampled), []byte(state)); got.Tracestate != want || got.Traceparent != sampled {
			t.Errorf("with the state %.40q it is %+v, want %q", state, got, want)
		}
	}
}

// Whatever a record's headers are, what is sent on is none that splits a header of HTTP.
func FuzzParentOf(f *testing.F) {
	f.Add([]byte(sampled), []byte("a=1"))
	f.Add([]byte(sampled+"\r\n"), []byte("a=1\n"))
	f.Fuzz(func(t *testing.T, traceparent, state []byte) {
		p := traces.ParentOf(traceparent, state)
		if strings.ContainsFunc(p.Traceparent+p.Tracestate, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("ParentOf(%q, %q) = %q", traceparent, state, p)
		}
	})
}

func TestBegin_followsTheProducerOnlyWhereTheSamplerDoes(t *testing.T) {
	for name, tt := range map[string]struct {
		sampler sdk.Sampler
		follows bool
		header  string
		want    bool
	}{
		"sampled":                      {sdk.ParentBased(sdk.NeverSample()), true, sampled, true},
		"not sampled":                  {sdk.ParentBased(sdk.AlwaysSample()), true, unsampled, false},
		"without a producer's":         {sdk.ParentBased(sdk.AlwaysSample()), true, "", true},
		"without, and none is sampled": {sdk.ParentBased(sdk.NeverSample()), true, "", false},
		"not sampled, but all are":     {sdk.AlwaysSample(), false, unsampled, true},
		"no traceparent":               {sdk.ParentBased(sdk.AlwaysSample()), true, "hello", true},
	} {
		t.Run(name, func(t *testing.T) {
			e := newTracer(t, tt.follows, sdk.WithSampler(tt.sampler)).Begin(record(tt.header))
			if (e != nil) != tt.want {
				t.Errorf("the event has a trace: %v, want %v", e != nil, tt.want)
			}
		})
	}
}

// use does what a delivery does.
func use(e *traces.Event) {
	e.Started(time.Time{}, 0)
	e.Map()
	e.Mapped()
	end := e.Step("open")
	e.Call("POST /tickets", false, 1).Ended(time.Time{}, 201, "", false)
	end("done")
	e.Waited("budget", time.Time{}, "", 0)
	e.Sent("responses", time.Time{})
	_, _ = e.ID(), e.Parent()
	e.Settled(traces.Outcome{})
	e.Released()
}

func TestEvent_takesNoMemoryWhereNothingIsTraced(t *testing.T) {
	off := traces.New(nil, traces.Destination{})
	if n := testing.AllocsPerRun(100, func() { use(off.Begin(record(sampled))) }); n > 1 { // the test's own bytes
		t.Errorf("%v allocations with traces off", n)
	}
	on, r := newTracer(t, true), record(unsampled)
	if n := testing.AllocsPerRun(100, func() { use(on.Begin(r)) }); n > 0 {
		t.Errorf("%v allocations for an event that is not sampled", n)
	}
}

// A span of a wait is for people to see: one of no length is none.
func TestEvent_shortWaitsHaveNoSpan(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	e := newTracer(t, true, sdk.WithSpanProcessor(spans)).Begin(record(sampled))
	now := time.Now()
	e.Waited("group", now, "", 0)
	e.Waited("budget", now.Add(-time.Second), "", 0)
	e.Settled(traces.Outcome{Outcome: "delivered"})
	var names []string
	for _, s := range spans.Ended() {
		names = append(names, s.Name())
	}
	if got := fmt.Sprint(names); got != "[wait budget process events]" {
		t.Errorf("spans %s", got)
	}
}

func BenchmarkEvent(b *testing.B) {
	for name, tt := range map[string]struct {
		sampler sdk.Sampler
		header  string
	}{
		"unsampled producer": {sdk.ParentBased(sdk.AlwaysSample()), unsampled},
		"ratio, not chosen":  {sdk.ParentBased(sdk.TraceIDRatioBased(0)), ""},
		"sampled":            {sdk.AlwaysSample(), sampled},
	} {
		b.Run(name, func(b *testing.B) {
			t, r := newTracer(b, true, sdk.WithSampler(tt.sampler)), record(tt.header)
			b.ReportAllocs()
			for b.Loop() {
				use(t.Begin(r))
			}
		})
	}
}

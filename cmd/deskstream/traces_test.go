package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	"github.com/deskstream/deskstream/internal/tracing/tracingtest"
)

// What the producers of the three records say of their traces.
var producers = map[string]string{
	"event":  "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	"call":   "00-1bf7651916cd43dd8448eb211c80319c-c7ad6b7169203331-01",
	"letter": "00-2cf7651916cd43dd8448eb211c80319c-d7ad6b7169203331-01",
}

// traceOf is the trace's id in a traceparent, spanOf that of the span.
func traceOf(traceparent string) string { return strings.Split(traceparent+"---", "-")[1] }
func spanOf(traceparent string) string  { return strings.Split(traceparent+"---", "-")[2] }

// tracedDesk is a stub of Kustomer that notes what it is told of traces.
type tracedDesk struct {
	*stub.Server
	mu    sync.Mutex
	heard []string
}

// ServeHTTP makes it a http.Handler.
func (d *tracedDesk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	d.heard = append(d.heard, r.Header.Get("traceparent"))
	d.mu.Unlock()
	d.Server.ServeHTTP(w, r)
}

// one is the span of a trace that has a name and, if parent is not empty, that parent.
func one(t *testing.T, spans []tracingtest.Span, trace, name, parent string) tracingtest.Span {
	t.Helper()
	for _, s := range spans {
		if s.Trace == trace && s.Name == name && (parent == "" || s.Parent == parent) {
			return s
		}
	}
	t.Errorf("trace %s has no span %q below %q among %+v", trace, name, parent, spans)
	return tracingtest.Span{}
}

// From the produced record over Kafka to the stub, and back to the outcome; a call over Kafka; a dead
// letter, and its redrive. What is exported holds nothing of the person.
func TestRun_tracesGoFromTheProducerToTheStubAndBack(t *testing.T) {
	c := tracingtest.New(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL)
	cluster := kafkatest.Kafka(t)
	desk := &tracedDesk{Server: stub.New(stub.Config{Seed: 1, Limit: 1 << 30}, stubkustomer.New())}
	server := httptest.NewServer(desk)
	defer server.Close()
	config := func(allow ...string) string {
		list, err := json.Marshal(allow)
		if err != nil {
			t.Fatal(err)
		}
		return writeFile(t, "deskstream.yaml", fmt.Sprintf(`kafka: {brokers: [%q]}
source: {commit_interval: 50ms, session_timeout: 6s, drain_timeout: 5s}
http: {listen: "127.0.0.1:0", admin: "127.0.0.1:0"}
destinations:
  - {name: crm, type: kustomer, kustomer: {api_key: %s, base_url: %q}, calls: {allow: %s}, delivery: {timeout: 4s, trace_calls: true}}
`, strings.Join(cluster.Brokers, ","), kustomerKey, server.URL+stubkustomer.Path, list))
	}
	file := config("GET /v1/teams")
	runCommand(t, "", "check", "-c", file).want(t, exitOK, "to "+c.URL+" by http/protobuf", "")
	p := startProcess(t, "run", "-c", file, "--log-format", "json", "--create-topics")
	p.listening()
	send := func(topic, what, value string) {
		cluster.Produce(t, &kgo.Record{Topic: topic, Value: []byte(value), Headers: []kgo.RecordHeader{{Key: "traceparent", Value: []byte(producers[what])}}})
	}
	send(eventsTopic, "event", `{"type":"identify","userId":"person-4711","messageId":"m-1","traits":{"email":"eve@example.com","name":"Eve Example"}}`)
	send(callsTopic, "call", teams)
	send(callsTopic, "letter", `{"type":"call","destination":"crm","method":"POST","path":"/v1/companies","body":{"name":"Eve Example"},"correlationId":"c-2"}`)
	outcomes := map[string]string{} // the traceparent of each outcome, by trace
	await(t, "the outcomes", func() bool {
		p.alive()
		for _, r := range outcomeRecords(cluster.Consume(t, responsesTopic)) {
			for _, h := range r.Headers {
				if h.Key == "traceparent" {
					outcomes[traceOf(string(h.Value))] = string(h.Value)
				}
			}
		}
		return len(outcomes) == 3
	})
	wantExemplar(t, p.listening(), traceOf(producers["event"]))
	p.stop() // which exports what is left
	spans := c.Spans()
	for _, what := range []struct{ name, topic, call string }{
		{"event", eventsTopic, "POST /v1/customers"}, {"call", callsTopic, "GET /v1/teams"}, {"letter", callsTopic, ""},
	} {
		trace := traceOf(producers[what.name])
		root := one(t, spans, trace, "process "+what.topic, spanOf(producers[what.name]))
		if got := spanOf(outcomes[trace]); got != root.ID {
			t.Errorf("the outcome of the %s names span %s, want that of the record, %s", what.name, got, root.ID)
		}
		one(t, spans, trace, "map", root.ID)
		one(t, spans, trace, "send "+responsesTopic, root.ID)
		if what.call == "" {
			continue
		}
		call := one(t, spans, trace, what.call, root.ID)
		if told := "00-" + trace + "-" + call.ID + "-01"; !slices.Contains(desk.heard, told) {
			t.Errorf("the desk was told %q, want %s of the %s among them", desk.heard, told, what.name)
		}
	}
	died := one(t, spans, traceOf(producers["letter"]), "process "+callsTopic, "")
	one(t, spans, died.Trace, "send "+lettersTopic, died.ID)

	file, plan := config("GET /v1/teams", "POST /v1/companies"), filepath.Join(t.TempDir(), "plan.json")
	runCommand(t, "", "dlq", "plan", "-c", file, "--every", "-o", plan).want(t, exitOK, "1 letter: 1 send", "written to")
	runCommand(t, "", "dlq", "apply", "-c", file, plan).want(t, exitOK, "1 delivered", "canary passed")
	again := one(t, c.Spans(), died.Trace, "process "+callsTopic, died.ID)
	if again.Attributes["deskstream.outcome"] != "delivered" || again.Attributes["deskstream.round"] != "1" {
		t.Errorf("the redrive's span has %v", again.Attributes)
	}
	for _, private := range []string{"4711", "eve@", "Eve", kustomerKey, "m-1", "Acme"} {
		if strings.Contains(string(c.Bytes()), private) {
			t.Errorf("what is exported holds %q", private)
		}
	}
}

// wantExemplar looks for a trace among the exemplars of an instance's metrics.
func wantExemplar(t *testing.T, url, trace string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var text strings.Builder
	if _, err := io.Copy(&text, resp.Body); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"deskstream_call_duration_seconds_bucket", "deskstream_delivery_age_seconds_bucket"} {
		found := false
		for line := range strings.Lines(text.String()) {
			found = found || strings.HasPrefix(line, name) && strings.Contains(line, `trace_id="`+trace+`"`)
		}
		if !found {
			t.Errorf("%s has no exemplar of trace %s", name, trace)
		}
	}
}

func TestRun_tracesThatAreNotExportedStopNothing(t *testing.T) {
	c := tracingtest.New(t)
	c.Down(true)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL)
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
	w := newCallers(t)
	p := startProcess(t, "run", "-c", w.config("GET /v1/teams"), "--create-topics")
	p.listening()
	for i := range 20 {
		w.Produce(t, &kgo.Record{Topic: callsTopic, Value: []byte(strings.ReplaceAll(teams, "c-1", fmt.Sprint("c-", i)))})
	}
	w.await(p, 40)
	await(t, "refused spans", func() bool { return c.Refused() > 2 })
	p.stop()
	if log := p.stderr.String(); strings.Count(log, "traces cannot be exported") != 1 {
		t.Errorf("the log does not say once that traces are lost:\n%s", log)
	}
}

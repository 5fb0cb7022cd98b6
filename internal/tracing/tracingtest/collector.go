// Package tracingtest has a collector of traces in memory, for tests.
package tracingtest

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Collector takes spans by OTLP over HTTP and keeps them.
type Collector struct {
	// URL is a value of OTEL_EXPORTER_OTLP_ENDPOINT.
	URL string

	mu       sync.Mutex
	spans    []Span
	bodies   []byte
	resource map[string]string
	down     bool
	refused  int
}

// Span is a span that was exported.
type Span struct {
	Name, Trace, ID, Parent string
	Kind                    otlp.Span_SpanKind
	Attributes              map[string]string
	Links                   int
}

// New is a Collector that takes spans until the test ends.
func New(t *testing.T) *Collector {
	t.Helper()
	c := &Collector{resource: map[string]string{}}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	c.URL = server.URL
	return c
}

// Down has the collector refuse spans from now on, or take them again.
func (c *Collector) Down(down bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = down
}

// ServeHTTP makes it a http.Handler.
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	var request collector.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &request)
	}
	if c.down {
		c.refused++
		w.WriteHeader(http.StatusNotFound) // which no exporter repeats
		return
	}
	if err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		http.Error(w, fmt.Sprint("no traces: ", err), http.StatusBadRequest)
		return
	}
	c.bodies = append(c.bodies, body...)
	for _, resource := range request.GetResourceSpans() {
		for _, a := range resource.GetResource().GetAttributes() {
			c.resource[a.GetKey()] = a.GetValue().GetStringValue()
		}
		for _, scope := range resource.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				c.spans = append(c.spans, spanOf(s))
			}
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func spanOf(s *otlp.Span) Span {
	attributes := make(map[string]string)
	for _, a := range s.GetAttributes() {
		switch v := a.GetValue().GetValue().(type) {
		case *common.AnyValue_StringValue:
			attributes[a.GetKey()] = v.StringValue
		case *common.AnyValue_IntValue:
			attributes[a.GetKey()] = strconv.FormatInt(v.IntValue, 10)
		default:
			attributes[a.GetKey()] = a.GetValue().String()
		}
	}
	return Span{
		Name: s.GetName(), Kind: s.GetKind(), Attributes: attributes, Links: len(s.GetLinks()),
		Trace: hex.EncodeToString(s.GetTraceId()), ID: hex.EncodeToString(s.GetSpanId()), Parent: hex.EncodeToString(s.GetParentSpanId()),
	}
}

// Spans are the spans that came.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Span(nil), c.spans...)
}

// Resource is what the latest spans said of their process.
func (c *Collector) Resource(key string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.resource[key]
}

// Bytes are all that came, for what must not be in it.
func (c *Collector) Bytes() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]byte(nil), c.bodies...)
}

// Refused is how many requests the collector refused.
func (c *Collector) Refused() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refused
}

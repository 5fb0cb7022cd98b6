package receive

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// source is a traces.Source that samples all.
type source struct{ provider *sdk.TracerProvider }

func (s source) Tracer() trace.Tracer { return s.provider.Tracer("test") }
func (s source) FollowsParent() bool  { return true }

// headersOf are those of the last record.
func (k *kafka) headersOf() map[string]string {
	k.mu.Lock()
	defer k.mu.Unlock()
	found := map[string]string{}
	if len(k.records) > 0 {
		for _, h := range k.records[len(k.records)-1].Headers {
			found[h.Key] = string(h.Value)
		}
	}
	return found
}

const (
	traceID   = "0af7651916cd43dd8448eb211c80319c"
	sampled   = "00-" + traceID + "-b7ad6b7169203331-01"
	unsampled = "00-" + traceID + "-b7ad6b7169203331-00"
)

// The record names the span of its webhook, which continues the desk's trace if that named one.
func TestHandler_aWebhookIsTraced(t *testing.T) {
	for name, tt := range map[string]struct {
		sent, state, want string // want begins the record's traceparent
		off               bool
		spans             int
	}{
		"of the desk's trace":     {sampled, "a=b", "00-" + traceID + "-", false, 1},
		"of its own":              {"", "", "00-", false, 1},
		"not sampled by the desk": {unsampled, "", unsampled, false, 0},
		"no traces":               {sampled, "a=b", sampled, true, 0},
		"no traces, none sent":    {"", "", "", true, 0},
		"nonsense":                {"00-zz", "", "", true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, settingsText)
			spans := tracetest.NewSpanRecorder()
			if !tt.off {
				w.traces = source{sdk.NewTracerProvider(sdk.WithSpanProcessor(spans))}
			}
			r := trengo(t, "TICKET_CLOSED", closedBody, time.Now())
			r.Header.Set("Traceparent", tt.sent)
			r.Header.Set("Tracestate", tt.state)
			if got := w.post(r); got.Code != http.StatusOK {
				t.Fatalf("answered %d %s", got.Code, got.Body)
			}
			headers := w.kafka.headersOf()
			if got := headers["traceparent"]; !strings.HasPrefix(got, tt.want) || (got == "") != (tt.want == "") {
				t.Errorf("traceparent %q, want %q", got, tt.want)
			}
			if headers["tracestate"] != tt.state {
				t.Errorf("tracestate %q, want %q", headers["tracestate"], tt.state)
			}
			ended := spans.Ended()
			if len(ended) != tt.spans {
				t.Fatalf("%d spans ended, want %d", len(ended), tt.spans)
			}
			for _, s := range ended {
				if !strings.Contains(headers["traceparent"], s.SpanContext().SpanID().String()) || s.Name() != "POST /webhooks/inbox" || s.SpanKind() != trace.SpanKindServer {
					t.Errorf("the span is %s %v %v, the record names %s", s.Name(), s.SpanKind(), s.SpanContext().SpanID(), headers["traceparent"])
				}
			}
		})
	}
}

func TestHandler_aSpanSaysThatItsEventIsNotWritten(t *testing.T) {
	w := newWorld(t, settingsText)
	spans := tracetest.NewSpanRecorder()
	w.traces = source{sdk.NewTracerProvider(sdk.WithSpanProcessor(spans))}
	w.kafka.set(func(*kgo.Record) (bool, error) { return true, kerr.NotEnoughReplicas })
	w.post(trengo(t, "TICKET_CLOSED", closedBody, time.Now()))
	w.post(trengoWith(t, closedBody, "wrong"))
	ended := spans.Ended()
	if len(ended) != 1 || ended[0].Status().Description != string(notTaken) {
		t.Errorf("spans %v, want one that failed as %s: a webhook with a wrong signature has none", ended, notTaken)
	}
}

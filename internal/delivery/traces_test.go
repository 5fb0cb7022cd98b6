package delivery_test

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/deskstream/deskstream/internal/delivery"
	"github.com/deskstream/deskstream/internal/tracing"
)

// Each event has a trace of its own, with its calls and what became of it; also one that stays open.
func TestDeliver_tracesEachEventWithItsCallsAndItsOutcome(t *testing.T) {
	d := newDesk(t, func(name string) int {
		switch name {
		case "Bad":
			return http.StatusUnprocessableEntity
		case "Refused":
			return http.StatusUnauthorized
		}
		return http.StatusCreated
	})
	recorder := tracetest.NewSpanRecorder()
	provider, err := tracing.NewProvider(t.Context(), recorder, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer provider.Close()
	events := track("m-1", "u", "Good") + track("m-2", "v", "Bad") + track("m-3", "v", "Refused")
	run(t.Context(), t, delivery.Options{Config: deskConfig(t, d.url, oneAttempt, "crm"), Events: strings.NewReader(events), Traces: provider})
	calls, roots := map[string]int{}, map[string]string{} // by trace
	for _, span := range recorder.Ended() {
		trace := span.SpanContext().TraceID().String()
		switch {
		case strings.HasPrefix(span.Name(), "POST "):
			calls[trace]++
		case span.Name() == "deliver":
			if span.Parent().IsValid() {
				t.Error("an event of a file has a parent")
			}
			for _, a := range span.Attributes() {
				if roots[trace] += " "; a.Key == "deskstream.outcome" || a.Key == "deskstream.destination" {
					roots[trace] += a.Value.AsString()
				}
			}
		}
	}
	got := map[string]bool{}
	for trace, text := range roots {
		if calls[trace] == 0 {
			t.Errorf("the trace of%s has no call", text)
		}
		got[strings.Join(strings.Fields(text), " ")] = true
	}
	if len(roots) != 3 || !got["crm delivered"] || !got["crm dead"] || !got["crm released"] {
		t.Errorf("the traces are %v", roots)
	}
}

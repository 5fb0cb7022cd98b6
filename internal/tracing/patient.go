package tracing

import (
	"context"
	"log/slog"
	"sync"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// sayAgain is how often a failure that lasts is logged.
const sayAgain = 10 * time.Minute

// patient is an exporter whose failures are logged when they begin, then every ten minutes, and when
// they end. The spans are lost.
type patient struct {
	sdk.SpanExporter
	log *slog.Logger

	mu   sync.Mutex
	said time.Time // zero while all is well
	lost int       // spans since it was said
}

// ExportSpans makes it a sdk.SpanExporter. It returns no error: nobody else is to log it.
func (p *patient) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := p.SpanExporter.ExportSpans(ctx, spans)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err == nil && p.said.IsZero():
	case err == nil:
		p.log.Info("traces are exported again", "lost", p.lost)
		p.said, p.lost = time.Time{}, 0
	default:
		p.lost += len(spans)
		if p.said.IsZero() || time.Since(p.said) >= sayAgain {
			p.said = time.Now()
			p.log.Warn("traces cannot be exported and are lost, events are delivered anyway: is the collector of OTEL_EXPORTER_OTLP_ENDPOINT up?", "lost", p.lost, "err", err)
		}
	}
	return nil
}

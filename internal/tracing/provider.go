package tracing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/deskstream/deskstream/sink/traces"
)

// scope names what makes the spans.
const scope = "github.com/deskstream/deskstream"

// flushTimeout limits the export of what is left when a process stops.
const flushTimeout = 2 * time.Second

// Provider exports the spans of a process.
type Provider struct {
	sdk     *sdk.TracerProvider
	setting Setting
	log     *slog.Logger
}

// Open returns the Provider that the environment asks for, nil when traces are off. Variables that are not
// supported are logged. The caller closes it.
func Open(ctx context.Context, version string, log *slog.Logger) (*Provider, error) {
	s := FromEnvironment()
	for _, w := range s.Warnings {
		log.Warn("a variable of the environment is not supported", "problem", w)
	}
	if !s.On {
		return nil, nil
	}
	exporter, err := newExporter(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("exporting traces %s: %w", s, err)
	}
	log.Info("traces are exported", "endpoint", s.Endpoint, "protocol", s.Protocol, "sampler", s.Sampler+s.share())
	return newProvider(ctx, s, sdk.NewBatchSpanProcessor(&patient{SpanExporter: exporter, log: log}), version, log)
}

// NewProvider returns a Provider whose spans go to a processor of the caller's, for tests.
func NewProvider(ctx context.Context, to sdk.SpanProcessor, log *slog.Logger) (*Provider, error) {
	return newProvider(ctx, FromEnvironment(), to, "test", log)
}

func newProvider(ctx context.Context, s Setting, to sdk.SpanProcessor, version string, log *slog.Logger) (*Provider, error) {
	about, err := resource.New(ctx,
		resource.WithTelemetrySDK(), resource.WithHost(),
		resource.WithAttributes(semconv.ServiceName("deskstream"), semconv.ServiceVersion(version)),
		resource.WithFromEnv(), // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come last: they count
	)
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, fmt.Errorf("describing this process in traces: %w", err)
	}
	return &Provider{sdk: sdk.NewTracerProvider(sdk.WithSpanProcessor(to), sdk.WithResource(about)), setting: s, log: log}, nil
}

func newExporter(ctx context.Context, s Setting) (sdk.SpanExporter, error) {
	if s.Protocol == GRPC {
		return otlptracegrpc.New(ctx)
	}
	return otlptracehttp.New(ctx)
}

// Tracer makes spans. It is a part of traces.Source.
func (p *Provider) Tracer() trace.Tracer { return p.sdk.Tracer(scope) }

// FollowsParent reports whether what a record says of its trace decides if that is sampled. It is a part of
// traces.Source.
func (p *Provider) FollowsParent() bool {
	return p.setting.Sampler == "" || strings.HasPrefix(p.setting.Sampler, followsParent)
}

// Source is the Provider as those see it who make spans, nil for a nil one.
func (p *Provider) Source() traces.Source {
	if p == nil {
		return nil
	}
	return p
}

// Close exports what is left, which may take two seconds, and ends the Provider. A nil one is
// closed.
func (p *Provider) Close() {
	if p == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	if err := p.sdk.Shutdown(ctx); err != nil {
		p.log.Warn("the last traces were not exported", "err", err)
	}
}

package tracing_test

import (
	"context"
	"net"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// grpcCollector takes spans by OTLP over gRPC and keeps their names.
type grpcCollector struct {
	collector.UnimplementedTraceServiceServer

	mu    sync.Mutex
	names []string
	key   []string
}

func (c *grpcCollector) Export(ctx context.Context, r *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if given, ok := metadata.FromIncomingContext(ctx); ok {
		c.key = given.Get("x-key")
	}
	for _, resource := range r.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				c.names = append(c.names, span.GetName())
			}
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

func TestOpen_exportsByGRPC(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c, server := &grpcCollector{}, grpc.NewServer()
	collector.RegisterTraceServiceServer(server, c)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() { server.Stop(); serving.Wait() })
	environ(t, endpoint, "http://"+listener.Addr().String(), "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "OTEL_EXPORTER_OTLP_HEADERS", "x-key=k-1")
	p, said := opened(t)
	_, span := p.Tracer().Start(t.Context(), "one")
	span.End()
	p.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.names) != 1 || c.names[0] != "one" || len(c.key) != 1 || c.key[0] != "k-1" {
		t.Errorf("the collector has %v with the key %v, want one span; the log:\n%s", c.names, c.key, said)
	}
}

package tracing_test

import (
	"context"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/tracing"
	"github.com/deskstream/deskstream/internal/tracing/tracingtest"
)

// environ sets the variables of OpenTelemetry, and only these.
func environ(t *testing.T, pairs ...string) {
	t.Helper()
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "OTEL_") {
			t.Setenv(name, "") // restored in the end
		}
	}
	for i := 0; i < len(pairs); i += 2 {
		t.Setenv(pairs[i], pairs[i+1])
	}
}

const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"

func TestFromEnvironment(t *testing.T) {
	const local = "to http://localhost:4318 by http/protobuf, sampler parentbased_always_on"
	for name, tt := range map[string]struct {
		pairs   []string
		want    string
		warning string
	}{
		"nothing set":              {nil, "off", ""},
		"an endpoint":              {[]string{endpoint, "http://otel:4318"}, "to http://otel:4318 by http/protobuf, sampler parentbased_always_on", ""},
		"of traces first":          {[]string{endpoint, "http://otel:4318", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://tempo/v1/traces"}, "to https://tempo/v1/traces by http/protobuf, sampler parentbased_always_on", ""},
		"an exporter":              {[]string{"OTEL_TRACES_EXPORTER", "otlp"}, local, ""},
		"none wins":                {[]string{"OTEL_TRACES_EXPORTER", "none", endpoint, "http://otel:4318"}, "off", ""},
		"disabled wins":            {[]string{"OTEL_SDK_DISABLED", "TRUE", endpoint, "http://otel:4318"}, "off", ""},
		"another exporter":         {[]string{"OTEL_TRACES_EXPORTER", "zipkin"}, "off", "zipkin"},
		"gRPC":                     {[]string{"OTEL_TRACES_EXPORTER", "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"}, "to http://localhost:4317 by grpc, sampler parentbased_always_on", ""},
		"of traces first, too":     {[]string{"OTEL_TRACES_EXPORTER", "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf"}, local, ""},
		"another protocol":         {[]string{endpoint, "http://otel:4318", "OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"}, "off", "http/json"},
		"a share":                  {[]string{"OTEL_TRACES_EXPORTER", "otlp", "OTEL_TRACES_SAMPLER", "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG", "0.01"}, "to http://localhost:4318 by http/protobuf, sampler parentbased_traceidratio 0.01", ""},
		"another sampler":          {[]string{"OTEL_TRACES_EXPORTER", "otlp", "OTEL_TRACES_SAMPLER", "xray"}, local, "xray"},
		"credentials are not ours": {[]string{endpoint, "https://user:pa55@otel:4318/x?key=pa55"}, "to https://otel:4318/x by http/protobuf, sampler parentbased_always_on", ""},
		"no URL":                   {[]string{endpoint, "otel:pa55"}, "to an endpoint that is no URL by http/protobuf, sampler parentbased_always_on", ""},
	} {
		t.Run(name, func(t *testing.T) {
			environ(t, tt.pairs...)
			s := tracing.FromEnvironment()
			if diff := cmp.Diff(tt.want, s.String()); diff != "" {
				t.Errorf("setting (-want +got):\n%s", diff)
			}
			if warned := strings.Join(s.Warnings, "\n"); (warned != "") != (tt.warning != "") || !strings.Contains(warned, tt.warning) {
				t.Errorf("warnings %q, want one of %q", s.Warnings, tt.warning)
			}
		})
	}
}

// opened is a Provider and what it logs.
func opened(t *testing.T) (*tracing.Provider, *strings.Builder) {
	t.Helper()
	var said strings.Builder
	p, err := tracing.Open(t.Context(), "1.2.3", slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return p, &said
}

func TestOpen_isNilWithoutTraces(t *testing.T) {
	environ(t)
	p, _ := opened(t)
	if p != nil || p.Source() != nil {
		t.Errorf("Open = %v, its Source %v, want nil", p, p.Source())
	}
	p.Close()
}

func TestOpen_exportsWhatIsLeftAtTheEnd(t *testing.T) {
	c := tracingtest.New(t)
	environ(t, endpoint, c.URL, "OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
	p, said := opened(t)
	_, span := p.Tracer().Start(t.Context(), "one")
	span.End()
	p.Close()
	if got := c.Spans(); len(got) != 1 || got[0].Name != "one" {
		t.Errorf("the collector has %+v, want one span; the log:\n%s", got, said)
	}
	for key, want := range map[string]string{"service.name": "deskstream", "service.version": "1.2.3", "deployment.environment.name": "test"} {
		if got := c.Resource(key); got != want {
			t.Errorf("%s = %q, want %q", key, got, want)
		}
	}
}

func TestOpen_theSamplerIsThatOfTheEnvironment(t *testing.T) {
	c := tracingtest.New(t)
	environ(t, endpoint, c.URL, "OTEL_TRACES_SAMPLER", "always_off", "OTEL_SERVICE_NAME", "mine")
	p, _ := opened(t)
	_, span := p.Tracer().Start(t.Context(), "one")
	span.End()
	p.Close()
	if span.IsRecording() || len(c.Spans()) > 0 || p.FollowsParent() {
		t.Errorf("recording %v, spans %v, follows the parent %v; want neither", span.IsRecording(), c.Spans(), p.FollowsParent())
	}
}

// A collector that takes no spans costs the spans and a line, whatever way it is down.
func TestOpen_aCollectorThatIsDownIsLoggedOnce(t *testing.T) {
	c := tracingtest.New(t)
	c.Down(true)
	environ(t, endpoint, c.URL, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1")
	p, said := opened(t)
	for range 5 {
		_, span := p.Tracer().Start(t.Context(), "lost")
		span.End()
	}
	p.Close()
	if c.Refused() < 5 {
		t.Fatalf("%d requests were refused, want five", c.Refused())
	}
	if n := strings.Count(said.String(), "traces cannot be exported"); n != 1 {
		t.Errorf("%d lines say so, want 1:\n%s", n, said)
	}
}

func TestOpen_aCollectorThatDoesNotAnswerBlocksNobody(t *testing.T) {
	silent, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0") // it accepts, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	environ(t, endpoint, "http://"+silent.Addr().String(), "OTEL_BSP_MAX_QUEUE_SIZE", "10", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1")
	p, said := opened(t)
	for range 10_000 { // of which the queue has room for ten
		_, span := p.Tracer().Start(context.Background(), "lost")
		span.End()
	}
	p.Close()
	if !strings.Contains(said.String(), "the last traces were not exported") {
		t.Errorf("the log does not say so:\n%s", said)
	}
}

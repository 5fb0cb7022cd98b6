package tracing

import (
	"net/url"
	"os"
	"slices"
	"strings"
)

// The variables that are looked at here. The others of OpenTelemetry's for traces are its library's.
const (
	varDisabled       = "OTEL_SDK_DISABLED"
	varExporter       = "OTEL_TRACES_EXPORTER"
	varEndpoint       = "OTEL_EXPORTER_OTLP_ENDPOINT"
	varTracesEndpoint = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	varProtocol       = "OTEL_EXPORTER_OTLP_PROTOCOL"
	varTracesProtocol = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
	varSampler        = "OTEL_TRACES_SAMPLER"
	varSamplerArg     = "OTEL_TRACES_SAMPLER_ARG"
)

// The protocols that are supported, as varProtocol has them.
const (
	HTTP = "http/protobuf"
	GRPC = "grpc"
)

// The endpoints of a collector on the same host, by protocol.
var localEndpoints = map[string]string{HTTP: "http://localhost:4318", GRPC: "http://localhost:4317"}

// samplers are the values of varSampler that the library knows.
var samplers = []string{"always_on", "always_off", "traceidratio", followsParent + "always_on", followsParent + "always_off", followsParent + "traceidratio"}

const followsParent = "parentbased_"

// Setting is what the environment says about traces.
type Setting struct {
	// On says that traces are exported.
	On bool `json:"on"`
	// Protocol is HTTP or GRPC, Endpoint the collector without credentials, and Sampler what
	// is sampled. They are empty when traces are off.
	Protocol string `json:"protocol,omitempty"`
	Endpoint string `json:"endpoint,omitempty"`
	Sampler  string `json:"sampler,omitempty"`
	// Warnings say which variables have a value that is not supported. Of an exporter or a protocol
	// that turns traces off.
	Warnings []string `json:"warnings,omitempty"`
}

// FromEnvironment returns what the environment says about traces: they are on when
// OTEL_TRACES_EXPORTER is otlp, or when it is not set and an OTLP endpoint is.
func FromEnvironment() Setting {
	var s Setting
	if strings.EqualFold(value(varDisabled), "true") {
		return s
	}
	endpoint := firstOf(varTracesEndpoint, varEndpoint)
	switch exporter := strings.ToLower(value(varExporter)); {
	case exporter == "none", exporter == "" && endpoint == "":
		return s
	case exporter != "" && exporter != "otlp":
		s.Warnings = append(s.Warnings, varExporter+" is "+exporter+", only otlp and none are supported: traces are off")
		return s
	}
	protocol := strings.ToLower(firstOf(varTracesProtocol, varProtocol))
	if protocol == "" {
		protocol = HTTP
	}
	if localEndpoints[protocol] == "" {
		s.Warnings = append(s.Warnings, varProtocol+" is "+protocol+", only "+HTTP+" and "+GRPC+" are supported: traces are off")
		return s
	}
	if endpoint == "" {
		endpoint = localEndpoints[protocol]
	}
	s.On, s.Protocol, s.Endpoint, s.Sampler = true, protocol, shown(endpoint), followsParent+"always_on"
	switch sampler := strings.ToLower(value(varSampler)); {
	case sampler == "":
	case !slices.Contains(samplers, sampler):
		s.Warnings = append(s.Warnings, varSampler+" is "+sampler+", which is not supported: "+s.Sampler+" is taken")
	default:
		s.Sampler = sampler
	}
	return s
}

// Share is the argument of the sampler for people, "" for none.
func (s Setting) share() string {
	if !strings.HasSuffix(s.Sampler, "traceidratio") {
		return ""
	}
	if arg := value(varSamplerArg); arg != "" {
		return " " + arg
	}
	return " 1"
}

// String is the setting for people, "off" without traces.
func (s Setting) String() string {
	if !s.On {
		return "off"
	}
	return "to " + s.Endpoint + " by " + s.Protocol + ", sampler " + s.Sampler + s.share()
}

func value(name string) string { return strings.TrimSpace(os.Getenv(name)) }

func firstOf(names ...string) string {
	for _, name := range names {
		if v := value(name); v != "" {
			return v
		}
	}
	return ""
}

// shown is an endpoint without what may be a credential.
func shown(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" {
		return "an endpoint that is no URL"
	}
	u.User, u.RawQuery = nil, ""
	return u.String()
}

package endpoint

import (
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/deskstream/deskstream/internal/version"
)

// NewRegistry makes a registry with what every process shows: the runtime's own metrics, and which
// build it is.
func NewRegistry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "deskstream_build_info", Help: "1, with the version, commit and Go version of the program as labels.",
			ConstLabels: prometheus.Labels{"version": version.Release(), "revision": version.Revision(), "goversion": runtime.Version()},
		}, func() float64 { return 1 }),
	)
	return registry
}

package export

import (
	"context"
	"fmt"
	"net"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/deskstream/deskstream/internal/endpoint"
	"github.com/deskstream/deskstream/mapping/unified"
)

// collectors are the metrics of all destinations.
type collectors struct {
	calls     *prometheus.CounterVec
	objects   *prometheus.CounterVec
	missing   *prometheus.GaugeVec
	failures  *prometheus.CounterVec
	completed *prometheus.GaugeVec
}

func newCollectors(registry *prometheus.Registry) *collectors {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "deskstream_export_" + name, Help: help}, append([]string{"destination"}, labels...))
		registry.MustRegister(v)
		return v
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "deskstream_export_" + name, Help: help}, []string{"destination", "entity"})
		registry.MustRegister(v)
		return v
	}
	return &collectors{
		calls:     counter("calls_total", "Attempts at calls, by status; 0 without a response.", "status"),
		objects:   counter("objects_total", "Objects written to their topics: written, or deleted.", "entity", "what"),
		missing:   gauge("missing_objects", "Objects of the topic that the last complete walk did not find in the list."),
		failures:  counter("failures_total", "Walks that ended before the end of the list.", "entity"),
		completed: gauge("completed_timestamp_seconds", "When the last complete walk began."),
	}
}

// metrics are those of one destination.
type metrics struct {
	*collectors

	destination string
}

func (m *metrics) wrote(e unified.Entity, n int) {
	m.objects.WithLabelValues(m.destination, string(e), "written").Add(float64(n))
}

func (m *metrics) deleted(e unified.Entity, n int) {
	m.objects.WithLabelValues(m.destination, string(e), "deleted").Add(float64(n))
}

func (m *metrics) missed(e unified.Entity, n int) {
	m.missing.WithLabelValues(m.destination, string(e)).Set(float64(n))
}

func (m *metrics) failed(e unified.Entity) {
	m.failures.WithLabelValues(m.destination, string(e)).Inc()
}

func (m *metrics) walked(e unified.Entity, w walkState) {
	m.collectors.completed.WithLabelValues(m.destination, string(e)).Set(float64(w.Began.UnixMilli()) / 1000)
}

// serve serves what monitoring asks for until stop is called. Export is always ready: it needs nobody's
// requests.
func (x *exporter) serve(ctx context.Context) (stop func(), err error) {
	if x.Metrics == "" {
		return func() {}, nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", x.Metrics)
	if err != nil {
		return nil, fmt.Errorf("opening metrics: %w", err)
	}
	x.Log.Info("endpoint opened", "setting", "metrics", "address", listener.Addr().String())
	ready := func(w http.ResponseWriter, _ *http.Request) {
		endpoint.Answer(w, http.StatusOK, map[string]string{"status": "ok"})
	}
	server := endpoint.New(listener, endpoint.Config{Handler: endpoint.Monitoring{Registry: x.Registry, Ready: ready}.Handler(), AnswerWithin: endpoint.WriteTimeout, Log: x.Log})
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(); err != nil {
			x.Log.Error("metrics are not served any more", "err", err)
		}
	}()
	return func() {
		server.Close() // a scrape that is under way does not keep the process
		<-done
	}, nil
}

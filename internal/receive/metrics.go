package receive

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/deskstream/deskstream/internal/endpoint"
	"github.com/deskstream/deskstream/mapping/unified"
)

// metrics count what is received. Labels are of closed sets: names of the configuration, statuses,
// reasons, types of events. The destination is empty for a path that names none.
type metrics struct {
	registry                                  *prometheus.Registry
	requests, refused, events, enriched       *prometheus.CounterVec
	repeats, late, catchUps                   *prometheus.CounterVec
	seconds                                   *prometheus.HistogramVec
	lastEvent, registrations, gap             *prometheus.GaugeVec
	writeFailures, connectionErrors, panicked prometheus.Counter
	open                                      prometheus.Gauge
}

// requestBuckets are in seconds, up to the longest that a request can take.
var requestBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

func newMetrics() *metrics {
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	m := &metrics{
		registry: endpoint.NewRegistry(),
		requests: counters("deskstream_receive_requests_total", "Requests by the status of the response.", "destination", "status"),
		refused:  counters("deskstream_receive_refused_total", "Requests that were refused, by the reason.", "destination", "reason"),
		events:   counters("deskstream_receive_events_total", "Events that Kafka has acknowledged, by their type.", "destination", "type"),
		enriched: counters("deskstream_receive_enriched_total", "Events for which ticket and contact were looked up at the desk, by whether that succeeded.", "destination", "enriched"),
		repeats:  counters("deskstream_receive_repeats_total", "Events that this instance received before.", "destination"),
		late:     counters("deskstream_receive_late_total", "Events that were received more than 300 seconds after they were signed.", "destination"),
		catchUps: counters("deskstream_receive_catch_ups_total", "Exports of what the desk may have sent in a gap, by whether they were walked to their end.", "destination", "done"),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "deskstream_receive_request_duration_seconds", Help: "Duration of requests that were not refused.", Buckets: requestBuckets,
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 160, NativeHistogramMinResetDuration: time.Hour,
		}, []string{"destination"}),
		lastEvent: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "deskstream_receive_last_event_timestamp_seconds", Help: "Unix time of the latest event that Kafka has acknowledged, 0 for none.",
		}, []string{"destination"}),
		registrations: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "deskstream_receive_registrations", Help: "Registrations of webhooks at the desk by their state, as webhooks list has it.",
		}, []string{"destination", "state"}),
		gap: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "deskstream_receive_gap_seconds", Help: "Length of a time whose webhooks may be lost and were not read from the desk's lists yet, 0 for none.",
		}, []string{"destination"}),
		writeFailures:    counter("deskstream_receive_write_failures_total", "Events that Kafka did not acknowledge in time, or refused."),
		connectionErrors: counter("deskstream_receive_connection_errors_total", "Connections that failed, as in the TLS handshake."),
		panicked:         counter("deskstream_receive_panics_total", "Webhooks that made the code panic; they are written as unknown events."),
		open: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "deskstream_receive_open_requests", Help: "Requests that are being read, checked or written.",
		}),
	}
	m.registry.MustRegister(
		m.requests, m.refused, m.events, m.enriched, m.repeats, m.late, m.seconds, m.lastEvent, m.registrations, m.gap, m.catchUps, m.writeFailures, m.connectionErrors, m.panicked, m.open,
	)
	return m
}

// watch shows how many events are overdue.
func (m *metrics) watch(w *writer) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "deskstream_receive_overdue_events", Help: "Events that Kafka has not acknowledged in time and may still take; above 0 webhooks are answered with 503.",
	}, func() float64 { return float64(max(0, w.waiting.Load())) }))
}

// begin shows a destination's metrics before its first event, so that an alert can compare.
func (m *metrics) begin(destination string) {
	m.requests.WithLabelValues(destination, "200")
	m.lastEvent.WithLabelValues(destination)
	m.repeats.WithLabelValues(destination)
	m.late.WithLabelValues(destination)
	m.gap.WithLabelValues(destination)
	m.catchUps.WithLabelValues(destination, "true")
	m.catchUps.WithLabelValues(destination, "false")
	for _, reason := range []reason{badSignature, tooOld, notTaken} {
		m.refused.WithLabelValues(destination, string(reason))
	}
}

// answered counts a request.
func (m *metrics) answered(destination string, status int) {
	m.requests.WithLabelValues(destination, strconv.Itoa(status)).Inc()
}

// counts are the metrics of one destination that each of its events takes.
type counts struct {
	*metrics

	destination       string
	ok, repeats, late prometheus.Counter
	seconds           prometheus.Observer
	lastEvent         prometheus.Gauge
	events            sync.Map // prometheus.Counter by unified.Type, of those that came
}

func (m *metrics) of(destination string) *counts {
	return &counts{
		metrics: m, destination: destination, ok: m.requests.WithLabelValues(destination, "200"), repeats: m.repeats.WithLabelValues(destination),
		late: m.late.WithLabelValues(destination), seconds: m.seconds.WithLabelValues(destination), lastEvent: m.lastEvent.WithLabelValues(destination),
	}
}

// received counts an event that is on the topic, whose request began at a time.
func (c *counts) received(e *unified.Event, began time.Time) {
	count, ok := c.events.Load(e.Type)
	if !ok {
		count, _ = c.events.LoadOrStore(e.Type, c.metrics.events.WithLabelValues(c.destination, string(e.Type)))
	}
	count.(prometheus.Counter).Inc()
	now := time.Now()
	c.seconds.Observe(now.Sub(began).Seconds())
	c.lastEvent.Set(float64(now.UnixMilli()) / 1000)
	if e.Repeat {
		c.repeats.Inc()
	}
	if e.Late {
		c.late.Inc()
	}
	if e.Enriched != nil {
		c.enriched.WithLabelValues(c.destination, strconv.FormatBool(*e.Enriched)).Inc()
	}
}

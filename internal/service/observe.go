package service

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/deskstream/deskstream/sink/budget"
)

// newRegistry makes a registry with the runtime's own metrics.
func newRegistry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}

// callBuckets are in seconds, up to the default delivery.timeout.
var callBuckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

// observeCalls counts and times the attempts at calls. The labels are of closed sets:
// op is a path template, never a path.
func observeCalls(registry *prometheus.Registry) func(destination string) func(op string, status int, took time.Duration) {
	calls := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "deskstream_calls_total", Help: "Attempts at API calls by the status of the answer, none without one.",
	}, []string{"destination", "op", "status"})
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "deskstream_call_seconds", Help: "Duration of attempts at API calls.", Buckets: callBuckets,
	}, []string{"destination", "op"})
	registry.MustRegister(calls, seconds)
	return func(destination string) func(string, int, time.Duration) {
		var known sync.Map // of *callMetrics by callLabels: to find them by their labels takes long
		return func(op string, status int, took time.Duration) {
			metrics, ok := known.Load(callLabels{op, status})
			if !ok {
				text := "none"
				if status != 0 {
					text = strconv.Itoa(status)
				}
				metrics = &callMetrics{calls.WithLabelValues(destination, op, text), seconds.WithLabelValues(destination, op)}
				known.Store(callLabels{op, status}, metrics)
			}
			m := metrics.(*callMetrics)
			m.attempts.Inc()
			m.seconds.Observe(took.Seconds())
		}
	}
}

// callLabels are what the metrics of calls differ in; status is 0 without an answer.
type callLabels struct {
	op     string
	status int
}

type callMetrics struct {
	attempts prometheus.Counter
	seconds  prometheus.Observer
}

// observeShare shows which part of its account's budget a destination's process has.
func observeShare(registry *prometheus.Registry, destination string, budget *budget.Budget) {
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "deskstream_budget_share", Help: "The part of the credential's rate limit that this process may use, 0 to 1.",
		ConstLabels: prometheus.Labels{"destination": destination},
	}, budget.Share))
}

// observeWrites counts the times that a topic did not take a record. The reason is in
// the log; each topic's count is there from the start, so that an alert can compare.
func observeWrites(registry *prometheus.Registry, topics ...string) func(destination string) func(topic, reason string) {
	failures := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "deskstream_write_failures_total", Help: "Times that the responses or dead-letter topic did not take a record, which waits and is written again.",
	}, []string{"destination", "topic"})
	registry.MustRegister(failures)
	return func(destination string) func(string, string) {
		for _, topic := range topics {
			failures.WithLabelValues(destination, topic)
		}
		return func(topic, _ string) { failures.WithLabelValues(destination, topic).Inc() }
	}
}

package main

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/deskstream/deskstream/internal/registry"
	"github.com/deskstream/deskstream/sink"
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
		return func(op string, status int, took time.Duration) {
			text := "none"
			if status != 0 {
				text = strconv.Itoa(status)
			}
			calls.WithLabelValues(destination, op, text).Inc()
			seconds.WithLabelValues(destination, op).Observe(took.Seconds())
		}
	}
}

// observeShare shows which part of its account's budget a destination's process has.
func observeShare(registry *prometheus.Registry, destination string, budget *sink.Budget) {
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

// observeSchemas counts the questions to the schema registry.
func observeSchemas() (func(registry.Result), prometheus.Collector) {
	questions := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "deskstream_schema_requests_total", Help: "Questions to the schema registry by how they ended: found, unknown, failed.",
	}, []string{"result"})
	for _, r := range []registry.Result{registry.Found, registry.Unknown, registry.Failed} {
		questions.WithLabelValues(string(r)) // there from the start, so that an alert can compare
	}
	return func(r registry.Result) { questions.WithLabelValues(string(r)).Inc() }, questions
}

package service

import (
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
	"github.com/deskstream/deskstream/sink/traces"
)

// callBuckets are in seconds. The default delivery.timeout is 30 s, so that time-outs have a bucket.
var callBuckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}

// observeCalls counts and times the attempts at calls. The labels are of closed sets:
// op is a path template, never a path.
func observeCalls(registry *prometheus.Registry) func(destination string) func(sink.Attempt) {
	calls := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "deskstream_calls_total", Help: "Attempts at API calls by the status of the answer, none without one.",
	}, []string{"destination", "op", "status"})
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "deskstream_call_duration_seconds", Help: "Duration of attempts at API calls.", Buckets: callBuckets,
		NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 160, NativeHistogramMinResetDuration: time.Hour,
	}, []string{"destination", "op"})
	registry.MustRegister(calls, seconds)
	return func(destination string) func(sink.Attempt) {
		var known sync.Map // of *callMetrics by callLabels: to find them by their labels takes long
		return func(a sink.Attempt) {
			labels := callLabels{a.Op, a.Status}
			metrics, ok := known.Load(labels)
			if !ok {
				text := "none"
				if a.Status != 0 {
					text = strconv.Itoa(a.Status)
				}
				metrics = &callMetrics{calls.WithLabelValues(destination, a.Op, text), seconds.WithLabelValues(destination, a.Op).(prometheus.ExemplarObserver)}
				known.Store(labels, metrics)
			}
			m := metrics.(*callMetrics)
			m.attempts.Inc()
			m.seconds.ObserveWithExemplar(a.Took.Seconds(), traces.Exemplar(a.TraceID))
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
	seconds  prometheus.ExemplarObserver
}

// observeFaults counts the conditions of rules that could not be evaluated.
func observeFaults(registry *prometheus.Registry) func(destination string) func(rule, reason string) {
	faults := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "deskstream_rule_condition_failures_total", Help: "Times that the condition of a rule could not be evaluated for an event, which it did not match, by reason.",
	}, []string{"destination", "rule", "reason"})
	registry.MustRegister(faults)
	return func(destination string) func(string, string) {
		return func(rule, reason string) { faults.WithLabelValues(destination, rule, reason).Inc() }
	}
}

// observeDesk shows what a destination knows of its calls and of its rate budget.
func observeDesk(registry *prometheus.Registry, destination string, d *sink.Destination, budget *budget.Budget) {
	labels := prometheus.Labels{"destination": destination}
	counter := func(name, help string, value func() float64) {
		registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels}, value))
	}
	gauge := func(name, help string, value func() float64) {
		registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels}, value))
	}
	counter("deskstream_call_retries_total", "Attempts at API calls that repeated one which had failed.",
		func() float64 { return float64(d.Retries()) })
	counter("deskstream_rate_budget_wait_seconds_total", "Time that events have waited for the rate budget, all of them together.",
		func() float64 { return d.BudgetWait().Seconds() })
	gauge("deskstream_rate_budget_ratio", "The part of the credential's rate limit that this process may use, 0 to 1.", budget.Share)
	gauge("deskstream_rate_budget_used_ratio", "The part of its own rate budget that this process used in the latest window, 0 to 1; above 1 when it was lent what others left over. NaN while it has none.",
		func() float64 {
			own, _ := budget.Own()
			return float64(budget.Used(time.Now())) / own // 0/0 without partitions
		})
	gauge("deskstream_rate_limit_calls", "Calls that the credential allows in a window of delivery.rate_limit.per, as configured or as the API said last.",
		func() float64 { limit, _ := budget.Limit(); return float64(limit) })
	gauge("deskstream_rate_limit_remaining_calls", "Calls that were left of the window by the API's latest answer, for all processes; NaN if none has said so.",
		func() float64 {
			if _, remaining := budget.Limit(); remaining >= 0 {
				return float64(remaining)
			}
			return math.NaN()
		})
}

// observeReloads counts the times that a destination's credential could not be read again.
func observeReloads(registry *prometheus.Registry) *prometheus.CounterVec {
	failures := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "deskstream_credential_reload_failures_total", Help: "Times that a file with a credential could not be read again; the current one stays.",
	}, []string{"destination"})
	registry.MustRegister(failures)
	return failures
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

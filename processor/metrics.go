package processor

import (
	"errors"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kprom"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink/hold"
)

// metrics collects a pipeline's figures when they are asked for.
type metrics struct {
	p           *Processor
	destination string
	kafka       *kprom.Metrics
	all         []*prometheus.Desc
	reasons     reasons

	events, read, alreadySettled, released, expired, late *prometheus.Desc
	open, inFlight, bytes, lanes, oldest, gap             *prometheus.Desc
	hold, held, paused, trouble, transaction              *prometheus.Desc
	joined, partitions, lastDelivery                      *prometheus.Desc
	writes, oldestWrite                                   *prometheus.Desc
	keys, keyConflicts                                    *prometheus.Desc
	merged, apart                                         *prometheus.Desc
	ofPriority, openOfPriority, oldestOfPriority          *prometheus.Desc
	awaitBudget                                           *prometheus.Desc
}

func newMetrics(p *Processor) *metrics {
	m := &metrics{p: p, destination: p.name, reasons: newReasons(p.name, p.cfg.Rules)}
	m.describeRecords()
	m.describeState()
	if p.cfg.Metrics == nil {
		return m
	}
	reg := prometheus.WrapRegistererWith(prometheus.Labels{"destination": p.name}, p.cfg.Metrics)
	m.kafka = kprom.NewMetrics("deskstream_kafka", kprom.Registerer(wellNamed{reg}))
	// A second processor of the same destination in one process, as in tests, keeps
	// the first one's figures.
	if err := p.cfg.Metrics.Register(m); err != nil && !errors.As(err, new(prometheus.AlreadyRegisteredError)) {
		p.log.Warn("metrics not registered", "err", err)
	}
	return m
}

func (m *metrics) desc(name, help string, labels ...string) *prometheus.Desc {
	d := prometheus.NewDesc("deskstream_"+name, help, labels, prometheus.Labels{"destination": m.destination})
	m.all = append(m.all, d)
	return d
}

// describeRecords describes what becomes of records.
func (m *metrics) describeRecords() {
	m.events = m.desc("events_total", "Events by their outcome: delivered, skipped, dead.", "outcome")
	m.read = m.desc("records_read_total", "Records read from the source topics.")
	m.alreadySettled = m.desc("records_already_settled_total", "Records that had an outcome on the responses topic when they were read.")
	m.released = m.desc("records_released_total", "Records that were open when their partition was released or lost. They are read again.")
	m.expired = m.desc("records_expired_total", "Records that retention deleted before they were read.")
	m.late = m.desc("late_effects_total", "Tickets and the like that were made for a partition that was with another process by then, which may have made them again.")
	m.merged = m.desc("merged_events_total", "Events that went out with a newer one of their lane, in its calls.")
	m.apart = m.desc("groups_taken_apart_total", "Calls for several events that came to nothing. Each event went out alone after that.")
	m.open = m.desc("open_records", "Records read and not settled.")
	m.bytes = m.desc("open_bytes", "Memory that open records take.")
	m.lanes = m.desc("open_lanes", "Lanes with an open record.")
	m.inFlight = m.desc("in_flight", "Events that hold a place of delivery.max_in_flight.")
	m.awaitBudget = m.desc("rate_budget_waiting_events", "Events on their way that wait for a call of the rate budget.")
	m.oldest = m.desc("oldest_undelivered_seconds", "Age of the oldest open record by its Kafka timestamp, 0 without one.")
	m.lastDelivery = m.desc("last_delivery_timestamp_seconds", "When the latest event was delivered, as Unix time, 0 before the first.")
	m.ofPriority = m.desc("priority_events_total", "Events with an outcome of this process, by priority. Without priorities all are normal.", "priority")
	m.openOfPriority = m.desc("priority_open_records", "Records read and not settled, by priority.", "priority")
	m.oldestOfPriority = m.desc("priority_oldest_undelivered_seconds", "Age of the oldest open record of a priority by its Kafka timestamp, 0 without one.", "priority")
	m.gap = m.desc("conservation_gap", "Records read that are neither settled, released nor open. Anything but 0 is a fault of this program.")
	if m.p.cfg.Writer.Keys != "" {
		m.keys = m.desc("keys", "Keys of open tickets that are known. Absent where no rule has a key.")
		m.keyConflicts = m.desc("key_conflicts_total", "Records of keys that were ignored, because a process wrote them that had lost the partition by then. Absent where no rule has a key.")
	}
}

// describeState describes what the pipeline waits for.
func (m *metrics) describeState() {
	m.joined = m.desc("group_joined", "1 while the consumer group counts this instance in, else 0.")
	m.partitions = m.desc("partitions_assigned", "Source partitions of this instance.")
	m.hold = m.desc("hold", "1 for the reason for which the destination is on hold, 0 for the others.", "reason")
	m.held = m.desc("hold_seconds", "For how long the present hold has lasted, 0 without one.")
	m.paused = m.desc("intake_paused", "1 for the limit that is reached, for which intake waits, 0 for the others; span and schema stop single partitions.", "limit")
	m.trouble = m.desc("trouble", "1 while Kafka refuses a part of the work or does not answer, by part of the work: fetch, claim, commit; transaction while one does not end; 0 otherwise. The log says why.", "part")
	m.transaction = m.desc("open_transaction_seconds", "For how long an open transaction has kept records of a source partition from being read, since this instance saw it first; the longest of its partitions, 0 without one.")
	m.writes = m.desc("open_writes", "Records on their way to the responses or dead-letter topic, not acknowledged yet.", "topic")
	m.oldestWrite = m.desc("oldest_write_seconds", "Age of the oldest write to the topic that is not acknowledged, 0 without one.", "topic")
}

func (m *metrics) clientOpts() []kgo.Opt {
	if m.kafka == nil {
		return nil
	}
	return []kgo.Opt{kgo.WithHooks(m.kafka)}
}

// wellNamed registers all but the gauges that the client's plugin names as counters,
// deskstream_kafka_buffered_fetch_records_total and the like: their bytes say as much.
type wellNamed struct{ prometheus.Registerer }

// MustRegister implements prometheus.Registerer.
func (w wellNamed) MustRegister(all ...prometheus.Collector) {
	w.Registerer.MustRegister(slices.DeleteFunc(slices.Clone(all), func(c prometheus.Collector) bool {
		gauge, ok := c.(prometheus.GaugeFunc)
		return ok && strings.Contains(gauge.Desc().String(), `_total"`)
	})...)
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range m.all {
		ch <- d
	}
	m.reasons.describe(ch)
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	if !m.p.kafka.isReady() {
		return // New is still at work
	}
	m.reasons.collect(ch)
	f := m.p.Figures()
	m.collectRecords(sample{ch}, &f)
	m.collectState(sample{ch}, &f)
}

func (m *metrics) collectRecords(to sample, f *Figures) {
	to.counter(m.read, f.Read)
	to.counter(m.alreadySettled, f.AlreadySettled)
	to.counter(m.released, f.Released)
	to.counter(m.expired, f.Expired)
	to.counter(m.late, f.LateEffects)
	to.counter(m.events, f.Delivered, "delivered")
	to.counter(m.events, f.Skipped, "skipped")
	to.counter(m.events, f.Dead, "dead")
	if m.keys != nil {
		to.gauge(m.keys, float64(f.Keys))
		to.counter(m.keyConflicts, f.KeyConflicts)
	}
	to.counter(m.merged, f.Merged)
	to.counter(m.apart, f.TakenApart)
	for i, priority := range mapping.Priorities {
		of := f.ByPriority[i]
		to.counter(m.ofPriority, of.Settled, priority.String())
		to.gauge(m.openOfPriority, float64(of.Open), priority.String())
		to.gauge(m.oldestOfPriority, of.Oldest.Seconds(), priority.String())
	}
	to.gauge(m.open, float64(f.Open))
	to.gauge(m.inFlight, float64(f.InFlight))
	to.gauge(m.awaitBudget, float64(f.AwaitBudget))
	to.gauge(m.bytes, float64(f.Bytes))
	to.gauge(m.lanes, float64(f.Lanes))
	to.gauge(m.gap, float64(f.Gap))
	to.gauge(m.oldest, f.Oldest.Seconds())
	last := 0.0
	if !f.LastDelivery.IsZero() {
		last = float64(f.LastDelivery.UnixMilli()) / 1e3
	}
	to.gauge(m.lastDelivery, last)
}

func (m *metrics) collectState(to sample, f *Figures) {
	to.gauge(m.joined, oneIf(f.Joined))
	to.gauge(m.partitions, float64(f.Partitions))
	to.gauge(m.transaction, f.OpenTransaction.Seconds())
	for topic, b := range m.p.kafka.writer.Backlogs() {
		to.gauge(m.writes, float64(b.Records), topic)
		to.gauge(m.oldestWrite, b.Oldest.Seconds(), topic)
	}
	for _, reason := range hold.Reasons() {
		to.gauge(m.hold, oneIf(f.Hold.Active() && f.Hold.Reason == reason), reason)
	}
	to.gauge(m.held, f.HeldFor.Seconds())
	for _, limit := range intakeLimits {
		to.gauge(m.paused, oneIf(slices.Contains(f.Paused, limit)), limit)
	}
	for _, part := range troubleParts {
		to.gauge(m.trouble, oneIf(slices.Contains(f.Trouble, part)), part)
	}
}

// intakeLimits are what intake can wait for.
var intakeLimits = [...]string{"records", "bytes", "lanes", "span", "schema"}

// sample takes single values.
type sample struct{ ch chan<- prometheus.Metric }

func (s sample) counter(d *prometheus.Desc, v int64, labels ...string) {
	s.ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
}

func (s sample) gauge(d *prometheus.Desc, v float64, labels ...string) {
	s.ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

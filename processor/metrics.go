package processor

import (
	"errors"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kprom"

	"github.com/deskstream/deskstream/sink"
)

// counts are what became of the records, counted at the fetch and at the
// acknowledgement. They are guarded by Processor.mu.
type counts struct {
	read, delivered, skipped, dead, foundDone, givenUp int64
	expired                                            int64
}

func (c *counts) settled(o *sink.Outcome) {
	switch o.Outcome {
	case sink.Delivered:
		c.delivered++
	case sink.Skipped:
		c.skipped++
	default:
		c.dead++
	}
}

// gap is what conservation says must be 0.
func (c *counts) gap(open int64) int64 {
	return c.read - c.delivered - c.skipped - c.dead - c.foundDone - c.givenUp - open
}

// metrics collects a pipeline's figures when they are asked for.
type metrics struct {
	p                                                                              *Processor
	kafka                                                                          *kprom.Metrics
	events, read, expired, open, inFlight, bytes, lanes, oldest, gap, hold, paused *prometheus.Desc
	trouble, writes, oldestWrite                                                   *prometheus.Desc
	reasons                                                                        reasons
}

func newMetrics(p *Processor) *metrics {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("deskstream_"+name, help, labels, prometheus.Labels{"destination": p.route.Name})
	}
	m := &metrics{
		p:           p,
		reasons:     newReasons(p.route.Name),
		events:      desc("events_total", "Records by what became of them: delivered, skipped, dead, found_done, given_up.", "outcome"),
		read:        desc("read_total", "Records read from the source topics."),
		expired:     desc("expired_total", "Records that retention deleted before they were read."),
		open:        desc("open_records", "Records read and not settled."),
		inFlight:    desc("in_flight", "Events that hold a place of delivery.max_in_flight."),
		bytes:       desc("open_bytes", "Memory that open records take."),
		lanes:       desc("open_lanes", "Lanes with an open record."),
		oldest:      desc("oldest_undelivered_seconds", "Age of the oldest open record by its Kafka timestamp, 0 without one."),
		gap:         desc("conservation_gap", "Records read that are neither settled, given up nor open. Anything but 0 is a fault of this program."),
		hold:        desc("hold", "1 while the destination is on hold, by reason; absent otherwise.", "reason"),
		paused:      desc("intake_paused", "1 while intake waits, by the limit that is reached; span and schema stop single partitions. Absent otherwise.", "limit"),
		trouble:     desc("trouble", "1 while Kafka refuses a part of the work or does not answer, by part of the work: fetch, claim, commit; 0 otherwise. The log says why.", "part"),
		writes:      desc("open_writes", "Records on their way to the responses or dead-letter topic, not acknowledged yet.", "topic"),
		oldestWrite: desc("oldest_write_seconds", "For how long the oldest of them has been on its way, 0 without one.", "topic"),
	}
	if p.cfg.Metrics == nil {
		return m
	}
	reg := prometheus.WrapRegistererWith(prometheus.Labels{"destination": p.route.Name}, p.cfg.Metrics)
	m.kafka = kprom.NewMetrics("deskstream_kafka", kprom.Registerer(reg))
	// A second processor of the same destination in one process, as in tests, keeps
	// the first one's figures.
	if err := p.cfg.Metrics.Register(m); err != nil && !errors.As(err, new(prometheus.AlreadyRegisteredError)) {
		p.log.Warn("metrics not registered", "err", err)
	}
	return m
}

func (m *metrics) clientOpts() []kgo.Opt {
	if m.kafka == nil {
		return nil
	}
	return []kgo.Opt{kgo.WithHooks(m.kafka)}
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		m.events, m.read, m.expired, m.open, m.inFlight, m.bytes, m.lanes,
		m.oldest, m.gap, m.hold, m.paused, m.trouble, m.writes, m.oldestWrite,
	} {
		ch <- d
	}
	m.reasons.describe(ch)
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	select {
	case <-m.p.made:
	default:
		return // New is still at work
	}
	m.reasons.collect(ch)
	f := m.p.Figures()
	counter := func(d *prometheus.Desc, v int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter(m.read, f.Read)
	counter(m.expired, f.Expired)
	counter(m.events, f.Delivered, "delivered")
	counter(m.events, f.Skipped, "skipped")
	counter(m.events, f.Dead, "dead")
	counter(m.events, f.FoundDone, "found_done")
	counter(m.events, f.GivenUp, "given_up")
	gauge(m.open, float64(f.Open))
	gauge(m.inFlight, float64(f.InFlight))
	gauge(m.bytes, float64(f.Bytes))
	gauge(m.lanes, float64(f.Lanes))
	gauge(m.gap, float64(f.Gap))
	gauge(m.oldest, f.Oldest.Seconds())
	for topic, b := range m.p.writer.Backlogs() {
		gauge(m.writes, float64(b.Records), topic)
		gauge(m.oldestWrite, b.Oldest.Seconds(), topic)
	}
	if f.Hold.Active() {
		gauge(m.hold, 1, f.Hold.Reason)
	}
	for _, limit := range f.Paused {
		gauge(m.paused, 1, limit)
	}
	for _, part := range troubleParts {
		lasting := 0.0
		if slices.Contains(f.Trouble, part) {
			lasting = 1
		}
		gauge(m.trouble, lasting, part)
	}
}

// Figures are a pipeline's numbers at one moment.
type Figures struct {
	// Read counts records since the start, and the others what became of them. FoundDone
	// had an outcome already, GivenUp were open when their partition went, and Expired
	// were deleted by retention before they were read.
	Read, Delivered, Skipped, Dead, FoundDone, GivenUp, Expired int64
	// Open is how many records are read and not settled, Bytes the memory they take.
	Open, Bytes int64
	// Lanes have an open record, InFlight events a place at the gate. Partitions are ours.
	Lanes, InFlight, Partitions int
	// Gap is 0 unless the program lost count of a record.
	Gap int64
	// Oldest is the age of the oldest open record.
	Oldest time.Duration
	Hold   sink.Hold
	// Paused are the limits that are waited for: the one that all intake waits for, if
	// there is one, and "span" or "schema" if they stop single partitions.
	Paused []string
	// Trouble is what Kafka refuses or does not answer at present: "fetch", "claim" or
	// "commit". The log says why.
	Trouble []string
	// Joined reports whether the group has given us an assignment, an empty one included.
	Joined bool
}

// troubleParts are the parts of the work with Kafka that can be in trouble.
var troubleParts = [...]string{"fetch", "claim", "commit"}

// Figures takes the numbers; what is open is counted by walking the lanes.
func (p *Processor) Figures() Figures {
	hold, inFlight := p.dest.Gate().Held(), p.dest.Gate().InUse()
	var lasting []string
	for i, t := range []*trouble{p.fetchTrouble, p.claimTrouble, p.commitTrouble} {
		if t.lasting() {
			lasting = append(lasting, troubleParts[i])
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.counts
	f := Figures{
		Read: c.read, Delivered: c.delivered, Skipped: c.skipped, Dead: c.dead,
		FoundDone: c.foundDone, GivenUp: c.givenUp, Expired: c.expired,
		Bytes: p.bytes, Lanes: p.lanes, InFlight: inFlight, Partitions: len(p.parts),
		Hold: hold, Trouble: lasting, Joined: p.joined,
	}
	span, schema := false, false
	for _, part := range p.parts {
		span, schema = span || part.spanPaused, schema || len(part.undecoded) > 0
		f.Open += int64(len(part.undecoded))
		for _, l := range part.lanes {
			for r := l.head; r != nil; r = r.behind {
				f.Open++
			}
		}
		if part.oldest != nil && !part.oldest.Timestamp.IsZero() {
			f.Oldest = max(f.Oldest, time.Since(part.oldest.Timestamp))
		}
	}
	if p.full != "" {
		f.Paused = append(f.Paused, p.full)
	}
	if span {
		f.Paused = append(f.Paused, "span")
	}
	if schema {
		f.Paused = append(f.Paused, "schema")
	}
	f.Gap = c.gap(f.Open)
	return f
}

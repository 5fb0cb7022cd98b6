package processor

import (
	"errors"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kprom"

	"github.com/deskstream/deskstream/sink/hold"
)

// metrics collects a pipeline's figures when they are asked for.
type metrics struct {
	p                                                                                    *Processor
	kafka                                                                                *kprom.Metrics
	events, read, expired, late, open, inFlight, bytes, lanes, oldest, gap, hold, paused *prometheus.Desc
	trouble, writes, oldestWrite, transaction                                            *prometheus.Desc
	reasons                                                                              reasons
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
		late:        desc("late_effects_total", "Tickets and the like that were made for a partition that was with another process by then, which may have made them again."),
		open:        desc("open_records", "Records read and not settled."),
		inFlight:    desc("in_flight", "Events that hold a place of delivery.max_in_flight."),
		bytes:       desc("open_bytes", "Memory that open records take."),
		lanes:       desc("open_lanes", "Lanes with an open record."),
		oldest:      desc("oldest_undelivered_seconds", "Age of the oldest open record by its Kafka timestamp, 0 without one."),
		gap:         desc("conservation_gap", "Records read that are neither settled, released nor open. Anything but 0 is a fault of this program."),
		hold:        desc("hold", "1 while the destination is on hold, by reason; absent otherwise.", "reason"),
		paused:      desc("intake_paused", "1 while intake waits, by the limit that is reached; span and schema stop single partitions. Absent otherwise.", "limit"),
		trouble:     desc("trouble", "1 while Kafka refuses a part of the work or does not answer, by part of the work: fetch, claim, commit; transaction while one does not end; 0 otherwise. The log says why.", "part"),
		transaction: desc("open_transaction_seconds", "For how long an open transaction has kept records of a source partition from being read, since this instance saw it first; the longest of its partitions, 0 without one."),
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
		m.events, m.read, m.expired, m.late, m.open, m.inFlight, m.bytes, m.lanes,
		m.oldest, m.gap, m.hold, m.paused, m.trouble, m.writes, m.oldestWrite, m.transaction,
	} {
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
	counter := func(d *prometheus.Desc, v int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter(m.read, f.Read)
	counter(m.expired, f.Expired)
	counter(m.late, f.LateEffects)
	counter(m.events, f.Delivered, "delivered")
	counter(m.events, f.Skipped, "skipped")
	counter(m.events, f.Dead, "dead")
	counter(m.events, f.AlreadySettled, "found_done")
	counter(m.events, f.Released, "given_up")
	gauge(m.open, float64(f.Open))
	gauge(m.inFlight, float64(f.InFlight))
	gauge(m.bytes, float64(f.Bytes))
	gauge(m.lanes, float64(f.Lanes))
	gauge(m.gap, float64(f.Gap))
	gauge(m.oldest, f.Oldest.Seconds())
	gauge(m.transaction, f.OpenTransaction.Seconds())
	for topic, b := range m.p.kafka.writer.Backlogs() {
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
	// Read counts records since the start, and the others what became of them. AlreadySettled
	// had an outcome already, Released were open when their partition went, and Expired
	// were deleted by retention before they were read.
	Read, Delivered, Skipped, Dead, AlreadySettled, Released, Expired int64
	// LateEffects are tickets and the like that were made for a partition that was with another
	// process by then.
	LateEffects int64
	// Open is how many records are read and not settled, Bytes the memory they take.
	Open, Bytes int64
	// Lanes have an open record, InFlight events a place at the gate. Partitions are ours.
	Lanes, InFlight, Partitions int
	// Gap is 0 unless the program lost count of a record.
	Gap int64
	// Oldest is the age of the oldest open record.
	Oldest time.Duration
	// OpenTransaction is for how long the oldest open transaction has kept records of one of
	// our partitions from being read, 0 without one.
	OpenTransaction time.Duration

	Hold hold.State
	// Paused are the limits that are waited for: the one that all intake waits for, if
	// there is one, and "span" or "schema" if they stop single partitions.
	Paused []string
	// Trouble is what Kafka refuses or does not answer at present: "fetch", "claim" or
	// "commit"; and "transaction" while one does not end. The log says why.
	Trouble []string
	// Joined reports whether the group has given us an assignment, an empty one included.
	Joined bool
}

// Figures takes the numbers; what is open is counted by walking the lanes.
func (p *Processor) Figures() Figures {
	f := Figures{
		InFlight: p.dest.Gate().InUse(), Hold: p.dest.Gate().Held(),
		Trouble: p.troubles.lasting(), Joined: p.member.isJoined(), OpenTransaction: p.transactions.openFor(),
	}
	p.book.figures(&f)
	return f
}

// figures puts in what the book knows.
func (b *book) figures(f *Figures) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.counts
	f.Read, f.Delivered, f.Skipped, f.Dead = c.read, c.delivered, c.skipped, c.dead
	f.AlreadySettled, f.Released, f.Expired, f.LateEffects = c.alreadySettled, c.released, c.expired, c.late
	f.Bytes, f.Lanes, f.Partitions = b.room.bytes, b.room.lanes, len(b.parts)
	span, schema := false, false
	for _, part := range b.parts {
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
	if b.room.full != "" {
		f.Paused = append(f.Paused, b.room.full)
	}
	if span {
		f.Paused = append(f.Paused, "span")
	}
	if schema {
		f.Paused = append(f.Paused, "schema")
	}
	f.Gap = c.gap(f.Open)
}

package topics

import (
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// stalledAfter is how long a record may be on its way to its topic before that is told.
// The client repeats, without an end, what the broker says will pass, as when
// too few replicas are in sync: nobody hears of it but by the time that it takes.
const stalledAfter = 10 * time.Second

// target is one topic that is written to. It knows what is on its way there, and keeps
// the log readable while the topic takes nothing: a line when that begins for each of
// its reasons, and one when no record waits any more.
type target struct {
	topic string
	log   *slog.Logger
	cfg   *Config
	// alone is held while a record is sent that has to have a batch of its own.
	alone chan struct{} // of one

	mu          sync.Mutex
	first, last *parcel // on their way, the oldest first
	n           int
	failing     int // of these, how many failed at least once
	reasons     map[string]bool
	stalled     bool
	timer       *time.Timer // set while the list is not empty
}

func newTarget(topic string, log *slog.Logger, cfg *Config) *target {
	return &target{
		topic: topic, log: log.With("topic", topic), cfg: cfg,
		alone: make(chan struct{}, 1), reasons: make(map[string]bool),
	}
}

// entered notes a parcel that begins its way.
func (t *target) entered(p *parcel, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p.since = now
	p.before = t.last
	if t.last == nil {
		t.first = p
	} else {
		t.last.after = p
	}
	t.last = p
	if t.n++; t.timer == nil {
		t.timer = time.AfterFunc(stalledAfter, t.look)
	}
}

// left notes that a parcel is on its way no longer, written or abandoned.
func (t *target) left(p *parcel, written bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p.before == nil {
		t.first = p.after
	} else {
		p.before.after = p.after
	}
	if p.after == nil {
		t.last = p.before
	} else {
		p.after.before = p.before
	}
	p.before, p.after = nil, nil
	if t.n--; t.n == 0 {
		t.timer.Stop()
		t.timer = nil
	}
	if p.failures > 0 {
		t.failing--
	}
	t.calm(written)
}

// calm ends an episode when nothing waits any more.
func (t *target) calm(written bool) {
	told := len(t.reasons) > 0 || t.stalled
	if !told || t.failing > 0 || t.stalled && t.first != nil && time.Since(t.first.since) >= stalledAfter {
		return
	}
	clear(t.reasons)
	t.stalled = false
	if written {
		t.log.Info("topic writes recovered")
	}
}

// look reports when records have been on their way for long and no error was told that
// explains it.
func (t *target) look() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.first == nil || t.timer == nil {
		return
	}
	age := time.Since(t.first.since)
	t.timer.Reset(max(stalledAfter-age, stalledAfter/2))
	if age < stalledAfter || t.stalled || len(t.reasons) > 0 {
		return
	}
	t.stalled = true
	t.log.Error("topic took no record for long: look at its leaders and at the replicas in sync",
		"waiting", t.n, "for", age.Round(time.Second))
}

// failed notes that the topic did not take a parcel.
func (t *target) failed(p *parcel, err error) {
	why := reason(err)
	if t.cfg.Failed != nil {
		t.cfg.Failed(t.topic, why)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if p.failures == 0 {
		t.failing++
	}
	if t.reasons[why] {
		return
	}
	t.reasons[why] = true
	if tooLarge(err) {
		t.log.Error("record did not fit its topic in any form and waits: raise max.message.bytes of the topic", "err", err, sourceAttrs(p.source))
		return
	}
	t.log.Error("topic write failed and is repeated", "err", err, sourceAttrs(p.source))
}

// Backlog is what is on its way to a topic and not acknowledged.
type Backlog struct {
	Records int
	// Oldest is for how long the first of them has been on its way.
	Oldest time.Duration
}

func (t *target) backlog() Backlog {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := Backlog{Records: t.n}
	if t.first != nil {
		b.Oldest = time.Since(t.first.since)
	}
	return b
}

func sourceAttrs(r *kgo.Record) slog.Attr {
	return slog.Group("source", "topic", r.Topic, "partition", r.Partition, "offset", r.Offset)
}

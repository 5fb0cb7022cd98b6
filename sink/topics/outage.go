package topics

import (
	"log/slog"
	"sync"
)

// outage keeps the log readable while a topic takes nothing: it begins with the
// first record that has to wait and ends when none waits any more, and each reason
// is told once in between.
type outage struct {
	topic string
	log   *slog.Logger
	hook  func(topic, reason string)

	mu      sync.Mutex
	waiting int
	reasons map[string]bool
}

func newOutage(topic string, log *slog.Logger, hook func(topic, reason string)) *outage {
	return &outage{topic: topic, log: log.With("topic", topic), hook: hook, reasons: make(map[string]bool)}
}

// failed notes that the topic did not take a parcel. Of records that are too large
// each is told, once: no passing of time will help them.
func (o *outage) failed(p *parcel, err error) {
	why := reason(err)
	if o.hook != nil {
		o.hook(o.topic, why)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if p.failures == 0 {
		o.waiting++
	}
	switch {
	case tooLarge(err) && !p.tooLarge:
		p.tooLarge = true
		o.log.Error("record did not fit its topic and waits: raise max.message.bytes and restart",
			"err", err, sourceAttrs(p.source))
	case !tooLarge(err) && !o.reasons[why]:
		o.reasons[why] = true
		o.log.Error("topic write failed and is repeated", "err", err, sourceAttrs(p.source))
	}
}

// left notes that a parcel waits no longer, written or given up.
func (o *outage) left(p *parcel, written bool) {
	if p.failures == 0 {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.waiting--
	if o.waiting > 0 {
		return
	}
	clear(o.reasons)
	if written {
		o.log.Info("topic writes recovered")
	}
}

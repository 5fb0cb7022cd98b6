package processor

import (
	"log/slog"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/deskstream/deskstream/sink"
)

// ruleCounts count the events of each rule, and those of them with warnings.
type ruleCounts struct {
	events, warned *prometheus.CounterVec
	uses           *ruleUses
}

func newRuleCounts(destination string, rules []string) ruleCounts {
	labels := prometheus.Labels{"destination": destination}
	c := ruleCounts{
		uses: new(ruleUses),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "deskstream_rule_events_total", Help: "Events that went by a rule, by what became of them.", ConstLabels: labels,
		}, []string{"rule", "outcome"}),
		warned: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "deskstream_rule_warnings_total", Help: "Events that went by a rule and whose outcome has a warning, as when a name is not there at the desk.", ConstLabels: labels,
		}, []string{"rule"}),
	}
	c.begin(rules)
	return c
}

// begin shows rules with 0 from the start, so that a rate has a beginning.
func (c ruleCounts) begin(rules []string) {
	for _, rule := range rules {
		for _, what := range []sink.Disposition{sink.Delivered, sink.Skipped, sink.Dead} {
			c.events.WithLabelValues(rule, string(what))
		}
		c.warned.WithLabelValues(rule)
	}
}

// settled counts an outcome that is acknowledged.
func (c ruleCounts) settled(o *sink.Outcome) {
	if o.Rule == "" {
		return
	}
	c.uses.settled(o)
	c.events.WithLabelValues(o.Rule, string(o.Outcome)).Inc()
	if len(o.Warnings) > 0 {
		c.warned.WithLabelValues(o.Rule).Inc()
	}
}

// ruleWarnings log that events of a rule have warnings: of each rule the first event, the tenth,
// the hundredth and so on. What the warnings say may quote an event, so it is in the outcomes only.
type ruleWarnings struct {
	log *slog.Logger

	mu     sync.Mutex
	events map[string]int
}

// note takes in an outcome.
func (w *ruleWarnings) note(o *sink.Outcome) {
	if o.Rule == "" || len(o.Warnings) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.events == nil {
		w.events = make(map[string]int)
	}
	w.events[o.Rule]++
	n := w.events[o.Rule]
	for ten := 1; ten <= n; ten *= 10 {
		if ten == n {
			w.log.Warn("events of a rule have warnings: their outcomes say which", "rule", o.Rule, "events", n)
		}
	}
}

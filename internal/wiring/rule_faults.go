package wiring

import (
	"log/slog"
	"sync"

	"github.com/deskstream/deskstream/mapping/rules"
)

// ruleFaults logs, once for each rule and reason, that a condition cannot be evaluated, and counts
// each time.
type ruleFaults struct {
	log   *slog.Logger
	count func(rule, reason string) // nil for nobody who counts

	mu   sync.Mutex
	said map[ruleFault]bool
}

type ruleFault struct{ rule, reason string }

func (f *ruleFaults) note(rule string, err error) {
	fault := ruleFault{rule, rules.FaultReason(err)}
	if f.count != nil {
		f.count(fault.rule, fault.reason)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.said[fault] {
		return
	}
	if f.said == nil {
		f.said = make(map[ruleFault]bool)
	}
	f.said[fault] = true
	f.log.Warn("a rule's condition cannot be evaluated for some events, which it does not match: guard it with has()", "rule", rule, "reason", fault.reason, "err", err)
}

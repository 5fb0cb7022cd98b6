package wiring

import (
	"log/slog"
	"sync"
)

// ruleFaults logs, once for each rule and reason, that a condition cannot be evaluated.
type ruleFaults struct {
	log *slog.Logger

	mu   sync.Mutex
	said map[ruleFault]bool
}

type ruleFault struct{ rule, reason string }

func (f *ruleFaults) note(rule string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fault := ruleFault{rule, err.Error()}
	if f.said[fault] {
		return
	}
	if f.said == nil {
		f.said = make(map[ruleFault]bool)
	}
	f.said[fault] = true
	f.log.Warn("a rule's condition cannot be evaluated for some events, which it does not match: guard it with has()", "rule", rule, "err", err)
}

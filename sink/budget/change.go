package budget

import "time"

// SetRate replaces the configured limit. A limit that the vendor's answers have named stays, unless
// the window has another length now.
func (b *Budget) SetRate(r Rate) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r == b.rate {
		return
	}
	told := b.limit != b.rate.Requests
	if r.Per != b.rate.Per {
		told = false
		b.window.restart(r.Per)
	}
	if !told {
		b.limit = r.Requests
	}
	b.rate = r
	b.setPace()
}

// restart forgets what was found out about windows of another length. Answers to earlier calls do
// not count any more.
func (w *window) restart(per time.Duration) {
	w.per, w.zero, w.slot = per, time.Time{}, 0
	w.epoch++
	w.answers, w.usage = [windowParts]int{}, usage{}
	w.newest = count{call: w.calls, lent: w.lent}
	w.from, w.to, w.before, w.lentBefore = time.Time{}, time.Time{}, 0, 0
}

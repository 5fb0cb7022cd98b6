package budget

import "time"

// Grant is one call that a Budget let through. Learn takes it back with the answer to
// that call, so that what the answer counts is compared with what this process had sent.
// The zero Grant is that of a call which no Budget let through.
type Grant struct {
	at   time.Time
	call int // its number, from 1
	lent int // how many calls up to this one were lent
	// What was known when it was granted: the newest answer's count, and how many calls of
	// the epoch, granted not long before, had their answers in.
	newest   count
	answered int
	epoch    int
}

// count is what one answer says: of the calls in the vendor's window, used were spent
// when the answer's own call, granted at the given time, arrived.
type count struct {
	used int
	call int // the number of the answer's call
	lent int // how many calls up to that one were lent
	at   time.Time
}

// window finds out from the answers when the vendor's window began. No desk says in
// each answer when its window ends, and what some call a reset is not always that.
//
// A count that began again shows it: an answer that counts fewer calls than this
// process alone has made within the length of a window, and whose answers were in before
// that call was sent, is the first of a new window. A window that slides never counts so
// few, so nothing is ever concluded from one. Half as many are asked for, since counters
// of several servers may lag.
//
// The beginning is known as a span only: after the call before was sent, and before the
// answer came.
type window struct {
	per   time.Duration
	calls int // granted to this process
	usage usage
	lent  int // of them, above its own part
	// newest is the count of the latest call of this epoch that was answered.
	newest count
	// epoch grows with each new window. answers counts the answered calls of this epoch by
	// the part of a window in which they were granted, of which the latest is slot.
	epoch   int
	zero    time.Time
	slot    int
	answers [windowParts]int
	// The present window began after from, at to at the latest; both are zero when that
	// is not known. before is how many calls were surely granted before it, lentBefore how
	// many were lent before.
	from, to           time.Time
	before, lentBefore int
}

// windowParts is in how many parts of a window answers are counted. The oldest part is
// left out, so that no call counts that a sliding window may not count any more.
const windowParts = 8

func (w *window) slotOf(t time.Time) int { return int(t.Sub(w.zero) / (w.per / windowParts)) }

// turn makes room for the answers of now.
func (w *window) turn(now time.Time) {
	if w.zero.IsZero() {
		w.zero = now
	}
	slot := w.slotOf(now)
	for gone := min(slot-w.slot, windowParts); gone > 0; gone-- {
		w.answers[(slot-gone+1)%windowParts] = 0
	}
	w.slot = slot
}

// grant numbers a call.
func (w *window) grant(now time.Time) Grant {
	w.turn(now)
	w.usage.add(now, w.per)
	w.calls++
	g := Grant{at: now, call: w.calls, lent: w.lent, newest: w.newest, epoch: w.epoch}
	for slot := w.oldest(now); slot <= w.slot; slot++ {
		g.answered += w.answers[slot%windowParts]
	}
	return g
}

// oldest is the first part of a window whose answers count for a call of now.
func (w *window) oldest(now time.Time) int { return max(0, w.slotOf(now)-windowParts+2) }

// isLate reports whether the answer to a call comes so late that a sliding window may have
// lost some of the calls before it.
func (w *window) isLate(g Grant, now time.Time) bool {
	return now.Sub(w.zero) > time.Duration(w.oldest(g.at))*(w.per/windowParts)+w.per
}

// isEarlier reports whether a call was granted before it was known that the present
// window began. Its answer may count the calls of the window before.
func (w *window) isEarlier(g Grant) bool { return g.call > 0 && g.epoch != w.epoch }

// learn takes in how many calls an answer counts. It reports whether the answer is the
// first of a new window.
func (w *window) learn(g Grant, used int, now time.Time) (began bool) {
	if g.call == 0 || w.isEarlier(g) {
		return false
	}
	w.turn(now)
	began = 2*used <= g.answered && !w.isLate(g, now)
	if began {
		w.begin(g, used, now)
	} else if slot := w.slotOf(g.at); slot > w.slot-windowParts {
		w.answers[slot%windowParts]++
	}
	// A later call can arrive before the one that begins the window, and be counted in the
	// window before.
	if began || g.call > w.newest.call {
		w.newest = count{used: used, call: g.call, lent: g.lent, at: g.at}
	}
	return began
}

func (w *window) begin(g Grant, used int, now time.Time) {
	w.epoch++
	w.answers = [windowParts]int{}
	w.from, w.to, w.before, w.lentBefore = time.Time{}, time.Time{}, 0, w.lent
	if g.newest.used > used && now.Sub(g.newest.at) <= w.per/5 {
		w.from, w.to, w.before = g.newest.at, now, g.newest.call
	}
}

// ends gives the earliest and the latest moment at which the current window may end; ok
// is false when its beginning is not known, or it may be over.
func (w *window) ends(now time.Time) (earliest, latest time.Time, ok bool) {
	if w.from.IsZero() || !now.Before(w.from.Add(w.per)) {
		return time.Time{}, time.Time{}, false
	}
	return w.from.Add(w.per), w.to.Add(w.per), true
}

// used is how many calls of the window are spent: what the newest answer counts, and
// the calls of this process that it may not have counted.
func (w *window) used() int { return w.newest.used + w.calls - w.newest.call }

// byOthers is how many calls of the window others have made at least. It takes all
// calls of this process that may be in the window for counted.
func (w *window) byOthers() int { return w.newest.used - (w.calls - w.before) }

//go:build synctests

package simulation

import (
	"cmp"
	"slices"
	"time"
)

// checkHolds: once an answer has stopped the destination, one call is open at a time
// until one passes; and none begins while an operator holds.
func (o *oracle) checkHolds() {
	type state struct {
		held  bool
		since time.Duration
		open  []*call // begun in the hold
	}
	states := make(map[int]*state)
	var ended []*call // by end
	ended = append(ended, o.calls...)
	sortByEnd(ended)
	for _, c := range o.calls {
		for len(ended) > 0 && ended[0].end.before(c.begin) {
			e := ended[0]
			ended = ended[1:]
			st := states[e.instance]
			if st == nil {
				st = &state{}
				states[e.instance] = st
			}
			switch {
			case e.usable && e.write:
				st.held, st.open = false, nil
			case e.holds && e.status != 403 && !st.held: // a 403 may be one event's own fault
				st.held, st.since, st.open = true, e.end.at, nil
			}
		}
		st := states[c.instance]
		if st == nil || !st.held || c.begin.at <= st.since {
			continue
		}
		if o.resumedWithin(c.instance, st.since, c.begin.at) {
			st.held, st.open = false, nil // a person has ended the hold, whatever opened it
			continue
		}
		for _, b := range st.open {
			if c.begin.before(b.end) {
				o.findf(ruleHold, "instance %d is held since %v, began %s of %s at %v while its %s of %s of %v was open",
					c.instance, st.since, c.op, c.user, c.begin.at, b.op, b.user, b.begin.at)
			}
		}
		st.open = append(st.open, c)
	}
	for i, l := range o.lives {
		if l.what != lifeHalt {
			continue
		}
		to := time.Duration(1 << 60)
		for _, m := range o.lives[i:] {
			if m.instance == l.instance && m.what == lifeResume {
				to = m.at
				break
			}
		}
		for _, c := range o.calls {
			if c.instance == l.instance && l.at < c.begin.at && c.begin.at < to {
				o.findf(ruleOperator, "instance %d sent %s of %s at %v, held by an operator from %v to %v", c.instance, c.op, c.user, c.begin.at, l.at, to)
			}
		}
	}
}

// resumedWithin reports whether a person resumed an instance after from and up to to.
func (o *oracle) resumedWithin(instance int, from, to time.Duration) bool {
	return slices.ContainsFunc(o.lives, func(l *life) bool {
		return l.what == lifeResume && l.instance == instance && from < l.at && l.at <= to
	})
}

// checkBreaker: of the events that an instance brought to the help desk in a row, no
// more die as rejected than the breaker's share, what was in flight, and the probes.
func (o *oracle) checkBreaker() {
	for _, w := range o.script.Windows {
		if w.Kind != rejectsAll || w.Share < 1 {
			continue
		}
		dead := make(map[int]map[string]bool)
		for _, c := range o.calls {
			if c.fault == rejectsAll && c.begin.at >= w.From && c.begin.at < w.To {
				if dead[c.instance] == nil {
					dead[c.instance] = make(map[string]bool)
				}
				dead[c.instance][c.mark] = true
			}
		}
		// A probe at 0.5, 1, 2, 4, 8, 10, 20 ... seconds after the hold began.
		probes := 6 + int((w.To-w.From)/(10*time.Second))
		for instance, events := range dead {
			if most := o.script.BreakerOf/2 + 1 + o.script.InFlight + probes; len(events) > most {
				o.findf(ruleBreaker, "instance %d let %d events be rejected between %v and %v, want %d at most", instance, len(events), w.From, w.To, most)
			}
		}
	}
}

func sortByEnd(calls []*call) {
	slices.SortStableFunc(calls, func(a, b *call) int { return cmp.Compare(a.end.seq, b.end.seq) })
}

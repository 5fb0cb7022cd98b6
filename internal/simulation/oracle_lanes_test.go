//go:build synctests

package simulation

import "slices"

// checkOrder: first arrivals are in order, only the latest event of a lane comes again,
// and each waits for the outcome of the one before.
func (o *oracle) checkOrder() {
	for user, lane := range o.lanes {
		index := make(map[string]int, len(lane))
		for i, s := range lane {
			index[s.mark] = i
		}
		latest, first := -1, make(map[int]*call)
		for _, c := range o.calls {
			i, ours := index[c.mark]
			if !ours || !c.write || c.fault == connRefused {
				continue
			}
			s := lane[i]
			if i < latest && !o.permitted(s, c.begin) && !o.forgotten(s, c) {
				rule := ruleOrder
				if o.mayJoin(s, lane[latest]) {
					rule = ruleValue
				}
				if rule == ruleOrder || !o.recordWent(s, first[latest], c) {
					o.findf(rule, "%s of %s came at %v (%s, instance %d), after %s had", s.mark, user, c.begin.at, c.op, c.instance, lane[latest].mark)
				}
			}
			if i > latest {
				o.checkSettledBefore(lane[:i], s, c)
			}
			if first[i] == nil {
				first[i] = c
			}
			latest = max(latest, i)
			for c.refused() && latest >= 0 && (latest == i || o.mayJoin(lane[latest], s)) {
				latest-- // they may be taken apart
			}
		}
	}
}

// refused reports whether the help desk refused the call, and it took no effect.
func (c *call) refused() bool { return c.status >= 400 && c.status < 500 && !c.acted }

// checkSettledBefore: all that came before the event in its lane are settled, but for those that may
// go out with it.
func (o *oracle) checkSettledBefore(lane []*source, sent *source, c *call) {
	for _, s := range lane {
		if o.leftOut(s) || o.mayJoin(s, sent) {
			continue
		}
		at, ok := o.settled[s.place()]
		if !ok || c.begin.at < at.at || c.begin.at == at.at && c.begin.before(at) && !o.seenOnly(s) {
			o.findf(ruleSettled, "%s began at %v (instance %d), the outcome of %s before it came at %v", c.mark, c.begin.at, c.instance, s.mark, at.at)
			return
		}
	}
}

// seenOnly reports whether no instance had the event's outcome acknowledged: then it was
// found on the topic, which the audit may have seen a little later.
func (o *oracle) seenOnly(s *source) bool {
	return !slices.ContainsFunc(o.acked, func(w *written) bool {
		return w.topic == responsesTopic && w.place() == s.place()
	})
}

// checkOverlap: no two calls of a lane are open at once, but for calls of an instance
// that lost the partition.
func (o *oracle) checkOverlap() {
	type lane struct {
		era  int
		user string
	}
	open := make(map[lane][]*call)
	for _, c := range o.calls {
		if c.user == "" {
			continue
		}
		list := slices.DeleteFunc(open[lane{c.era, c.user}], func(b *call) bool { return b.end.before(c.begin) })
		for _, b := range list {
			if !o.mayOverlap(b, c) {
				o.findf(ruleOverlap, "%s of %s (instance %d) began at %v while %s (instance %d), begun at %v, was open",
					c.op, c.user, c.instance, c.begin.at, b.op, b.instance, b.begin.at)
			}
		}
		open[lane{c.era, c.user}] = append(list, c)
	}
}

// mayOverlap reports whether c may begin while b of the same lane is open.
func (o *oracle) mayOverlap(b, c *call) bool {
	if b.instance == c.instance {
		return o.relost(b, c)
	}
	return o.troubled(b.instance, stamp{at: b.begin.at - 3*session}, c.begin) || o.rejoined(b.instance, b.begin, c.begin)
}

// relost reports whether the partition was lost and given again between the two, and the
// first call had not completed within the drain timeout.
func (o *oracle) relost(b, c *call) bool {
	return c.begin.at-b.begin.at > drain && o.troubled(b.instance, b.begin, c.begin)
}

// recordWent reports whether the announcement of an event's first call was deleted with its topic,
// and another instance, or a later life of the same one, made the second.
func (o *oracle) recordWent(s *source, first, c *call) bool {
	went := slices.ContainsFunc(o.born[1:], func(b stamp) bool { return first.begin.before(b) && b.before(c.begin) })
	if !went || first.instance != c.instance {
		return went
	}
	own := o.assignment(c.instance, s.partition, c.begin)
	return own != nil && first.begin.before(own.stamp)
}

// checkRepeats: what took effect is not done again, unless its answer was no use, its
// owner died or lost the partition before the outcome was written, or a rewind says so.
func (o *oracle) checkRepeats() {
	for mark, calls := range o.byEvent {
		s := o.byMark[mark]
		if s == nil {
			continue
		}
		for i, c := range calls {
			if i == 0 || o.permitted(s, c.begin) || o.forgotten(s, c) {
				continue
			}
			o.checkRepeat(s, calls[:i], c)
		}
		o.checkTwice(s, calls)
	}
}

// checkTwice: a ticket can be looked for, so it is opened once, whatever died and whatever
// answer was lost.
func (o *oracle) checkTwice(s *source, calls []*call) {
	var first *call
	for _, c := range calls {
		if c.op != openTicket || !c.acted {
			continue
		}
		if first != nil && !o.permitted(s, c.begin) && !o.forgotten(s, c) && !o.recordWent(s, first, c) {
			o.findf(ruleTwice, "%s opened a ticket at %v (instance %d, %s), and again at %v (instance %d)",
				s.mark, first.begin.at, first.instance, first.fault, c.begin.at, c.instance)
		}
		first = c
	}
}

func (o *oracle) checkRepeat(s *source, before []*call, c *call) {
	own := o.assignment(c.instance, s.partition, c.begin)
	if own == nil {
		return // checkFence reports it
	}
	for _, w := range o.outcomes[s.place()] {
		if w.at < own.at {
			o.findf(ruleRepeat, "%s was sent again by instance %d at %v, which has the partition since %v: its outcome was there since %v",
				s.mark, c.instance, c.begin.at, own.at, w.at)
			return
		}
	}
	b := before[len(before)-1]
	for _, earlier := range before {
		if earlier.op == c.op {
			b = earlier
		}
	}
	if b.op != c.op || !b.acted || !b.usable {
		return
	}
	same := b.instance == c.instance && b.begin.seq > own.seq
	if same || !o.troubled(b.instance, stamp{at: b.begin.at - 3*session}, c.begin) {
		o.findf(ruleRepeat, "%s: %s of instance %d at %v was accepted (%d), and made again by instance %d at %v",
			s.mark, b.op, b.instance, b.begin.at, b.status, c.instance, c.begin.at)
	}
}

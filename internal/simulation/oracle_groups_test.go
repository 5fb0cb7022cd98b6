//go:build synctests

package simulation

import "slices"

// joinable reports whether the event may go out with others.
func (s *source) joinable() bool {
	return s.Identify && s.Want != wantInvalid && s.Want != wantSkipped
}

// mayJoin reports whether an event may go out in the call for a later one of its lane: they and all
// between them are identifies.
func (o *oracle) mayJoin(s, sent *source) bool {
	return o.joinUpTo(s, sent, nil)
}

// joinUpTo is mayJoin for an outcome at a moment, nil for none. An event that is delivered again, its
// outcome having been lost, is followed in its lane by what is not settled: others between them,
// whose outcomes were not lost, are skipped.
func (o *oracle) joinUpTo(s, sent *source, at *stamp) bool {
	if !o.script.Coalesce || s.era != sent.era || s.user != sent.user || s.offset >= sent.offset {
		return false
	}
	n := 0
	for _, between := range o.lanes[s.lane()] {
		if between.offset < s.offset || between.offset > sent.offset || o.leftOut(between) {
			continue
		}
		if settled, ok := o.settled[between.place()]; ok && at != nil && settled.at < at.at && !between.joinable() && o.permitted(s, *at) {
			continue
		}
		if n++; !between.joinable() {
			return false
		}
	}
	return n <= 100
}

// sentFor is the event in whose call another one went out, by an outcome of that; nil if there is
// none that it may have gone out with.
func (o *oracle) sentFor(s *source, w *written) *source {
	sent := o.byOffset[place{s.era, s.partition, w.merged}]
	if sent == nil || !o.joinUpTo(s, sent, &w.stamp) {
		o.findf(ruleGroup, "%s (%s, partition %d offset %d) went out with offset %d: %+v", s.mark, s.Want, s.partition, s.offset, w.merged, sent)
		return nil
	}
	return sent
}

// checkGroups: the outcomes of a lane lie on their topic in the lane's order, so that a crash leaves
// a prefix of a group settled; and who finds an outcome of an event writes no other.
func (o *oracle) checkGroups() {
	if !o.script.Coalesce || o.outcomesWent() {
		return
	}
	for _, lane := range o.lanes {
		var last *written
		var before *source
		for _, s := range lane {
			list := o.outcomes[s.place()]
			if len(list) == 0 {
				continue
			}
			w := slices.MinFunc(list, func(a, b *written) int { return int(a.offset - b.offset) })
			if last != nil && w.offset < last.offset && !o.permitted(before, last.stamp) {
				o.findf(ruleGroupOrder, "the outcome of %s of %s lies at %d (%v), that of %s before it at %d (%v)", s.mark, s.user, w.offset, w.at, before.mark, last.offset, last.at)
			}
			last, before = w, s
		}
	}
	for _, w := range o.acked {
		s := o.byOffset[w.place()]
		if s == nil || w.topic != responsesTopic || w.merged < 0 || o.permitted(s, w.stamp) {
			continue
		}
		own := o.assignment(w.instance, s.partition, w.stamp)
		for _, earlier := range o.outcomes[s.place()] {
			if own != nil && earlier.at < own.at {
				o.findf(ruleRepeat, "%s has an outcome by instance %d at %v, which has the partition since %v: there was one since %v", s.mark, w.instance, w.at, own.at, earlier.at)
			}
		}
	}
}

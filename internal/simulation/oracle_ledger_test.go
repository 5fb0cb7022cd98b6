//go:build synctests

package simulation

import (
	"cmp"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
)

// forgotten reports whether the call's instance could not know that the event was settled,
// since the responses topic was recreated. What is promised is of outcomes that are on the
// topic: those of a deleted one are no evidence for an owner that begins later. And a
// checkpoint of a deleted one is not used: all from its offset on is delivered again. An
// instance that goes on with its partition knows what it has done itself. What a call brought
// that it left open when it had the partition before, it reads like everybody.
func (o *oracle) forgotten(s *source, c *call) bool {
	own := o.assignment(c.instance, s.partition, c.begin)
	if own == nil || len(o.born) == 1 {
		return false
	}
	ledger := o.ledgerAt(o.firstCall(own))
	at := o.committedBefore(own.stamp, s)
	unusable := at != nil && at.ledger != ledger && at.offset <= s.offset // the checkpoint
	known := false                                                        // that it was settled
	for _, w := range o.acked {
		if w.topic != responsesTopic || w.place() != s.place() || w.at > c.begin.at {
			continue
		}
		if w.instance == c.instance && own.before(w.stamp) && (!unusable || o.calledIn(own, s, w.stamp)) {
			return false
		}
		known = true
	}
	if unusable {
		return true
	}
	for _, w := range o.outcomes[s.place()] {
		if !w.before(c.begin) {
			continue
		}
		if w.ledger == ledger && !o.rewound(w, c.begin) {
			return false
		}
		known = true
	}
	return known
}

// calledIn reports whether the assignment's instance made a call of the event in it, before a moment.
func (o *oracle) calledIn(own *life, s *source, until stamp) bool {
	for _, c := range o.byEvent[s.mark] {
		if c.instance == own.instance && own.before(c.begin) && c.begin.before(until) {
			return true
		}
	}
	return false
}

// firstCall is when the first call under an assignment began: the ledger was read before.
func (o *oracle) firstCall(own *life) stamp {
	for _, c := range o.calls {
		if s := o.byMark[c.mark]; s != nil && c.instance == own.instance && s.partition == own.partition && own.before(c.begin) {
			return c.begin
		}
	}
	return own.stamp
}

// committedBefore is the last commit of the event's partition that was taken before a moment.
func (o *oracle) committedBefore(at stamp, s *source) *committed {
	for _, c := range slices.Backward(o.taken) {
		if c.era == s.era && c.partition == s.partition && c.before(at) {
			return c
		}
	}
	return nil
}

func (o *oracle) findRestarts() {
	for _, c := range slices.Concat(o.commits, o.outside) {
		if c.code <= 0 || c.code == kerr.RequestTimedOut.Code { // which is done anyway
			o.taken = append(o.taken, c)
		}
	}
	slices.SortFunc(o.taken, func(a, b *committed) int { return cmp.Compare(a.seq, b.seq) })
	last := make(map[eraPartition]*committed)
	for _, c := range o.taken {
		here := eraPartition{c.era, c.partition}
		before := last[here]
		last[here] = c
		if before == nil || before.ledger == c.ledger {
			continue
		}
		if o.assignment(before.instance, c.partition, before.stamp) != o.assignment(c.instance, c.partition, c.stamp) {
			o.restarts = append(o.restarts, &rewind{stamp: c.stamp, era: c.era, partition: c.partition, below: -1})
		}
	}
}

// outcomesWent reports whether outcomes were deleted, with their topic or without.
func (o *oracle) outcomesWent() bool {
	return len(o.born) > 1 || slices.ContainsFunc(o.rewinds, func(r *rewind) bool { return r.below >= 0 })
}

//go:build synctests

package simulation

import "github.com/twmb/franz-go/pkg/kerr"

// begin is where a group begins with a partition at the latest record, as its first commit
// says.
type begin struct {
	*committed
	// low is the offset of an earlier commit that had no answer: it may have been taken.
	low int64
}

// findStarts finds where the group begins, if that is the latest record.
func (o *oracle) findStarts() {
	o.begins = make(map[eraPartition]*begin)
	if o.script.Backlog == 0 {
		return
	}
	unanswered := make(map[eraPartition]int64)
	for _, c := range o.commits {
		here := eraPartition{c.era, c.partition}
		switch {
		case o.begins[here] != nil:
		case c.code == -1:
			if low, ok := unanswered[here]; !ok || c.offset < low {
				unanswered[here] = c.offset
			}
		case c.code == 0 || c.code == kerr.RequestTimedOut.Code: // the latter is done anyway
			low, ok := unanswered[here]
			if !ok {
				low = c.offset
			}
			o.begins[here] = &begin{c, min(low, c.offset)}
		}
	}
}

// leftOut reports whether the event was there before the group began at the latest record.
func (o *oracle) leftOut(s *source) bool {
	b := o.begins[eraPartition{s.era, s.partition}]
	return b != nil && s.offset < b.offset
}

// checkStarts: where the group begins is decided once, for all partitions in one commit, so
// that all have the same moment. Nothing from before is delivered. A recreated topic begins at
// its beginning, if anybody knows of it: a process that read the old topic when it was
// deleted, and lived to say so. The offsets of the old one are gone with it, else.
func (o *oracle) checkStarts() {
	for here, b := range o.begins {
		first := o.begins[eraPartition{here.era, 0}]
		if b.offset > 0 && b.low == b.offset && (first == nil || first.low == first.offset) && (first == nil || first.at != b.at || first.instance != b.instance) {
			o.findf(ruleStart, "instance %d began with partition %d of topic %d at %d at %v, which was not decided with partition 0", b.instance, b.partition, b.era, b.offset, b.at)
		}
		if b.low > 0 && b.era > 0 && o.toldOfRecreation(b) {
			o.findf(ruleStart, "instance %d began with partition %d of the recreated topic %d at %d at %v", b.instance, b.partition, b.era, b.offset, b.at)
		}
	}
	for p, s := range o.byOffset {
		b := o.begins[eraPartition{s.era, s.partition}]
		if b == nil || s.offset >= b.low && !s.Early {
			continue
		}
		if len(o.byEvent[s.mark]) > 0 || len(o.outcomes[p]) > 0 {
			o.findf(ruleStart, "%s at %d of partition %d of topic %d was delivered, where the group began at %d at %v", s.mark, s.offset, s.partition, s.era, b.offset, b.at)
		}
	}
}

// toldOfRecreation reports whether an instance that had read the topic before ended by itself
// before the new one was begun with.
func (o *oracle) toldOfRecreation(b *begin) bool {
	for _, l := range o.lives {
		if l.what == lifeRecreated && l.before(b.stamp) && o.eraOf[l.instance] == b.era-1 {
			return true
		}
	}
	return false
}

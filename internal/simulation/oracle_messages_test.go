//go:build synctests

package simulation

import (
	"slices"
	"time"

	"github.com/deskstream/deskstream/internal/sample"
)

// messageKey names the records of a partition that have one message id.
type messageKey struct {
	eraPartition
	message int
}

func (s *source) messageKey() messageKey {
	return messageKey{eraPartition{s.era, s.partition}, s.message()}
}

// nameRepeats finds the marks of outcomes that have nothing of their event but its message id,
// which is that of another record.
func (o *oracle) nameRepeats() {
	for _, w := range slices.Concat(o.logged, o.acked) {
		if s := o.byOffset[w.place()]; w.topic == responsesTopic && s != nil && s.Repeats && w.mark == sample.Mark(s.Of) {
			w.mark = s.mark
		}
	}
}

// checkMessages: of the records of a partition with one message id, one is delivered or skipped
// within the time, and the others are duplicates of it.
func (o *oracle) checkMessages() {
	if o.script.Dedup == 0 {
		return
	}
	settled := make(map[messageKey][]*written) // those that others may repeat
	for _, w := range slices.Concat(o.logged, o.acked) {
		s := o.byOffset[w.place()]
		if s != nil && w.topic == responsesTopic && w.entry.Outcome != "dead" && w.reason != "duplicate" {
			settled[s.messageKey()] = append(settled[s.messageKey()], w)
		}
	}
	for _, w := range o.acked {
		s := o.byOffset[w.place()]
		if s == nil || w.topic != responsesTopic || w.entry.Outcome == "dead" {
			continue
		}
		own := o.assignment(w.instance, s.partition, w.stamp)
		if own == nil {
			continue // checkFence reports it
		}
		others := slices.DeleteFunc(slices.Clone(settled[s.messageKey()]), func(other *written) bool { return other.place() == w.place() })
		if w.reason == "duplicate" {
			o.count(repeated, 1)
			o.checkOriginal(s, w, own, others)
		} else {
			o.checkRepeated(s, w, own, others)
		}
	}
}

// checkRepeated finds one of the others that the instance knew when it delivered the event.
func (o *oracle) checkRepeated(s *source, w *written, own *life, others []*written) {
	for _, other := range others {
		written := other.record.Timestamp.Sub(o.began) // a takeover has no better time
		if !other.before(w.stamp) || w.at-written > o.script.Dedup || !o.knew(own, other, w) {
			continue
		}
		if original := o.byOffset[other.place()]; !o.permitted(s, w.stamp) && !o.permitted(original, w.stamp) {
			o.findf(ruleRepeated, "%s is %s by instance %d at %v, and %s with its message id was %s at %v",
				s.mark, w.entry.Outcome, w.instance, w.at, original.mark, other.entry.Outcome, other.at)
			return
		}
	}
}

// knew reports whether an assignment's instance knew of an outcome when it had another one
// acknowledged: it was its own, or lay on the topic that it read.
func (o *oracle) knew(own *life, other, w *written) bool {
	if other.instance == own.instance {
		return own.before(other.stamp)
	}
	return other.instance < 0 && other.before(own.stamp) && other.ledger == o.ledgerAt(own.stamp) && other.ledger == o.ledgerAt(w.stamp) && !o.rewound(other, w.stamp)
}

// checkOriginal finds no other that was there when the duplicate was, and young enough when its
// instance may have read it.
func (o *oracle) checkOriginal(s *source, w *written, own *life, others []*written) {
	read := max(s.At, own.at)
	for _, other := range others {
		if other.before(w.stamp) && read-other.at <= o.script.Dedup+time.Second {
			return
		}
	}
	o.findf(ruleOriginal, "%s (partition %d offset %d) is a duplicate by instance %d at %v, of none of %d others", s.mark, s.partition, s.offset, w.instance, w.at, len(others))
}

package trengo

import (
	"cmp"
	"iter"
	"slices"
)

// bySpoken are tickets in the order of their last messages, the newest last, of those of one moment
// the one with the higher id. Many pages of many tickets are asked for, so it is kept in order. A
// ticket has to be taken out before its last message changes, and put in again.
type bySpoken []*ticket

// sequenceOf is a direction in which tickets are listed: slices.All or slices.Backward.
type sequenceOf = func(bySpoken) iter.Seq2[int, *ticket]

func (b bySpoken) find(t *ticket) (int, bool) {
	return slices.BinarySearchFunc(b, t, func(a, t *ticket) int {
		return cmp.Or(a.spoken().Compare(t.spoken()), cmp.Compare(a.id, t.id))
	})
}

func (b *bySpoken) add(t *ticket) {
	at, _ := b.find(t)
	*b = slices.Insert(*b, at, t)
}

func (b *bySpoken) remove(t *ticket) {
	if at, there := b.find(t); there {
		*b = slices.Delete(*b, at, at+1)
	}
}

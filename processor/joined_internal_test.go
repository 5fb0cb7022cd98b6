package processor

import (
	"math"
	"testing"

	"github.com/deskstream/deskstream/mapping"
)

// A lane whose turn it is, and that waits for a place, is in no queue: what is read meanwhile puts it
// into none, or it would be delivered twice at once.
func TestJoined_aLaneThatWaitsForItsPlaceIsNotQueuedAgain(t *testing.T) {
	p, part := alone(Limits{Span: math.MaxInt64})
	part.inherit(map[string]int64{"u": 2})
	who := func(int64) string { return "u" }
	p.book.takeIn(batch(0, 2, who))
	if p.book.anyReady(mapping.Normal) {
		t.Fatal("the lane is ready before the records are read that an earlier owner may have sent")
	}
	p.book.takeIn(batch(2, 1, who))
	l := p.book.next(mapping.Normal)
	if l == nil {
		t.Fatal("the lane is not ready though all is read that an earlier owner may have sent")
	}
	p.book.takeIn(batch(3, 1, who))
	if p.book.anyReady(mapping.Normal) {
		t.Error("the lane is in the queue once more")
	}
}

package receive

import (
	"encoding/binary"
	"testing"
)

// The latest events are known, and no more than twice as many.
func TestSeen_knowsTheLatest(t *testing.T) {
	const most = 10
	s := newSeen()
	s.most = most
	key := func(n int) (k eventKey) {
		binary.BigEndian.PutUint64(k[:], uint64(n))
		return k
	}
	for n := range 100 {
		if s.has(key(n)) {
			t.Fatalf("event %d is known before it was there", n)
		}
		s.add(key(n))
		known := 0
		for i := range n + 1 {
			if s.has(key(i)) {
				known++
			} else if n-i < most {
				t.Fatalf("of %d events number %d is not known", n+1, i)
			}
		}
		if known > 2*most {
			t.Fatalf("%d events are known", known)
		}
	}
}

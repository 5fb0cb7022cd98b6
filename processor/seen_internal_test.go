package processor

import (
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/deskstream/deskstream/sink"
)

// idOf is a digest like those of message ids.
func idOf(n uint64) sink.EventDigest {
	var text [8]byte
	binary.LittleEndian.PutUint64(text[:], n)
	return sink.DigestOf(string(text[:]))
}

func TestSeenIDs_areThoseOfAMap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const window = time.Hour
		random := rand.New(rand.NewPCG(21, 6))
		ids, want := newSeenIDs(window), make(map[sink.EventDigest]time.Time)
		found := 0
		for range 200_000 {
			time.Sleep(time.Duration(random.IntN(200)) * time.Millisecond)
			id, now := idOf(random.Uint64N(60_000)), time.Now()
			at, known := want[id]
			is := known && now.Unix()-at.Unix() <= int64(window/time.Second)
			if got := ids.has(id, now); got != is {
				t.Fatalf("has = %v %v after it was added (%v), want %v", got, now.Sub(at), known, is)
			}
			if is {
				found++
			}
			if is && random.IntN(4) > 0 {
				continue
			}
			// A takeover reads outcomes that are older, from two places at once.
			at = now.Add(-time.Duration(random.IntN(10)) * time.Minute)
			ids.add(id, at)
			if at.After(want[id]) {
				want[id] = at
			}
		}
		if found < 10_000 {
			t.Errorf("%d ids found, too few to show anything", found)
		}
	})
}

// In a steady stream the set takes a third more than 16 bytes for each id that it has to know,
// and in a partition without events next to nothing.
func TestSeenIDs_take16BytesAnIDAndAThirdMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const perSecond, window = 100, time.Hour
		const known = perSecond * int(window/time.Second)
		before := liveHeap()
		ids := newSeenIDs(window)
		if grown := liveHeap() - before; grown > 4096 {
			t.Errorf("an empty set takes %d bytes", grown)
		}
		n := uint64(0)
		for range 4 * int(window/time.Second) {
			time.Sleep(time.Second)
			for range perSecond {
				ids.add(idOf(n), time.Now())
				n++
			}
		}
		grown := float64(liveHeap()-before) / float64(known)
		t.Logf("%d ids of %d take %.1f bytes each", known, n, grown)
		if grown > 22 {
			t.Errorf("%.1f bytes an id, want 22 at most", grown)
		}
		for i := n - uint64(known); i < n; i++ {
			if !ids.has(idOf(i), time.Now()) {
				t.Fatalf("id %d of %d is forgotten", i, n)
			}
		}
		runtime.KeepAlive(ids)
	})
}

func BenchmarkSeenIDs(b *testing.B) {
	ids := newSeenIDs(time.Hour)
	n := uint64(0)
	for b.Loop() {
		if id := idOf(n); !ids.has(id, time.Now()) {
			ids.add(id, time.Now())
		}
		n++
	}
}

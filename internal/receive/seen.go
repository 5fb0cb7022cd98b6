package receive

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"sync"

	"github.com/deskstream/deskstream/mapping/unified"
)

// maxSeen is how many events are known as repeats at least, the latest of all destinations; up to twice
// as many are, and take about 8 MB.
const maxSeen = 100_000

// eventKey tells an event of a destination from others.
type eventKey [16]byte

// seen are the events that are on the topic. It is safe for concurrent use.
type seen struct {
	mu sync.Mutex
	// latest has the latest events, up to most; before those of before it. Without pointers, the
	// collector does not look into them.
	latest, before map[eventKey]struct{}
	most           int
}

func newSeen() *seen { return &seen{latest: make(map[eventKey]struct{}), most: maxSeen} }

func (s *seen) has(k eventKey) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, latest := s.latest[k]
	_, before := s.before[k]
	return latest || before
}

func (s *seen) add(k eventKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.latest[k] = struct{}{}; len(s.latest) >= s.most {
		s.before, s.latest = s.latest, make(map[eventKey]struct{})
	}
}

// keyOf is the key of an event by its id.
func keyOf(e *unified.Event) eventKey {
	var room [128]byte // enough for most, without memory of its own
	sum := sha256.Sum256(append(append(append(room[:0], e.Destination...), 0), e.ID...))
	return eventKey(sum[:16])
}

// idOf is the id of an event whose desk gives it none: of its path, its signed time and its body.
func idOf(w unified.Webhook) string {
	hash := sha256.New()
	hash.Write([]byte(w.Name + "\x00" + strconv.FormatInt(w.At.Unix(), 10) + "\x00"))
	hash.Write(w.Body)
	return hex.EncodeToString(hash.Sum(nil)[:16])
}

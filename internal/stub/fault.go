package stub

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"sync"
	"time"
)

// Fault is a failure that a stub injects.
type Fault string

// The faults. Outage is any answer that SetOutage asked for.
const (
	Honest      Fault = ""
	ServerError Fault = "500"    // status 500, nothing done
	Unavailable Fault = "503"    // status 503, nothing done
	Cut         Fault = "cut"    // connection reset, nothing done
	Lost        Fault = "lost"   // done, but the connection is reset instead of an answer
	Silent      Fault = "silent" // nothing done, no answer for Config.Silence, then a reset
	Outage      Fault = "outage"
	// LateAnswer is done at once and answered after Config.Silence.
	LateAnswer Fault = "late-answer"
	// LateEffect is done up to Quirks.LateEffects after its connection ended without an
	// answer.
	LateEffect Fault = "late-effect"
)

var faults = [...]Fault{ServerError, Unavailable, Cut, Lost, Silent}

// dice decides about calls by hash. The hash includes how many equal calls came before, so
// that a repeated call gets a new number.
type dice struct {
	seed uint64
	mu   sync.Mutex
	seen map[uint64]uint64
}

// roll returns the random number of a call.
func (d *dice) roll(parts ...string) uint64 {
	h := Hash(parts...)
	d.mu.Lock()
	if d.seen == nil {
		d.seen = make(map[uint64]uint64)
	}
	n := d.seen[h]
	d.seen[h] = n + 1
	d.mu.Unlock()
	return Mix(Mix(h^d.seed) + n)
}

func (d *dice) reset() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen = nil
}

// faultOf returns the fault of a call with that number, if a share of the calls has one.
func faultOf(roll uint64, share float64) Fault {
	if unit(roll) >= share {
		return Honest
	}
	return faults[Mix(roll)%uint64(len(faults))]
}

// faultOf returns the fault that the quirks give a write with that number.
func (q Quirks) faultOf(roll uint64) Fault {
	switch u := unit(Mix(roll + 2)); {
	case u < q.LostAnswers:
		return Lost
	case u < q.LostAnswers+q.LateAnswers:
		return LateAnswer
	}
	return Honest
}

// lateness returns how long after its connection a write with that number takes effect.
func (q Quirks) lateness(roll uint64) time.Duration {
	return time.Duration(unit(Mix(roll+3)) * float64(q.LateEffects))
}

// unit maps a number to [0, 1).
func unit(n uint64) float64 { return float64(n>>11) / (1 << 53) }

// Mix is the finalizer of SplitMix64: it makes unrelated numbers of neighbouring ones.
func Mix(n uint64) uint64 {
	n += 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}

// Hash returns a number for a list of texts; it depends on where each of them ends.
func Hash(parts ...string) uint64 {
	h := fnv.New64a()
	var size [8]byte
	for _, p := range parts {
		binary.LittleEndian.PutUint64(size[:], uint64(len(p)))
		_, _ = h.Write(size[:]) // a hash's Write never fails
		_, _ = h.Write([]byte(p))
	}
	return Mix(h.Sum64())
}

// NumericID returns a positive id, by hash, that a JavaScript number holds exactly.
func NumericID(parts ...string) int64 {
	id := int64(Hash(parts...) & (1<<53 - 1))
	return max(id, math.MaxInt8) // 0 is no id
}

package live

import (
	"slices"
	"sync"

	"golang.org/x/time/rate"
)

// The bounds of a viewer, in outcomes a second and in rows that wait to be taken.
const (
	rowsPerSecond    = 20
	decodesPerSecond = 200
	maxPending       = 40
)

// Viewer is somebody who looks at outcomes.
type Viewer struct {
	hub   *Hub
	sieve *sieve
	rows  *rate.Limiter
	// decodes limits what is decoded to find out whether the filter picks it.
	decodes *rate.Limiter
	gone    chan struct{} // closed when the hub ends

	mu    sync.Mutex
	batch Batch
}

// Batch is what has come for a viewer since the last one.
type Batch struct {
	Rows []Row // the oldest first
	// LeftOut counts outcomes that the viewer has no room for: the filter picks them, or may. Unread
	// counts records of the topic that were not looked at.
	LeftOut, Unread int64
	// Fault says why nothing comes, nil if the topic is read.
	Fault error
}

func newViewer(h *Hub, f Filter) *Viewer {
	return &Viewer{
		hub: h, sieve: newSieve(f), gone: make(chan struct{}),
		rows: rate.NewLimiter(rowsPerSecond, rowsPerSecond), decodes: rate.NewLimiter(decodesPerSecond, decodesPerSecond),
	}
}

// Take returns what has come since the last call.
func (v *Viewer) Take() Batch {
	v.mu.Lock()
	b := v.batch
	v.batch = Batch{Fault: b.Fault}
	v.mu.Unlock()
	slices.SortStableFunc(b.Rows, func(a, b Row) int { return a.At.Compare(b.At) }) // they come by partition
	return b
}

// Gone is closed when the hub ends.
func (v *Viewer) Gone() <-chan struct{} { return v.gone }

// Close ends the viewing. With the last viewer the reader of the topic ends.
func (v *Viewer) Close() { v.hub.leave(v) }

// wants reports whether an outcome has to be decoded for this viewer.
func (v *Viewer) wants(g glance) bool {
	if !v.sieve.mayTake(g) {
		return false
	}
	room := v.decodes
	if v.sieve.inHeaders() {
		room = v.rows
	}
	if !room.Allow() {
		v.leaveOut()
		return false
	}
	return true
}

// show takes in an outcome that was decoded.
func (v *Viewer) show(row *Row) {
	switch {
	case !v.sieve.takes(row):
	case !v.sieve.inHeaders() && !v.rows.Allow():
		v.leaveOut()
	default:
		v.add(row)
	}
}

// add keeps a row. A viewer who does not take its rows loses the oldest of them.
func (v *Viewer) add(row *Row) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.batch.Rows) >= maxPending {
		n := copy(v.batch.Rows, v.batch.Rows[1:])
		v.batch.Rows = v.batch.Rows[:n]
		v.batch.LeftOut++
	}
	v.batch.Rows = append(v.batch.Rows, *row)
}

func (v *Viewer) leaveOut() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.batch.LeftOut++
}

// skipped counts records that were not looked at.
func (v *Viewer) skipped(n int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.batch.Unread += n
}

func (v *Viewer) failed(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.batch.Fault = err
}

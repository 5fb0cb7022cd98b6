package topics

import (
	"sync"
	"time"
)

// mayWait is for how long a record of an entry that may wait does. With 2,500 events a second
// each request then carries five outcomes instead of one or two, which costs us and the
// broker an eighth less time for the whole of an event.
const mayWait = 2 * time.Millisecond

// held are parcels that wait for others, to go to the client together. It has a linger of
// its own for that, but knows no record that is in a hurry.
type held struct {
	mu      sync.Mutex
	parcels []*parcel
}

// shipLater ships a parcel with those that come in the next moment.
func (w *Writer) shipLater(p *parcel) {
	w.held.mu.Lock()
	defer w.held.mu.Unlock()
	w.held.parcels = append(w.held.parcels, p)
	if len(w.held.parcels) == 1 {
		time.AfterFunc(mayWait, func() { w.shipHeld(time.Now()) })
	}
}

func (w *Writer) shipHeld(now time.Time) {
	w.held.mu.Lock()
	parcels := w.held.parcels
	w.held.parcels = nil
	w.held.mu.Unlock()
	for _, p := range parcels {
		w.ship(p, now)
	}
}

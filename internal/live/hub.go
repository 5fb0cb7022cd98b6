package live

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/journal"
)

// MaxViewers is how many may look at a time.
const MaxViewers = 16

// The errors of Watch.
var (
	ErrFull  = errors.New("as many people look at the live outcomes as may: try again later")
	ErrEnded = errors.New("the console is ending")
)

// Source is the responses topic.
type Source struct {
	// Topic is its name.
	Topic string
	// Connect makes a client of the cluster with further options.
	Connect journal.Connect
	Decode  Decode
	// Close ends what the source has opened.
	Close func()
}

// Hub hands outcomes to viewers.
type Hub struct {
	open func() (Source, error)

	mu      sync.Mutex
	viewers []*Viewer // copied on change: the reader goes through it without the lock
	stop    context.CancelFunc
	reading sync.WaitGroup
	before  chan struct{} // closed when the reader before has ended: there is one at a time
	ended   bool
	fault   error
}

// NewHub returns a hub that nobody looks at. It calls open when the first viewer comes; the error is
// shown to viewers.
func NewHub(open func() (Source, error)) *Hub { return &Hub{open: open} }

// Watch begins a viewing, which its Close ends. The error is ErrFull or ErrEnded.
func (h *Hub) Watch(f Filter) (*Viewer, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.ended:
		return nil, ErrEnded
	case len(h.viewers) >= MaxViewers:
		return nil, ErrFull
	}
	v := newViewer(h, f)
	v.batch.Fault = h.fault
	h.viewers = append(slices.Clone(h.viewers), v)
	if len(h.viewers) == 1 {
		ctx, cancel := context.WithCancel(context.Background())
		before, done := h.before, make(chan struct{})
		h.stop, h.before = cancel, done
		h.reading.Go(func() {
			defer close(done)
			if before != nil {
				<-before
			}
			h.read(ctx)
		})
	}
	return v, nil
}

func (h *Hub) leave(v *Viewer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := slices.Index(h.viewers, v)
	if i < 0 {
		return
	}
	if h.viewers = slices.Delete(slices.Clone(h.viewers), i, i+1); len(h.viewers) == 0 {
		h.stop()
		h.fault = nil
	}
}

// Close ends the viewings, and waits for the reader. It may be called again.
func (h *Hub) Close() {
	h.mu.Lock()
	for _, v := range h.viewers {
		close(v.gone)
	}
	if len(h.viewers) > 0 {
		h.stop()
	}
	h.viewers, h.ended = nil, true
	h.mu.Unlock()
	h.reading.Wait()
}

// Viewers returns how many look.
func (h *Hub) Viewers() int { return len(h.watching()) }

func (h *Hub) watching() []*Viewer {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.viewers
}

// failed shows viewers why nothing comes, nil for what comes again.
func (h *Hub) failed(ctx context.Context, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if ctx.Err() != nil || h.fault == nil && err == nil {
		return
	}
	h.fault = err
	for _, v := range h.viewers {
		v.failed(err)
	}
}

// take hands a record to the viewers who want it. It is decoded once, and not at all if nobody does.
func (h *Hub) take(ctx context.Context, viewers []*Viewer, decode Decode, rec *kgo.Record) error {
	g, ok := glanceAt(rec)
	if !ok {
		return nil
	}
	var (
		row  *Row
		last error
	)
	for _, v := range viewers {
		if last != nil || !v.wants(g) {
			continue
		}
		if row == nil {
			read, err := rowOf(ctx, decode, rec)
			if err != nil {
				last = err
				continue
			}
			row = &read
		}
		v.show(row)
	}
	return last
}

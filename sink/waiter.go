package sink

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink/hold"
	"github.com/deskstream/deskstream/sink/traces"
)

// Stop says when a session abandons its event. Soft ends before Hard does, and Hard
// before the context of Deliver does, or together with it.
type Stop struct {
	// Soft ends waiting and looking up; an event that has made a write which may have
	// taken effect goes on, until that is on record.
	Soft context.Context
	// Hard lets no further call begin. A write in flight still gets its response, until
	// the context of Deliver ends it.
	Hard context.Context
	// Await, if set, waits while no call may begin because another process may have the
	// event by now. Its error is the cause of ctx.
	Await func(ctx context.Context) error
}

// waiter waits for one event, as long as the event may wait.
type waiter struct {
	stop  Stop
	life  context.Context // of Deliver
	wrote bool            // a write may have taken effect
	// behind says that a step took effect which is not on record yet.
	behind bool
	// awaited is how long it has waited for other events' lookups.
	awaited time.Duration
	doing   atomic.Uint32                // a doing
	fault   atomic.Pointer[mapping.Code] // of the latest failed attempt

	trace   *traces.Event        // nil for none
	heldFor func() time.Duration // the gate's, where there is a trace
}

// patience is the context that ends this event's waiting.
func (w *waiter) patience() context.Context {
	if w.wrote || w.behind {
		return w.stop.Hard
	}
	return w.stop.Soft
}

// over reports whether the event may wait no more.
func (w *waiter) over(ctx context.Context) bool { return ctx.Err() != nil || w.patience().Err() != nil }

// patient is ctx that also ends with the event's patience. The context of Deliver never
// ends sooner than that.
func (w *waiter) patient(ctx context.Context) (context.Context, context.CancelFunc) {
	if ctx == w.life {
		return w.patience(), func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	unhook := context.AfterFunc(w.patience(), func() { cancel(ErrInterrupted) })
	return ctx, func() {
		unhook()
		cancel(nil)
	}
}

// wait runs until under a context that ends with the event's patience. Its error is
// ErrInterrupted or a hold.Error.
func (w *waiter) wait(ctx context.Context, until func(context.Context) error) error {
	ctx, cancel := w.patient(ctx)
	defer cancel()
	if w.trace != nil {
		defer w.traceWait()()
	}
	if err := until(ctx); err != nil {
		return interrupted(err)
	}
	return nil
}

// traceWait puts what the event waits for into its trace, until end is called.
func (w *waiter) traceWait() (end func()) {
	began, held := time.Now(), w.heldFor()
	return func() {
		what, code := w.state()
		if what != BackOff {
			code = ""
		}
		w.trace.Waited(what, began, string(code), w.heldFor()-held)
	}
}

// await waits until done is closed, for longest at most unless that is 0.
func (w *waiter) await(ctx context.Context, done <-chan struct{}, longest time.Duration) error {
	w.does(awaitsLookup)
	return w.wait(ctx, func(ctx context.Context) error {
		if longest > 0 {
			began := time.Now()
			defer func() { w.awaited += time.Since(began) }()
			var stop context.CancelFunc
			ctx, stop = context.WithTimeoutCause(ctx, longest-w.awaited, &hold.Error{Why: "another event's lookup does not end"})
			defer stop()
		}
		select {
		case <-done:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
}

func interrupted(err error) error {
	if errors.Is(err, hold.ErrHeld) {
		return err
	}
	return ErrInterrupted
}

// doing is what an event does or waits for.
type doing uint32

const (
	begins doing = iota
	awaitsPlace
	awaitsBudget
	awaitsGroup
	awaitsLookup
	awaitsRecord
	looking
	backsOff
	calls
)

// What Session.Doing says of an event whose call failed and will be made again, and of one that waits for a
// call of the rate budget.
const (
	BackOff = "back_off"
	Budget  = "budget"
)

var doings = map[doing]string{
	begins: "mapping", awaitsPlace: "place", awaitsBudget: Budget, awaitsGroup: "group",
	awaitsLookup: "lookup", awaitsRecord: "record", looking: "look", backsOff: BackOff, calls: "call",
}

func (w *waiter) does(d doing) { w.doing.Store(uint32(d)) }

func (w *waiter) failed(code mapping.Code) { w.fault.Store(&code) }

func (w *waiter) state() (what string, code mapping.Code) {
	if c := w.fault.Load(); c != nil {
		code = *c
	}
	return doings[doing(w.doing.Load())], code
}

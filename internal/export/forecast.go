package export

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/internal/output"
)

// Forecast is what the next walk of a destination takes.
type Forecast struct {
	Destination string
	Calls       int
	// Each is the time of a call by the reserve alone.
	Each time.Duration
	// Below are lists that stand below objects, as "50000 lists of comments, one for each of tickets".
	Below []string
	// Unknown are lists whose length the desk did not tell.
	Unknown []string
}

// Takes is how long the walk takes with the reserve alone.
func (f Forecast) Takes() time.Duration { return time.Duration(f.Calls) * f.Each }

// String is for people.
func (f Forecast) String() string {
	text := fmt.Sprintf("about %s, %s with the reserve of the rate limit alone", output.Count(f.Calls, "call"), output.Roughly(f.Takes()))
	if len(f.Below) > 0 {
		text += "; with " + strings.Join(f.Below, ", ")
	}
	if len(f.Unknown) > 0 {
		text += "; not counted, because the desk did not say how long they are: " + strings.Join(f.Unknown, ", ")
	}
	return text
}

// forecast counts the calls of the next walk: as many as the last one of its kind took, or for the
// first one what the length of the lists says. Only that takes calls.
func (w *walker) forecast(ctx context.Context) (Forecast, error) {
	var f Forecast
	for _, l := range w.lists {
		if l.Below != "" {
			continue
		}
		state := w.places.walks[l.Entity]
		next := state
		if !state.Open {
			next = state.begin(time.Now(), l, w.scope)
		}
		switch {
		case next.Full && state.FullCalls > 0:
			f.Calls += max(1, state.FullCalls-next.Calls)
		case !next.Full:
			f.Calls += max(1, state.SomeCalls)
		default:
			if err := w.forecastFirst(ctx, l, &f); err != nil {
				return f, err
			}
		}
	}
	return f, nil
}

// forecastFirst adds the first walk of a list, or the rest of it. It begins the walk: then what was
// measured need not be measured again.
func (w *walker) forecastFirst(ctx context.Context, l desk.List, f *Forecast) error {
	state, seen, resumed := w.places.resume(l.Entity)
	if !resumed {
		var err error
		if state, err = w.measureFirst(ctx, l, state); err != nil && ofList(err) {
			f.Unknown = append(f.Unknown, string(l.Entity))
			return nil
		} else if err != nil {
			return err
		}
	}
	left := max(0, state.Size.Rows-len(seen))
	f.Calls += max(1, state.Size.Pages-state.Steps)
	return w.forecastBelow(ctx, l, left, f)
}

// measureFirst begins the first walk of a list.
func (w *walker) measureFirst(ctx context.Context, l desk.List, state walkState) (walkState, error) {
	before := w.meter.count()
	state = state.begin(time.Now(), l, w.scope)
	m, err := w.measure(ctx, sourceOf(l, "", "").with(state.parameters(l)), state.Size.Pages)
	if err != nil {
		return state, err
	}
	w.first[l.Entity] = m
	state.start(l, m)
	state.Calls = w.meter.count() - before
	return state, w.record(ctx, l.Entity, state)
}

// forecastBelow adds the lists below the objects of a list, of which so many are left.
func (w *walker) forecastBelow(ctx context.Context, l desk.List, left int, f *Forecast) error {
	for _, b := range w.lists {
		if b.Below != l.Entity || left == 0 {
			continue
		}
		n := left
		what := fmt.Sprintf("%d lists of %s, one for each of the %s", n, b.Entity, l.Entity)
		if b.Classes != nil {
			lw := &listWalk{walker: w}
			classes, err := lw.classes(ctx, *b.Classes)
			if err != nil && !ofList(err) {
				return err
			}
			n *= len(classes)
			what = fmt.Sprintf("%d lists of %s, one for each of the %s and class", n, b.Entity, l.Entity)
		}
		f.Calls += n
		f.Below = append(f.Below, what)
	}
	return nil
}

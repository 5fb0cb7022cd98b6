package export

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/mapping/unified"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/hold"
)

// walker walks the lists of one destination, one after the other.
type walker struct {
	lists   []desk.List // that are asked for, those that stand inside others left out
	inside  map[unified.Entity]bool
	inbound desk.Inbound
	desk    asker
	renewed func() // is called when the credential has changed
	store   *store
	places  *places
	changes *changes
	meter   *meter
	metrics *metrics
	log     *slog.Logger
	// first has what was read of a list when its length was measured.
	first map[unified.Entity]measured
	scope scope
	// dry says that nothing is put on record.
	dry bool
}

// firstLasts is for how long the first page of a list, read when it was measured, is that of its walk.
const firstLasts = time.Minute

// walkAll walks all lists. The error of a list does not keep the others from being walked; that of
// Kafka, of a hold and of a stop does.
func (w *walker) walkAll(ctx context.Context) error {
	var failed []error
	for _, l := range w.lists {
		if l.Below != "" {
			continue // with that list
		}
		err := w.walkList(ctx, l)
		if err == nil {
			continue
		}
		w.metrics.failed(l.Entity)
		err = fmt.Errorf("%s: %w", l.Entity, err)
		if !ofList(err) || ctx.Err() != nil {
			return errors.Join(append(failed, err)...)
		}
		w.log.Error("list not walked to its end, the next walk goes on", "entity", l.Entity, "err", err)
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// missingError is a walk that misses too many objects to be believed.
type missingError struct{ missing, known int }

func (e *missingError) Error() string {
	return fmt.Sprintf("%d of %d objects are missing from the list, more than 5 %%: none is deleted; does the credential see less than before?", e.missing, e.known)
}

// ofList reports whether an error is about one list only.
func ofList(err error) bool {
	_, refused := errors.AsType[*refusedError](err)
	_, missing := errors.AsType[*missingError](err)
	_, failure := errors.AsType[*sink.Failure](err)
	return (refused || missing || failure) && !errors.Is(err, hold.ErrHeld)
}

// listWalk is one walk through one list.
type listWalk struct {
	*walker

	list  desk.List
	below []desk.List
	known map[unified.Entity]known
	state walkState
	seen  map[string]bool
	// old are the ids that the topic had when the walk began or went on.
	old map[string]bool
	// classNames are those of the list below that has one for each class, nil until they are read.
	classNames []string
	unreadable int
	counts     counts
}

// counts are what a walk wrote.
type counts struct{ written, deleted int }

func (w *walker) walkList(ctx context.Context, l desk.List) error {
	lw, err := w.open(ctx, l)
	if err != nil {
		return err
	}
	for lw.state.Place.Page != 0 {
		if err := lw.step(ctx); err != nil {
			return err
		}
	}
	if err := lw.finish(ctx); err != nil {
		return err
	}
	w.metrics.walked(l.Entity, lw.state)
	w.log.Info("list walked", "entity", l.Entity, "all", lw.state.Full, "objects", len(lw.seen), "written", lw.counts.written,
		"deleted", lw.counts.deleted, "calls", lw.state.Calls)
	return nil
}

// open reads what the topics of a list hold, and goes on with the walk that is on record or begins
// the next one.
func (w *walker) open(ctx context.Context, l desk.List) (*listWalk, error) {
	lw := &listWalk{walker: w, list: l, known: make(map[unified.Entity]known)}
	entities := []unified.Entity{l.Entity}
	for _, b := range w.lists {
		if b.Below == l.Entity {
			lw.below = append(lw.below, b)
			entities = append(entities, b.Entity)
		}
	}
	for _, of := range append(lw.below, l) {
		for _, i := range of.Inside {
			if w.inside[i.Entity] {
				entities = append(entities, i.Entity)
			}
		}
	}
	for _, e := range entities {
		k, err := w.store.known(ctx, e)
		if err != nil {
			return nil, err
		}
		lw.known[e] = k
	}
	lw.old = make(map[string]bool, len(lw.known[l.Entity]))
	for id := range lw.known[l.Entity] {
		lw.old[id] = true
	}
	state, seen, resumed := w.places.resume(l.Entity)
	lw.state, lw.seen = state, seen
	if resumed && state.Steps == 0 {
		return lw, nil // the forecast has begun it
	}
	if resumed {
		w.log.Info("going on with a walk", "entity", l.Entity, "pages", state.Steps, "began", state.Began)
		return lw, nil
	}
	lw.seen = make(map[string]bool)
	hint := state.Size.Pages
	if state.Open { // its pages are not all on record
		state = state.fail()
	}
	lw.state = state.begin(time.Now(), l, w.scope)
	return lw, lw.begin(ctx, hint)
}

// begin finds the first page of a walk, or of another pass of one, and puts it on record.
func (lw *listWalk) begin(ctx context.Context, hint int) error {
	m := measured{}
	if !lw.state.byMoments(lw.list) {
		if !lw.state.Full {
			hint = 0
		}
		var err error
		if m, err = lw.length(ctx, hint); err != nil {
			return err
		}
	}
	lw.state.start(lw.list, m)
	return lw.put(ctx, nil)
}

// length is how long the list is, as it was measured a moment ago or is now.
func (lw *listWalk) length(ctx context.Context, hint int) (measured, error) {
	if m, ok := lw.first[lw.list.Entity]; ok && lw.state.Full && lw.state.Place.Pass == 0 && time.Since(m.at) < firstLasts {
		return m, nil
	}
	before := lw.meter.count()
	m, err := lw.measure(ctx, lw.source(), hint)
	lw.state.Calls += lw.meter.count() - before
	lw.first[lw.list.Entity] = m
	return m, err
}

func (lw *listWalk) source() source {
	return sourceOf(lw.list, "", "").with(lw.state.parameters(lw.list))
}

// step reads a page, takes its objects in and puts the place of the next one on record.
func (lw *listWalk) step(ctx context.Context) error {
	before := lw.meter.count()
	if lw.state.Place.Page == tail {
		m, err := lw.measure(ctx, lw.source(), lw.state.Size.Pages)
		if err != nil {
			return err
		}
		lw.state.Place.Page = m.Pages
	}
	lw.meter.at(lw.list.Entity, lw.state)
	page, err := lw.next(ctx)
	if err != nil {
		return err
	}
	g, ids, err := lw.take(ctx, page)
	if err != nil {
		return err
	}
	lw.state.advance(lw.list, g)
	lw.state.Calls += lw.meter.count() - before
	return lw.put(ctx, ids)
}

// next reads the page at the walk's place.
func (lw *listWalk) next(ctx context.Context) (desk.Page, error) {
	e := lw.list.Entity
	m, ok := lw.first[e]
	delete(lw.first, e)
	if ok && lw.state.Place.Page == 1 && !lw.state.Place.Tail && !lw.state.fromEnd() && !lw.state.byMoments(lw.list) && time.Since(m.at) < firstLasts {
		return m.first, nil
	}
	page, err := lw.page(ctx, lw.source(), lw.state.Place.Page)
	if refused, ok := errors.AsType[*refusedError](err); ok && lw.state.fromEnd() && (refused.status == 404 || refused.status == 400) {
		return desk.Page{}, nil // the list has become shorter
	}
	return page, err
}

// put puts the walk's state on record, with a page whose objects it has taken in.
func (lw *listWalk) put(ctx context.Context, ids []string) error {
	e := lw.list.Entity
	if ids == nil {
		return lw.record(ctx, e, lw.state)
	}
	lw.state.Steps++
	page := seenPage{Walk: lw.state.Walk, IDs: ids}
	into(lw.places.seen, e)[lw.state.Steps] = page
	r, err := lw.store.stateRecord(stateKey{Entity: e, Step: lw.state.Steps}, page)
	if err != nil {
		return err
	}
	return lw.record(ctx, e, lw.state, r)
}

// record puts the state of a walk on record, after other records.
func (w *walker) record(ctx context.Context, e unified.Entity, state walkState, before ...*kgo.Record) error {
	w.places.walks[e] = state
	if w.dry {
		return nil
	}
	r, err := w.store.stateRecord(stateKey{Entity: e}, state)
	if err != nil {
		return err
	}
	return w.store.write(ctx, append(before, r)...)
}

// finish ends a walk whose pages were all read: it reads the list again if objects may have been
// lost, and looks for those that are missing.
func (lw *listWalk) finish(ctx context.Context) error {
	for lw.state.lost(lw.list, len(lw.seen)) {
		lw.log.Info("objects were deleted while the list was read, reading it again", "entity", lw.list.Entity,
			"seen", len(lw.seen), "of", lw.state.Size.Rows)
		lw.state.Place.Pass++
		if err := lw.begin(ctx, lw.state.Size.Pages); err != nil {
			return err
		}
		for lw.state.Place.Page != 0 {
			if err := lw.step(ctx); err != nil {
				return err
			}
		}
	}
	if lw.unreadable > 0 {
		lw.log.Warn("entries of the list are no objects with an id and were left out", "entity", lw.list.Entity, "entries", lw.unreadable)
	}
	if lw.state.Full {
		if err := lw.missing(ctx); err != nil {
			if _, ok := errors.AsType[*missingError](err); ok {
				lw.state = lw.state.fail()
				err = errors.Join(err, lw.put(ctx, nil))
			}
			return err
		}
	}
	lw.state = lw.state.complete()
	return lw.put(ctx, nil)
}

package export

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/deskstream/deskstream/mapping/unified"
	"github.com/deskstream/deskstream/sink"
)

// An object is deleted from its topic when two complete walks in a row missed it and the desk then
// says that it is not there. More than missingShare of the objects, and more than missingFew of them,
// do not vanish between two walks: the credential sees less, or the list is broken.
const (
	missingFew   = 20
	missingShare = 0.05
)

// missing marks the objects that a complete walk of all did not see, and deletes those that the walk
// before it did not see either, if the desk does not have them. What was seen again loses its mark.
func (lw *listWalk) missing(ctx context.Context) error {
	e := lw.list.Entity
	marks := into(lw.places.marks, e)
	for id := range marks {
		if lw.seen[id] {
			if err := lw.setMark(ctx, id, 0); err != nil {
				return err
			}
		}
	}
	if lw.list.Object == "" {
		return nil
	}
	var gone []string
	for id := range lw.known[e] {
		if !lw.seen[id] {
			gone = append(gone, id)
		}
	}
	lw.metrics.missed(e, len(gone))
	if n, all := len(gone), len(lw.known[e]); n > missingFew && float64(n) > missingShare*float64(all) {
		return &missingError{n, all}
	}
	slices.Sort(gone)
	for _, id := range gone {
		if err := lw.miss(ctx, id, marks[id] > 0 && marks[id] == lw.state.FullWalks); err != nil {
			return err
		}
	}
	return nil
}

// miss deals with an object that is missing. again says that the walk before missed it too.
func (lw *listWalk) miss(ctx context.Context, id string, again bool) error {
	if !again {
		return lw.setMark(ctx, id, lw.state.FullWalks+1)
	}
	reply, err := lw.object(ctx, id)
	switch {
	case err != nil:
		return err
	case reply.Status == http.StatusNotFound:
		return lw.remove(ctx, id)
	case !reply.OK():
		return lw.setMark(ctx, id, lw.state.FullWalks+1)
	}
	read, err := lw.inbound.Objects[lw.list.Entity](reply.Body)
	if err != nil || read.Head().ID != id {
		return lw.setMark(ctx, id, lw.state.FullWalks+1) // neither there nor gone, as a customer that was merged
	}
	o, err := newObject(read, "")
	if err != nil {
		return err
	}
	if lw.known[lw.list.Entity][id].whole != o.whole {
		// The list does not show it, so this is the only way in which its changes are seen.
		if err := lw.write(ctx, lw.list, []object{o}); err != nil {
			return err
		}
	}
	return lw.setMark(ctx, id, 0)
}

// object asks for one object. A 404 counts when it is the API's own: that of a gateway is a failure.
func (lw *listWalk) object(ctx context.Context, id string) (sink.Reply, error) {
	_, path, _ := strings.Cut(lw.list.Object, " ")
	before := lw.meter.count()
	reply, err := lw.desk.Ask(ctx, sink.Call{
		Op: lw.list.Object, Method: http.MethodGet, Path: strings.Replace(path, "{id}", url.PathEscape(id), 1),
		Lookup: true, Large: true, Answers: []int{http.StatusNotFound, http.StatusForbidden},
	})
	lw.meter.called()
	lw.state.Calls += lw.meter.count() - before
	if failure, ok := errors.AsType[*sink.Failure](err); ok && failure.Class == sink.Rejected {
		return sink.Reply{Status: failure.Status}, nil // says nothing about whether it is there
	}
	return reply, err
}

// remove deletes an object from its topic, after what is below it.
func (lw *listWalk) remove(ctx context.Context, id string) error {
	for _, b := range lw.below {
		gone := lw.known[b.Entity].of(map[string]bool{id: true})
		for _, inside := range b.Inside {
			if err := lw.forget(ctx, inside.Entity, lw.known[inside.Entity].of(gone)); err != nil {
				return err
			}
		}
		if err := lw.forget(ctx, b.Entity, gone); err != nil {
			return err
		}
	}
	if err := lw.forget(ctx, lw.list.Entity, map[string]bool{id: true}); err != nil {
		return err
	}
	return lw.setMark(ctx, id, 0)
}

// of are the objects below some others.
func (k known) of(parents map[string]bool) map[string]bool {
	ids := make(map[string]bool)
	for id, f := range k {
		if f.parent != "" && parents[f.parent] {
			ids[id] = true
		}
	}
	return ids
}

// forget writes tombstones.
func (lw *listWalk) forget(ctx context.Context, e unified.Entity, gone map[string]bool) error {
	var ids []string
	for id := range gone {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	if err := lw.store.tombstones(ctx, e, ids); err != nil {
		return err
	}
	for _, id := range ids {
		delete(lw.known[e], id)
	}
	lw.counts.deleted += len(ids)
	lw.metrics.deleted(e, len(ids))
	return nil
}

// setMark puts the number of the walk that missed an object on record, 0 for none.
func (lw *listWalk) setMark(ctx context.Context, id string, walk int64) error {
	e := lw.list.Entity
	marks := into(lw.places.marks, e)
	if marks[id] == walk {
		return nil
	}
	var value any
	if walk > 0 {
		value = mark{FullWalk: walk}
	}
	r, err := lw.store.stateRecord(stateKey{Entity: e, ID: id}, value)
	if err == nil {
		err = lw.store.write(ctx, r)
	}
	if err != nil {
		return err
	}
	if delete(marks, id); walk > 0 {
		marks[id] = walk
	}
	return nil
}

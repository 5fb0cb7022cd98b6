package kustomer

import (
	"context"
	"net/http"
	"slices"

	"github.com/deskstream/deskstream/mapping"
)

// refusedNames are the statuses of refusals of a conversation that may mean that the desk does not
// have what it names. What Kustomer answers then is not documented.
var refusedNames = []int{http.StatusBadRequest, http.StatusNotFound, http.StatusUnprocessableEntity}

const fieldsRefused = "ticket.fields: left out, Kustomer refused the conversation with them"

// names reports whether the conversation is given something that the desk may not have.
func (r *routing) names() bool {
	return r.fields.Exists() || r.team != "" || r.user != "" || r.queue != "" || len(r.tags) > 0
}

// leaveOut leaves out of what the conversation is given what Kustomer may have refused: that whose id
// the desk's lists do not show, else the fields. more reports whether there is something that could
// be left out after that.
func (w *work) leaveOut(ctx context.Context) (more bool, err error) {
	r := &w.routing
	gone, err := w.leaveOutGone(ctx)
	switch {
	case err != nil:
		return false, err
	case gone:
		return r.names(), nil
	case r.fields.Exists():
		w.warn(fieldsRefused)
		r.fields = mapping.Value{}
	}
	return false, nil
}

// leaveOutGone leaves out what the desk does not have any more, and reports whether there is such.
func (w *work) leaveOutGone(ctx context.Context) (gone bool, err error) {
	r := &w.routing
	for _, named := range []struct {
		directory
		id   *string
		step string
	}{{teams, &r.team, assignTeam}, {users, &r.user, assignUser}, {queues, &r.queue, queueStepName}} {
		left, err := w.isGone(ctx, named.directory, *named.id)
		if err != nil {
			return false, err
		}
		if left {
			*named.id, gone = "", true
			w.do.Skip(named.step, nil)
		}
	}
	tagGone, err := w.leaveOutTags(ctx)
	return gone || tagGone, err
}

// leaveOutTags leaves out those of the conversation's tags that the desk does not have any more, and
// reports whether there are such.
func (w *work) leaveOutTags(ctx context.Context) (gone bool, err error) {
	w.routing.tags = slices.DeleteFunc(w.routing.tags, func(tag mapping.Value) bool {
		left := false
		if err == nil {
			left, err = w.isGone(ctx, tags, tag.Str())
		}
		gone = gone || left
		return left
	})
	return gone, err
}

// isGone reports whether the desk has not, or not any more, what has an id, and warns of it.
func (w *work) isGone(ctx context.Context, d directory, id string) (bool, error) {
	if id == "" {
		return false, nil
	}
	w.ids.RenewNames(d.path)
	there, err := w.has(ctx, d, id)
	if err != nil || there {
		return false, err
	}
	return true, w.lacks(d, id, leftOut)
}

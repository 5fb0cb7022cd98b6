package export

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/unified"
	"github.com/deskstream/deskstream/sink"
)

// asker makes calls: a sink.Destination.
type asker interface {
	Ask(ctx context.Context, call sink.Call) (sink.Reply, error)
}

// source is one list as it is asked for: with the ids in its path, and the parameters of this walk.
type source struct {
	desk.List

	path  string
	query url.Values
}

// sourceOf is a list with the id of what it is below and a class, both "" for none.
func sourceOf(l desk.List, id, class string) source {
	_, path, _ := strings.Cut(l.Op, " ")
	path = strings.NewReplacer("{id}", url.PathEscape(id), "{class}", url.PathEscape(class)).Replace(path)
	return source{List: l, path: path, query: l.Query}
}

// with is the source with further parameters.
func (s source) with(more url.Values) source {
	query := make(url.Values, len(s.query)+len(more)+1)
	maps.Copy(query, s.query)
	maps.Copy(query, more)
	s.query = query
	return s
}

// refusedError is a list that the desk does not show.
type refusedError struct{ status int }

func (e *refusedError) Error() string {
	text := fmt.Sprintf("the API answered %d %s", e.status, http.StatusText(e.status))
	if e.status == http.StatusForbidden {
		text += ": give the credential the right to read this list, or leave its entity out of export.entities"
	}
	return text
}

// page asks for a page of a list. A refusal of the desk is a refusedError; other errors are those of
// asker.
func (w *walker) page(ctx context.Context, s source, number int) (desk.Page, error) {
	query := s.with(url.Values{"page": {strconv.Itoa(number)}}).query
	var page desk.Page
	reply, err := w.desk.Ask(ctx, sink.Call{
		Op: s.Op, Method: http.MethodGet, Path: s.path, Query: query.Encode(), Lookup: true, Large: true, Optional: true,
		Accept: func(r sink.Reply) (err error) {
			page, err = s.Read(r.JSON())
			return err
		},
	})
	w.meter.called()
	switch {
	case err != nil:
		return desk.Page{}, err
	case !reply.OK():
		return desk.Page{}, &refusedError{reply.Status}
	}
	return page, nil
}

// measured is how long a list is, with its first page and when that was read.
type measured struct {
	size

	first desk.Page
	at    time.Time
}

// measure finds out how long a list is, by doubling the number of the page and halving the rest
// where the desk does not say. hint is the last page of an earlier time, 0 for unknown.
func (w *walker) measure(ctx context.Context, s source, hint int) (measured, error) {
	first, err := w.page(ctx, s, 1)
	if err != nil {
		return measured{}, err
	}
	m := measured{first: first, at: time.Now()}
	m.Order = w.inOrder(s, first)
	m.Pages, m.Rows = 1, len(first.Entries)
	switch {
	case !first.More:
		return m, nil
	case first.Pages > 0:
		m.Pages, m.Rows = first.Pages, first.Total
		return m, nil
	}
	there, beyond, rows := 1, 0, len(first.Entries) // the last page that is known to have entries; one that has none
	look := func(n int) (last bool, err error) {
		page, err := w.page(ctx, s, n)
		if refused := (*refusedError)(nil); errors.As(err, &refused) && (refused.status == http.StatusNotFound || refused.status == http.StatusBadRequest) {
			page, err = desk.Page{}, nil // how a page beyond the end may be answered
		}
		switch {
		case err != nil:
			return false, err
		case len(page.Entries) == 0:
			beyond = n
			return false, nil
		}
		there, rows = n, len(page.Entries)
		return !page.More, nil
	}
	next := max(hint, 2)
	for last := false; !last && (beyond == 0 || beyond-there > w.near(there)); {
		if last, err = look(next); err != nil {
			return measured{}, err
		}
		switch {
		case beyond > 0:
			next = (there + beyond) / 2
		case there == hint:
			next = hint + 1 // it has grown by little, most likely
		default:
			next = 2 * there
		}
	}
	m.Pages, m.Rows = there, (there-1)*len(first.Entries)+rows
	return m, nil
}

// near is how far from its end a list of so many pages may be measured: to the page where a walk needs
// it, to a fifth for people.
func (w *walker) near(pages int) int {
	if w.dry {
		return max(1, pages/5)
	}
	return 1
}

// inOrder reports whether a page is in the order that the list's description promises: a desk may
// ignore what it is asked for.
func (w *walker) inOrder(s source, page desk.Page) bool {
	if s.Rising == nil {
		return false
	}
	last := time.Time{}
	for _, entry := range page.Entries {
		o, err := w.read(s.Entity, entry)
		if err != nil {
			continue
		}
		at := s.Rising(o)
		if at.Before(last) {
			return false
		}
		last = at
	}
	return true
}

// read reads an entry of a list.
func (w *walker) read(e unified.Entity, entry mapping.Value) (unified.Object, error) {
	return w.inbound.Objects[e](entry.AppendJSON(nil))
}

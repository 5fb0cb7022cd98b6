package export

import (
	"net/url"
	"time"

	"github.com/deskstream/deskstream/desk"
)

// A list changes while it is read. How it is read decides what that can do:
//
//   - A list that comes by the moment of the change is asked for what changed at or after the last
//     one that was seen, always for the first page. What changes meanwhile comes again at its end.
//   - A list where new and changed objects come last is read from its last page to its first, and
//     then its end again. What moves, moves to the end; what is deleted moves others from a page that
//     is not read yet to the one before it.
//   - Of any other list nothing is known: it is read from its first page to its last. What is added
//     moves others to pages that are not read yet. When objects are deleted others may move to a page
//     that was read, so fewer are seen than there were: then the list is read again.

// parameters are those of the walk's next page besides those of the list.
func (w walkState) parameters(l desk.List) url.Values {
	switch {
	case l.Changed == nil:
		return nil
	case l.Changed.Ordered && !w.Place.Plain:
		return l.Changed.Since(w.Place.Moment)
	}
	return l.Changed.Since(w.Since)
}

// byMoments reports whether the walk goes on by moments instead of by page numbers.
func (w walkState) byMoments(l desk.List) bool {
	return l.Changed != nil && l.Changed.Ordered && !w.Place.Plain
}

// fromEnd reports whether the walk goes from the last page to the first.
func (w walkState) fromEnd() bool { return w.Size.Order && w.Size.Pages > 1 }

// start sets the place of the first page.
func (w *walkState) start(l desk.List, m measured) {
	w.Size = m.size
	w.Place = place{Page: 1, Moment: w.Since, Pass: w.Place.Pass}
	if w.fromEnd() && !w.byMoments(l) {
		w.Place.Page = w.Size.Pages
	}
}

// glance is what counts of a page for where a walk goes on.
type glance struct {
	more, empty bool
	// quiet is set when all of its objects were seen in this walk already and have not changed.
	quiet bool
	// falling is set when the objects are not in the order of their changes.
	falling bool
	// first and last are when its first and its last object changed, zero for unknown.
	first, last time.Time
}

// advance sets the place of the next page, 0 for none. A walk that comes to the first page of a list
// that it reads from its end has to look at the end again: then the page is tail.
func (w *walkState) advance(l desk.List, g glance) {
	p := &w.Place
	switch {
	case w.byMoments(l):
		w.advanceMoments(g)
	case w.fromEnd() && p.Tail && g.quiet:
		p.Page = 0
	case w.fromEnd() && !p.Tail && p.Page == 1:
		p.Page, p.Tail = tail, true
	case w.fromEnd():
		p.Page--
	case g.more && !g.empty:
		p.Page++
	default:
		p.Page = 0
	}
}

// tail is the page of a list whose end is to be found again.
const tail = -1

func (w *walkState) advanceMoments(g glance) {
	p := &w.Place
	switch {
	case g.falling: // the desk ignores the order that it is asked for: nothing may be left out by it
		p.Plain, p.Page = true, 1
	case !g.more || g.empty:
		if p.Page = 0; g.last.After(p.Moment) {
			p.Moment = g.last
		}
	case g.first.Before(p.Moment):
		// The desk ignores what it is asked for. What was seen so far counts.
		p.Plain, p.Page = true, p.Page+1
	case g.last.After(p.Moment):
		p.Moment, p.Page = g.last, 1
	default: // a whole page of one moment
		p.Page++
	}
}

// maxPasses is how often a list is read in one walk.
const maxPasses = 3

// lost reports whether a list that was read from its first page to its last has to be read again,
// because fewer objects were seen than there were. seen is how many were.
func (w walkState) lost(l desk.List, seen int) bool {
	return w.Full && !w.fromEnd() && !w.byMoments(l) && w.Size.Pages > 1 && seen-w.Fresh < w.Size.Rows && w.Place.Pass < maxPasses-1
}

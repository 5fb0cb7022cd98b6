package export

import (
	"encoding/json"
	"time"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/mapping/unified"
)

// walkState is what is on record of the walks through one list.
type walkState struct {
	// Walk counts the walks from 1. Full is set for one of all objects; else it is one of those that
	// changed since Since.
	Walk  int64     `json:"walk"`
	Full  bool      `json:"full"`
	Began time.Time `json:"began"`
	Since time.Time `json:"since,omitzero"`
	// Open is set until the walk is complete.
	Open bool `json:"open"`
	// Steps is how many pages are on record; each has a record of its own with the ids in it.
	Steps int   `json:"steps"`
	Place place `json:"place"`
	// Size is how long the list was when the walk began.
	Size size `json:"size"`
	// Fresh is how many of the objects that the walk has seen are newer than it.
	Fresh int `json:"fresh,omitempty"`
	// Calls are those of the walk, with those of the lists below it.
	Calls int `json:"calls"`
	// FullWalks counts the complete walks of all objects. A mark of a missing object has the number
	// of the walk that missed it; a number is left out where no two walks are in a row.
	FullWalks int64 `json:"full_walks"`
	// Reached is the last moment of a change that the last complete walk saw, of a list that is ordered by
	// them.
	Reached time.Time `json:"reached,omitzero"`
	// FullAt and DoneAt are when the last complete walk of all objects, and of any kind, began;
	// FullCalls and SomeCalls are the calls of the last one of all objects, and of changes.
	FullAt    time.Time `json:"full_at,omitzero"`
	DoneAt    time.Time `json:"done_at,omitzero"`
	FullCalls int       `json:"full_calls,omitempty"`
	SomeCalls int       `json:"some_calls,omitempty"`
}

// place is where a walk goes on.
type place struct {
	// Page is the next page, 0 when all were read.
	Page int `json:"page"`
	// Moment is from when on changes are asked for, of a list that is ordered by them.
	Moment time.Time `json:"moment,omitzero"`
	// Plain is set when such a list turned out not to be: its pages are numbered from then on.
	Plain bool `json:"plain,omitempty"`
	// Tail is set when a list that is read from its end is at its end again.
	Tail bool `json:"tail,omitempty"`
	// Pass counts how often the list was read again because objects were deleted meanwhile.
	Pass int `json:"pass,omitempty"`
}

// size is how long a list is.
type size struct {
	Pages int `json:"pages"`
	Rows  int `json:"rows"`
	// Order is set for a list that is in the order that its description promises.
	Order bool `json:"order,omitempty"`
}

// seenPage is the record of one page of a walk.
type seenPage struct {
	Walk int64    `json:"walk"`
	IDs  []string `json:"ids"`
}

// mark is the record of an object that was missing in the walk of that number.
type mark struct {
	FullWalk int64 `json:"full_walk"`
}

// stateKey is the key of a record of state, as JSON. Of a page Step is set, of a mark ID.
type stateKey struct {
	Destination string         `json:"destination"`
	Entity      unified.Entity `json:"entity"`
	Step        int            `json:"step,omitempty"`
	ID          string         `json:"id,omitempty"`
}

// places is the state of all lists of a destination.
type places struct {
	walks map[unified.Entity]walkState
	seen  map[unified.Entity]map[int]seenPage
	marks map[unified.Entity]map[string]int64
}

func newPlaces() *places {
	return &places{
		walks: make(map[unified.Entity]walkState), seen: make(map[unified.Entity]map[int]seenPage),
		marks: make(map[unified.Entity]map[string]int64),
	}
}

// take takes in a record of the state topic, in the order of the topic. Records of other
// destinations, and those that cannot be read, are none.
func (p *places) take(destination string, key, value []byte) {
	var k stateKey
	if json.Unmarshal(key, &k) != nil || k.Destination != destination {
		return
	}
	switch {
	case k.ID != "":
		var m mark
		if len(value) == 0 || json.Unmarshal(value, &m) != nil {
			delete(p.marks[k.Entity], k.ID)
			return
		}
		into(p.marks, k.Entity)[k.ID] = m.FullWalk
	case k.Step > 0:
		var s seenPage
		if json.Unmarshal(value, &s) == nil {
			into(p.seen, k.Entity)[k.Step] = s
		}
	default:
		var w walkState
		if json.Unmarshal(value, &w) == nil {
			p.walks[k.Entity] = w
		}
	}
}

func into[K comparable, V any](m map[unified.Entity]map[K]V, e unified.Entity) map[K]V {
	if m[e] == nil {
		m[e] = make(map[K]V)
	}
	return m[e]
}

// resume returns the open walk through a list with the ids that it has seen; false for none, and for
// one whose pages are not all on record.
func (p *places) resume(e unified.Entity) (walkState, map[string]bool, bool) {
	w, ids := p.walks[e], make(map[string]bool)
	if !w.Open {
		return w, nil, false
	}
	for step := 1; step <= w.Steps; step++ {
		page, ok := p.seen[e][step]
		if !ok || page.Walk != w.Walk {
			return w, nil, false
		}
		for _, id := range page.IDs {
			ids[id] = true
		}
	}
	return w, ids, true
}

// fullEvery is how old the last walk of all objects may be: one of changes finds no deleted ones,
// and not all that a desk does not count as a change.
const fullEvery = 24 * time.Hour

// scope is what walks are of.
type scope struct {
	// all says that they are of all objects, also where the desk could be asked for changes.
	all bool
	// from, if set, says that what changed since then is enough, where the desk can be asked for it,
	// however long ago the last walk of all objects was.
	from time.Time
}

// begin begins the next walk, of all objects where the list cannot be asked for changes, after a day,
// and when the scope says so.
func (w walkState) begin(now time.Time, l desk.List, s scope) walkState {
	full := s.all || l.Changed == nil || s.from.IsZero() && (w.FullAt.IsZero() || now.Sub(w.FullAt) >= fullEvery)
	w.Walk, w.Full, w.Open, w.Began = w.Walk+1, full, true, now
	w.Steps, w.Place, w.Size, w.Fresh, w.Calls, w.Since = 0, place{}, size{}, 0, 0, time.Time{}
	if !full {
		if w.Since = w.DoneAt; w.Since.IsZero() {
			w.Since = s.from // no walk before it: the next one is of all objects all the same
		}
		w.Since = w.Since.Add(-l.Changed.Overlap)
		if l.Changed.Ordered && !w.Reached.IsZero() {
			w.Since = w.Reached.Add(-l.Changed.Overlap) // the desk's clock may show another time than ours
		}
	}
	return w
}

// complete ends a walk.
func (w walkState) complete() walkState {
	w.Open, w.DoneAt, w.Reached = false, w.Began, w.Place.Moment
	if w.Full {
		w.FullWalks, w.FullAt, w.FullCalls = w.FullWalks+1, w.Began, w.Calls
	} else {
		w.SomeCalls = w.Calls
	}
	return w
}

// fail ends a walk that must not count: the two around it are not in a row.
func (w walkState) fail() walkState {
	w.Open = false
	w.FullWalks += 2
	return w
}

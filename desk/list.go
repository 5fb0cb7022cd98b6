package desk

import (
	"net/url"
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/unified"
)

// List is how a desk shows all objects of an entity, page by page, for export. Pages are numbered
// from 1 by the parameter page. It holds no state and makes no calls.
type List struct {
	Entity unified.Entity
	// Op is GET and the path's template. {id} is that of an object of Below, {class} a name of Classes.
	// Both are escaped.
	Op string
	// Query are the parameters of each page, besides its number.
	Query url.Values
	// Read reads a page.
	Read func(answer mapping.Value) (Page, error)
	// Rising says that the list has an order in which what is new or changes comes last, by the
	// moment that it returns of an entry. Such a list is read from its last page to its first, so
	// that nothing moves from a page that is not read yet to one that was. It is nil for a list
	// without a documented order.
	Rising func(unified.Object) time.Time
	// Changed asks for what changed since a moment, nil where the desk cannot.
	Changed *Changed
	// Object is GET and the path's template for one object by its id: it proves that one is gone. ""
	// where no such call is known: then nothing of the list is ever taken for deleted.
	Object string
	// Below is the entity of whose objects each has a list of its own.
	Below unified.Entity
	// Always says that such a list may change although the object does not: then a walk of all
	// objects reads it each time, else only that of an object that changed.
	Always bool
	// Classes is the list whose entries' names take the place of {class}, nil for none.
	Classes *List
	// Inside are lists that stand inside its entries.
	Inside []Inside
}

// Page is what one answer has of a list.
type Page struct {
	Entries []mapping.Value
	// More says that another page follows.
	More bool
	// Pages and Total are how many pages and entries there are, 0 where the desk does not say.
	Pages, Total int
}

// Changed is how a list shows only what changed.
type Changed struct {
	// Since are the parameters for what changed at or after a moment; for the zero one those that
	// give the list its order.
	Since func(time.Time) url.Values
	// Overlap is how much earlier to ask than at the last walk.
	Overlap time.Duration
	// Ordered says that the list then comes by the moment of the change: it is read by moments
	// instead of by page numbers, which nothing can shift.
	Ordered bool
	// Undocumented says that no document of the vendor names the parameters. A desk that ignores them
	// lists everything, which costs calls and loses nothing.
	Undocumented bool
}

// Inside are objects that stand inside those of a list.
type Inside struct {
	Entity unified.Entity
	Of     func(unified.Object) []unified.Object
}

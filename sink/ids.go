package sink

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// How is where the answer of IDs.Find comes from.
type How uint8

// The ways to an id. Only an Own find says what the vendor holds at this moment.
const (
	Cached How = iota // remembered
	Shared            // found by another caller, meanwhile
	Own               // found by this caller
)

// errNoResult stands for a find that panicked.
var errNoResult = errors.New("find ended without a result")

// IDs remembers the vendor's id of an identifier, for one credential. It is bounded
// and each entry has a lifetime. It is safe for concurrent use and has no goroutine.
type IDs struct {
	made     Made
	others   sync.Map // kind of object to *Made
	names    names
	lifetime time.Duration
	entries  *lru.Cache[string, entry] // the expirable kind has a goroutine that nothing stops

	mu      sync.Mutex
	flights map[string]*flight
}

type entry struct {
	id string
	at time.Time
}

// flight is one find under way. singleflight would not do: it runs the find either
// where the others cannot stop waiting, or in a goroutine where a panic ends the process.
type flight struct {
	done chan struct{}
	id   string
	err  error
	lead urgent // who makes it; nil where nothing has priorities
}

// NewIDs makes room for size identifiers, one at least, each remembered for
// lifetime. With a lifetime of 0 nothing is remembered, but finds are still shared.
func NewIDs(size int, lifetime time.Duration) *IDs {
	entries, err := lru.New[string, entry](max(size, 1))
	if err != nil {
		panic(err) // it refuses sizes below 1 only
	}
	return &IDs{lifetime: lifetime, entries: entries, flights: make(map[string]*flight)}
}

// Made is what is known of the objects that events of the account have made.
func (c *IDs) Made() *Made { return &c.made }

// MadeOf is the same for the objects of another kind, whose ids grow with time as well.
func (c *IDs) MadeOf(kind string) *Made {
	made, _ := c.others.LoadOrStore(kind, new(Made))
	return made.(*Made)
}

// Get is the remembered id of an identifier.
func (c *IDs) Get(identifier string) (id string, ok bool) {
	e, ok := c.entries.Get(identifier)
	if !ok || time.Since(e.at) >= c.lifetime {
		return "", false
	}
	return e.id, true
}

// Put remembers the id of an identifier. The id is copied: as it is given it may be a
// part of a whole answer or event, which it would keep in memory.
func (c *IDs) Put(identifier, id string) {
	c.entries.Add(identifier, entry{id: strings.Clone(id), at: time.Now()})
}

// Change remembers what change makes of what is remembered of an identifier, "" for
// nothing. Changes are made one after another, so none is lost. Unless change says that it
// renews, the lifetime goes on from where it was. The new text is kept as it is.
func (c *IDs) Change(identifier string, change func(was string) (now string, renews bool)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries.Get(identifier)
	if !ok || time.Since(e.at) >= c.lifetime {
		e = entry{}
	}
	now, renews := change(e.id)
	if renews || e.at.IsZero() {
		e.at = time.Now()
	}
	e.id = now
	c.entries.Add(identifier, e)
}

// Drop forgets an identifier.
func (c *IDs) Drop(identifier string) { c.entries.Remove(identifier) }

// Alone runs act while no other caller runs one of the same name: each of two that find nothing
// would make it. A caller waits with the Doer that makes its calls, and gets its error when that
// stops waiting.
func (c *IDs) Alone(ctx context.Context, do Doer, name string, act func(context.Context) error) error {
	for done := false; !done; {
		_, _, err := c.Find(ctx, do, name, func(ctx context.Context) (string, error) {
			done = true
			return "", act(ctx)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Find answers from memory, or runs find once for all callers that ask for the same
// identifier meanwhile. find returns "" for an identifier that the vendor does not know,
// which is shared but not remembered. Its error is that of its own caller alone: of the
// callers that waited for it one runs the next find, and the others wait for that: all
// at once they could each create what the vendor does not have. A caller waits with the
// Doer that makes its calls, and gets its error when that stops waiting.
func (c *IDs) Find(ctx context.Context, do Doer, identifier string, find func(ctx context.Context) (string, error)) (id string, how How, err error) {
	for {
		id, f, how := c.join(identifier, do)
		switch how {
		case Cached:
			return id, Cached, nil
		case Own:
			id, err = c.lead(ctx, identifier, f, find)
			return id, Own, err
		case Shared: // Another caller's find is waited for, below.
		}
		if err := awaitFlight(ctx, do, f); err != nil {
			return "", Shared, err
		}
		if f.err == nil {
			return f.id, Shared, nil
		}
	}
}

// join gives the remembered id, the flight to wait for, or a new one for the caller to lead.
func (c *IDs) join(identifier string, do Doer) (string, *flight, How) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if id, ok := c.Get(identifier); ok {
		return id, nil, Cached
	}
	if f, ok := c.flights[identifier]; ok {
		return "", f, Shared
	}
	f := &flight{done: make(chan struct{}), err: errNoResult, lead: urgentOf(do)}
	if f.lead != nil {
		f.lead.leads()
	}
	c.flights[identifier] = f
	return "", f, Own
}

func (c *IDs) lead(ctx context.Context, identifier string, f *flight, find func(ctx context.Context) (string, error)) (string, error) {
	if f.lead != nil {
		defer f.lead.leadsNoMore()
	}
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.remember(identifier, f.id, f.err)
		delete(c.flights, identifier)
		close(f.done)
	}()
	f.id, f.err = find(ctx)
	return f.id, f.err
}

func (c *IDs) remember(identifier, id string, err error) {
	if err == nil && id != "" {
		c.Put(identifier, id)
	}
}

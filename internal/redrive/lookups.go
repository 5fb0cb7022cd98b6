package redrive

import (
	"fmt"
	"sync"
	"time"

	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/internal/wiring"
	"github.com/deskstream/deskstream/sink"
)

// lookupClock counts the lookups that a plan still needs, and how long they take. The line of
// progress reads it while the plan is made.
type lookupClock struct {
	ways map[string]way

	mu    sync.Mutex
	desks map[string]*deskLookups // by destination
	made  map[string]int          // attempts at lookups, by destination
	total int                     // letters
	done  int
	asks  string // the destination of the lookup that runs now, "" for none
	again string // why the lookup is repeated
}

// deskLookups are those of one destination.
type deskLookups struct {
	letters map[string]int // that may need a lookup, by its URL
	asked   int            // lookups made
	took    time.Duration  // all of them together, waiting included
}

// newLookupClock returns a clock for a number of letters. Its method count counts attempts at
// lookups.
func newLookupClock(total int) *lookupClock {
	return &lookupClock{total: total, desks: map[string]*deskLookups{}, made: map[string]int{}}
}

// count is a wiring.Options.observe.
func (c *lookupClock) count(destination string) func(sink.Attempt) {
	return func(sink.Attempt) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.made[destination]++
	}
}

// add adds the lookups of a letter.
func (c *lookupClock) add(destination string, urls []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.desks[destination]
	if d == nil {
		d = &deskLookups{letters: map[string]int{}}
		c.desks[destination] = d
	}
	for _, url := range urls {
		d.letters[url]++
	}
}

// planned removes the lookups of a letter that is planned.
func (c *lookupClock) planned(destination string, urls []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done++
	d := c.desks[destination]
	for _, url := range urls {
		if d.letters[url]--; d.letters[url] == 0 {
			delete(d.letters, url)
		}
	}
}

// begin notes that a destination is asked, until end is called.
func (c *lookupClock) begin(destination string) (end func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	began, made := time.Now(), c.made[destination]
	c.asks = destination
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.asks, c.again = "", ""
		if asked := c.made[destination] - made; asked > 0 {
			d := c.desks[destination]
			d.asked += asked
			d.took += time.Since(began)
		}
	}
}

// asksAgain notes that the help desk did not answer.
func (c *lookupClock) asksAgain(now *sink.Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.again = ReasonOf(now)
}

// enoughLookups is how many lookups have to be made before their time predicts that of the
// others.
const enoughLookups = 10

// left returns how many lookups are left at most, and how long they take.
func (c *lookupClock) left() (lookups int, takes time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, d := range c.desks {
		w, n := c.ways[name], 0
		for url := range d.letters {
			if !w.Answers.Has(url) {
				n++
			}
		}
		calls, window := w.Budget.Own()
		each := time.Duration(float64(window) / max(calls, 1))
		lookups += n
		switch {
		case d.asked >= enoughLookups:
			each = d.took / time.Duration(d.asked)
		case d.asked == 0 && n > 0:
			n-- // the first one does not wait
		}
		takes += time.Duration(n) * each
	}
	return lookups, takes
}

// progress returns a line for people.
func (c *lookupClock) progress() string {
	left, takes := c.left()
	c.mu.Lock()
	defer c.mu.Unlock()
	line := fmt.Sprintf("%d of %d letters planned, %s left", c.done, c.total, output.Count(left, "lookup"))
	if left > 0 {
		line += ", about " + output.Roughly(takes)
	}
	switch why := c.waitsFor(); {
	case c.again != "":
		line += fmt.Sprintf("; %s did not answer and is asked again (%s)", c.asks, c.again)
	case why != "":
		line += "; " + why
	}
	return line
}

// waitsFor returns what the current lookup waits for, "" for nothing. The caller holds c.mu.
func (c *lookupClock) waitsFor() string {
	if c.asks == "" {
		return ""
	}
	return wiring.BudgetWait(c.asks, c.ways[c.asks].Budget)
}

package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/deskstream/deskstream/sink"
)

// lookupClock follows which lookups a plan still needs, and how long they take. It is
// read while the plan is made, for the line of progress.
type lookupClock struct {
	ways map[string]way

	mu    sync.Mutex
	desks map[string]*deskLookups // by destination
	made  map[string]int          // attempts at lookups, by destination
	total int                     // letters
	done  int
	asks  string // the destination that is asked now, "" for none
	again string // why it is asked again
}

// deskLookups are those of one destination.
type deskLookups struct {
	letters map[string]int // that may need a lookup, by its URL
	asked   int            // lookups made
	took    time.Duration  // all of them together, waiting included
}

// newLookupClock makes a clock for a number of letters. Its method count learns of attempts
// at lookups.
func newLookupClock(total int) *lookupClock {
	return &lookupClock{total: total, desks: map[string]*deskLookups{}, made: map[string]int{}}
}

// count is a wireOptions.observe.
func (c *lookupClock) count(destination string) func(op string, status int, took time.Duration) {
	return func(string, int, time.Duration) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.made[destination]++
	}
}

// add takes the lookups of a letter in.
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

// planned takes a letter out that is planned.
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

// begin notes that a destination is asked, until what it gives back is called.
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
	c.again = reasonOf(now)
}

// enoughLookups is from how many on their time says how long the others take.
const enoughLookups = 10

// left is how many lookups are left at most, and how long they take.
func (c *lookupClock) left() (lookups int, takes time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, d := range c.desks {
		w, n := c.ways[name], 0
		for url := range d.letters {
			if !w.answers.Has(url) {
				n++
			}
		}
		calls, window := w.budget.Own()
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

// progress is a line for people.
func (c *lookupClock) progress() string {
	left, takes := c.left()
	c.mu.Lock()
	defer c.mu.Unlock()
	line := fmt.Sprintf("%d of %d letters planned, %s left", c.done, c.total, count(left, "lookup"))
	if left > 0 {
		line += ", about " + roughly(takes)
	}
	switch why := c.waitsFor(); {
	case c.again != "":
		line += fmt.Sprintf("; %s did not answer and is asked again (%s)", c.asks, c.again)
	case why != "":
		line += "; " + why
	}
	return line
}

// waitsFor is what the lookup that is made now waits for, "" for nothing. c is locked.
func (c *lookupClock) waitsFor() string {
	if c.asks == "" {
		return ""
	}
	return budgetWait(c.asks, c.ways[c.asks].budget)
}

// budgetWait is what calls to a destination wait for, "" for less than a moment.
func budgetWait(destination string, budget *sink.Budget) string {
	wait, usedUp := budget.Pause(time.Now())
	switch {
	case usedUp:
		return fmt.Sprintf("the limit of %s is used up, for %s", destination, roughly(wait))
	case wait >= time.Second/2:
		return fmt.Sprintf("waiting for the rate budget of %s, %s to the next call", destination, roughly(wait))
	}
	return ""
}

// roughly is a time as people say it: "4s", "25m", "4h36m".
func roughly(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", max(1, int(d.Round(time.Second).Seconds())))
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", int(d.Round(time.Minute).Minutes()))
	}
	minutes := int(d.Round(time.Minute).Minutes())
	return fmt.Sprintf("%dh%02dm", minutes/60, minutes%60)
}

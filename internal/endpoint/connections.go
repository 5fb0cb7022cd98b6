package endpoint

import (
	"net"
	"net/http"
	"sync"
)

// connectionLimit limits the connections of a server. When there are too many, it closes the
// one that has been idle longest, or else the newest.
type connectionLimit struct {
	max int

	mu sync.Mutex
	// open has for each connection the turn at which it became idle, 0 for one with a request under
	// way. Each request notes that twice, so it is cheap; the one to close is looked for.
	open map[net.Conn]uint64
	turn uint64 // the latest
}

func newConnectionLimit(limit int) *connectionLimit {
	return &connectionLimit{max: limit, open: make(map[net.Conn]uint64)}
}

// observe is an http.Server's ConnState.
func (c *connectionLimit) observe(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateClosed, http.StateHijacked:
		delete(c.open, conn)
	case http.StateActive:
		c.open[conn] = 0
	case http.StateIdle, http.StateNew:
		// A new one has no request yet, so it may be closed like an idle one.
		c.turn++
		c.open[conn] = c.turn
		if state == http.StateNew && len(c.open) > c.max {
			c.closeOldest()
		}
	}
}

func (c *connectionLimit) closeOldest() {
	var oldest net.Conn
	first := c.turn + 1
	for conn, turn := range c.open {
		if turn != 0 && turn < first {
			oldest, first = conn, turn
		}
	}
	delete(c.open, oldest)
	_ = oldest.Close() // the server finds it closed and says so
}

package service

import (
	"container/list"
	"net"
	"net/http"
	"sync"
	"time"
)

// The bounds of the program's own HTTP servers.
const (
	headerTimeout = 10 * time.Second
	readTimeout   = 10 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = 30 * time.Second
	// profileTimeout bounds an answer of the admin listener: a profile takes as many
	// seconds as its reader asks for.
	profileTimeout = 5 * time.Minute
	// maxConnections is how many connections a server keeps. Each is a file descriptor
	// that the calls to help desks may need.
	maxConnections = 16
)

// connectionLimit limits the connections of a server. When there are too many, it closes the
// one that has been idle longest, or else the newest.
type connectionLimit struct {
	max int

	mu   sync.Mutex
	open map[net.Conn]*list.Element // nil for one with a request under way
	idle list.List                  // of net.Conn, the longest idle first
}

func newConnectionLimit(limit int) *connectionLimit {
	return &connectionLimit{max: limit, open: map[net.Conn]*list.Element{}}
}

// observe is an http.Server's ConnState.
func (c *connectionLimit) observe(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.open[conn]; e != nil {
		c.idle.Remove(e)
	}
	switch state {
	case http.StateClosed, http.StateHijacked:
		delete(c.open, conn)
	case http.StateIdle:
		c.open[conn] = c.idle.PushBack(conn)
	case http.StateActive:
		c.open[conn] = nil
	case http.StateNew:
		// It has no request yet, so it may be closed like an idle one.
		c.open[conn] = c.idle.PushBack(conn)
		if len(c.open) > c.max {
			c.closeOldest()
		}
	}
}

func (c *connectionLimit) closeOldest() {
	oldest := c.idle.Front()
	c.idle.Remove(oldest)
	conn := oldest.Value.(net.Conn)
	delete(c.open, conn)
	_ = conn.Close() // the server finds it closed and says so
}

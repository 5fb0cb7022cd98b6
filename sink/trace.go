package sink

import (
	"context"
	"errors"
	"net"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// trace observes one request: whether it got a connection, and what came on it since.
type trace struct {
	hooks httptrace.ClientTrace
	// sent is set when the request gets a connection, which is the last step before bytes can
	// leave. What happens earlier (name look-up, dialling, TLS) shows the help desk nothing.
	sent atomic.Bool // the hook can run after the round trip was abandoned
	// until is when the request's time is over.
	until time.Time
	// conn is the request's connection, nil for one that is not counted, and reads what it had
	// read by then. They are set once there is a response.
	conn  atomic.Pointer[counted]
	reads atomic.Uint64
	dials atomic.Int32 // see mayDial
}

// traceKey is the key of a request's trace in its context.
type traceKey struct{}

// traced is ctx with a new trace of its request.
func traced(ctx context.Context) (context.Context, *trace) {
	t := &trace{}
	t.hooks.GotConn = t.gotConn
	return httptrace.WithClientTrace(context.WithValue(ctx, traceKey{}, t), &t.hooks), t
}

// maxDials is how many connections one request may open.
const maxDials = 3

var errDials = errors.New("the host gave up each connection without handling the request")

// mayDial counts a connection that the request of ctx opens. net/http sends a request again
// when an HTTP/2 host says that it did not handle it. With a host that says so on each new
// connection it would do that at once and without an end, past the rate limit.
func mayDial(ctx context.Context) bool {
	t, ok := ctx.Value(traceKey{}).(*trace)
	return !ok || t.dials.Add(1) <= maxDials
}

// punctual has a request leave before the end of ctx or not at all. It is for writes that are
// announced: another process may look for them later, and send them again.
func (t *trace) punctual(ctx context.Context) {
	t.until, _ = ctx.Deadline()
	t.hooks.WroteHeaders = t.wroteHeaders
}

func (t *trace) gotConn(info httptrace.GotConnInfo) {
	t.sent.Store(true)
	conn := countedOf(info.Conn)
	t.conn.Store(conn)
	if conn != nil {
		t.reads.Store(conn.reads.Load())
	}
}

// wroteHeaders closes the connection when the request's time is over, before the request has left
// it as a whole: after its headers comes its body, and in HTTP/1 both are in a buffer still.
//
// net/http looks at the context until the request has a connection. A process that is frozen after
// that sends the request when it goes on: maybe long after another process took its partition over,
// looked for what the request would do, and did it. So what is left of that gap is the system call
// that sends it.
func (t *trace) wroteHeaders() {
	if conn := t.conn.Load(); conn != nil && !t.until.IsZero() && time.Now().After(t.until) {
		_ = conn.Close() // the write that follows fails
	}
}

var errStale = errors.New("the response had been received before the request was sent")

// stale reports whether a response cannot be the one to the request, because nothing has
// been received since it got its connection. Of a host that sends more than it announces,
// net/http may take the rest for the next response: it looks for such a rest only after it
// has given the connection to the next request.
func (t *trace) stale() bool {
	conn := t.conn.Load()
	return conn != nil && conn.reads.Load() == t.reads.Load()
}

// counted is a connection that counts the reads that received something.
type counted struct {
	net.Conn
	reads atomic.Uint64
}

// Read makes it a net.Conn.
func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.reads.Add(1)
	}
	return n, err
}

// countedOf is the connection itself or the one that its TLS runs over, nil for another.
func countedOf(conn net.Conn) *counted {
	for {
		switch c := conn.(type) {
		case *counted:
			return c
		case interface{ NetConn() net.Conn }:
			conn = c.NetConn()
		default:
			return nil
		}
	}
}

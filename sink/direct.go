package sink

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// direct is the wire to one host, in HTTP/1.1. The goroutine that makes a call writes its
// request and reads its answer. http.Transport has two more a connection for that, and what
// goes by way of them takes a quarter of an event's processor time (docs/performance.md).
// Plain answers are read by plain, and all others by net/http.
//
// Like http.Transport it makes a request again on its own in two cases only, both on a
// connection that was used before and that the host has closed meanwhile: not a byte of the
// request was written, or it is a GET and not a byte of an answer came.
type direct struct {
	host    string // as it was named, for the header
	address string
	secure  *tls.Config // nil for plain HTTP
	timeout time.Duration
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	idle    idleConns
}

func newDirect(base *url.URL, timeout time.Duration) *direct {
	port := base.Port()
	if port == "" {
		port = "80"
		if base.Scheme == "https" {
			port = "443"
		}
	}
	d := &direct{host: base.Host, address: net.JoinHostPort(base.Hostname(), port), timeout: timeout, dial: new(net.Dialer).DialContext}
	if base.Scheme == "https" {
		d.secure = &tls.Config{ServerName: base.Hostname(), NextProtos: []string{"http/1.1"}}
	}
	return d
}

func (d *direct) close() { d.idle.closeAll() }

func (d *direct) exchange(ctx context.Context, r *request, h *headers) (Reply, error) {
	target, err := url.Parse(r.target)
	if err != nil {
		return Reply{}, badRequest(r)
	}
	buffer := requests.Get().(*[]byte)
	defer func() {
		if cap(*buffer) <= keptRequest {
			requests.Put(buffer)
		}
	}()
	*buffer = d.appendRequest((*buffer)[:0], r, target.RequestURI(), h)

	deadline := time.Now().Add(d.timeout)
	for {
		if ctx.Err() != nil {
			return Reply{}, context.Cause(ctx)
		}
		c, err := d.conn(ctx, deadline)
		if err != nil {
			return Reply{}, transportFault(ctx, err, false)
		}
		reply, err := c.exchange(ctx, *buffer, r.Lookup)
		if err == nil {
			return reply, nil
		}
		if !time.Now().Before(deadline) {
			err = os.ErrDeadlineExceeded // net/http may call it half a header
			// A network that forgot this connection forgot the others too.
			d.idle.closeAll()
		}
		unwritten := errors.Is(err, errUnwritten)
		if !c.used || !unwritten && (r.Method != http.MethodGet || !errors.Is(err, errNoAnswer)) {
			return Reply{}, transportFault(ctx, err, !unwritten)
		}
	}
}

// keptRequest is how large a buffer may be to be used again.
const keptRequest = 64 << 10

// requests are buffers for what goes out in one write.
var requests = sync.Pool{New: func() any { return new([]byte) }}

func (d *direct) appendRequest(b []byte, r *request, uri string, h *headers) []byte {
	b = append(b, r.Method...)
	b = append(b, ' ')
	b = append(b, uri...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, d.host...)
	b = append(b, "\r\n"...)
	b = append(b, h.of(r).lines...)
	if r.body != nil || r.Method != http.MethodGet {
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, int64(len(r.body)), 10)
		b = append(b, "\r\n"...)
	}
	b = append(b, "\r\n"...)
	return append(b, r.body...)
}

// conn is a connection that is idle and alive, or a new one.
func (d *direct) conn(ctx context.Context, deadline time.Time) (*conn, error) {
	for {
		c := d.idle.take()
		if c == nil {
			return d.connect(ctx, deadline)
		}
		if c.begin(deadline) {
			return c, nil
		}
		c.close()
	}
}

func (d *direct) connect(ctx context.Context, deadline time.Time) (*conn, error) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	raw, err := d.dial(ctx, "tcp", d.address)
	if err != nil {
		return nil, err
	}
	c := &conn{stream: raw, raw: raw, idle: &d.idle}
	if d.secure != nil {
		secure := tls.Client(raw, d.secure)
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = raw.Close()
			return nil, err
		}
		c.stream = secure
	}
	c.reader = bufio.NewReader(c)
	if socket, ok := raw.(syscall.Conn); ok {
		if c.socket, err = socket.SyscallConn(); err != nil {
			c.close()
			return nil, err
		}
		c.look = func(fd uintptr) bool {
			c.quiet = nothingToRead(fd)
			return true
		}
	}
	if err := raw.SetDeadline(deadline); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// conn is one connection to the host. It serves one call at a time.
type conn struct {
	stream net.Conn
	raw    net.Conn              // stream, or what TLS is spoken over
	socket syscall.RawConn       // raw's; nil if it has none
	look   func(fd uintptr) bool // sets quiet, for the socket
	quiet  bool
	reader *bufio.Reader
	idle   *idleConns
	used   bool      // it has served a call
	since  time.Time // it is idle
	room   int64     // bytes of the answer that may still be read

	ctx     context.Context // it is closed when this one ends, as in watch
	unwatch func() bool
}

var (
	errUnwritten  = errors.New("connection closed before the request")
	errNoAnswer   = errors.New("connection closed before the answer")
	errLongHeader = errors.New("the answer's header is too long")
)

// begin reports whether an idle connection can take a request, which has to be answered by
// the deadline: nothing has come in on it, neither its end nor an answer to nobody.
func (c *conn) begin(deadline time.Time) bool {
	if c.raw.SetDeadline(deadline) != nil {
		return false
	}
	if c.socket == nil {
		return true
	}
	c.quiet = false
	return c.socket.Read(c.look) == nil && c.quiet
}

// exchange makes one request, after which the connection is idle or closed.
func (c *conn) exchange(ctx context.Context, request []byte, lookup bool) (Reply, error) {
	c.watch(ctx)
	reply, whole, err := c.answer(request)
	if lookup {
		c.release()
	}
	if ctx.Err() != nil || !whole || err != nil || c.reader.Buffered() > 0 {
		c.close()
		return reply, err
	}
	c.used = true
	c.idle.put(c)
	return reply, nil
}

// watch closes the connection when ctx ends. Writes have the context of their pipeline, so
// the watch stays for the next one; a lookup has one of its own, that ends with it.
func (c *conn) watch(ctx context.Context) {
	if c.ctx == ctx {
		return
	}
	c.release()
	c.ctx, c.unwatch = ctx, context.AfterFunc(ctx, func() { _ = c.raw.Close() })
}

// release ends the watch, if there is one.
func (c *conn) release() {
	if c.unwatch != nil {
		c.unwatch()
	}
	c.ctx, c.unwatch = nil, nil
}

// answer is the answer to a request, and whether another one can follow it.
func (c *conn) answer(request []byte) (reply Reply, whole bool, err error) {
	n, unwritten := c.stream.Write(request)
	if unwritten != nil && n == 0 {
		return Reply{}, false, errors.Join(errUnwritten, unwritten)
	}
	// A host may answer what it has not read to its end, and close. The wait is here and
	// not in net/http to have a small stack.
	c.room = maxHeader
	if _, err := c.reader.Peek(1); err != nil {
		return Reply{}, false, errors.Join(errNoAnswer, unwritten, err)
	}
	reply, whole, err = c.read()
	return reply, whole && unwritten == nil, err
}

// read takes in the answer that comes, and reports whether another one can follow it.
func (c *conn) read() (reply Reply, whole bool, err error) {
	reply, plain, err := c.plain()
	if plain {
		return taken(reply, err)
	}
	resp, err := c.header() //nolint:bodyclose // would read all the rest; whole tells whether it was read
	if err != nil {
		return Reply{}, false, err
	}
	c.room = math.MaxInt64
	reply, whole, err = replyOf(resp)
	return reply, whole && !resp.Close, err
}

// header is the first answer that is final. Those before it are 1xx, and count as parts of
// its header.
func (c *conn) header() (*http.Response, error) {
	for {
		resp, err := http.ReadResponse(c.reader, nil)
		if err != nil || resp.StatusCode >= http.StatusOK || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, err
		}
	}
}

// Read is for the reader.
func (c *conn) Read(b []byte) (int, error) {
	if c.room <= 0 {
		return 0, errLongHeader
	}
	n, err := c.stream.Read(b[:min(int64(len(b)), c.room)])
	c.room -= int64(n)
	return n, err
}

func (c *conn) close() {
	c.release()
	_ = c.stream.Close()
}

// idleConns are connections that wait for a call, the oldest first.
type idleConns struct {
	mu    sync.Mutex
	conns []*conn
	timer *time.Timer // runs while there are any
}

// idleTime is how long a connection may wait.
const idleTime = 90 * time.Second

// take is the one that was used last, nil for none: so those that are too many grow old.
func (i *idleConns) take() *conn {
	i.mu.Lock()
	defer i.mu.Unlock()
	last := len(i.conns) - 1
	if last < 0 {
		return nil
	}
	c := i.conns[last]
	i.conns[last] = nil
	i.conns = i.conns[:last]
	return c
}

func (i *idleConns) put(c *conn) {
	i.mu.Lock()
	defer i.mu.Unlock()
	c.since = time.Now()
	i.conns = append(i.conns, c)
	if i.timer == nil {
		i.timer = time.AfterFunc(idleTime, i.closeOld)
	}
}

func (i *idleConns) closeOld() {
	i.mu.Lock()
	defer i.mu.Unlock()
	old := 0
	for old < len(i.conns) && time.Since(i.conns[old].since) >= idleTime {
		i.conns[old].close()
		old++
	}
	i.conns = slices.Delete(i.conns, 0, old)
	i.timer = nil
	if len(i.conns) > 0 {
		i.timer = time.AfterFunc(idleTime-time.Since(i.conns[0].since), i.closeOld)
	}
}

func (i *idleConns) closeAll() {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, c := range i.conns {
		c.close()
	}
	i.conns = nil
	if i.timer != nil {
		i.timer.Stop()
		i.timer = nil
	}
}

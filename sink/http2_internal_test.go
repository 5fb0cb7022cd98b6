package sink

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener whose connections are made by dial.
type pipes struct {
	conns chan net.Conn
	ended chan struct{}
	end   func() // once
}

func newPipes() *pipes {
	p := &pipes{conns: make(chan net.Conn), ended: make(chan struct{})}
	p.end = sync.OnceFunc(func() { close(p.ended) })
	return p
}

func (p *pipes) dial() net.Conn {
	ours, theirs := net.Pipe()
	p.conns <- theirs
	return ours
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.ended:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.end(); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443} }

// deaf is a connection whose peer is gone without a word, once it is dead: what is written
// is lost and nothing is ever read.
type deaf struct {
	net.Conn
	dead   *atomic.Bool
	closed chan struct{}
	end    func() // once
}

func newDeaf(conn net.Conn, dead *atomic.Bool) *deaf {
	d := &deaf{Conn: conn, dead: dead, closed: make(chan struct{})}
	d.end = sync.OnceFunc(func() { close(d.closed) })
	return d
}

func (d *deaf) Write(b []byte) (int, error) {
	if d.dead.Load() {
		return len(b), nil
	}
	return d.Conn.Write(b)
}

func (d *deaf) Read(b []byte) (int, error) {
	n, err := d.Conn.Read(b)
	if d.dead.Load() && !errors.Is(err, os.ErrDeadlineExceeded) {
		<-d.closed
		return 0, net.ErrClosed
	}
	return n, err
}

func (d *deaf) Close() error { d.end(); return d.Conn.Close() }

// All calls share one connection in HTTP/2. When what is between us and the help desk
// forgets it, as after a partition of the network, calls on it time out, but only TCP finds
// out that it is dead, after a quarter of an hour.
func TestTransport_aDeadConnectionIsLeftSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener := newPipes()
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ProtoMajor != 2 {
				t.Errorf("the call came in %s, and would show nothing", r.Proto)
			}
			_, _ = io.WriteString(w, "{}")
		}))
		_ = server.Listener.Close()
		server.Listener, server.EnableHTTP2 = listener, true
		server.StartTLS()
		defer server.Close()

		var dead atomic.Bool
		dials := 0
		config := Config{BaseURL: "https://example.com", MaxInFlight: 64, Timeout: 30 * time.Second}
		transport := newTransport(config, noProxy)
		transport.TLSClientConfig = &tls.Config{RootCAs: rootsOf(server)}
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
			conn := listener.dial()
			if dials++; dials > 1 {
				return conn, nil
			}
			return newDeaf(conn, &dead), nil
		}
		defer transport.CloseIdleConnections()
		made := callsOver(config, transport)
		call := func() error {
			_, err := made(t.Context(), lookup)
			return err
		}
		if err := call(); err != nil {
			t.Fatalf("first call: %v", err)
		}
		dead.Store(true)
		began := time.Now()
		for call() != nil {
			if time.Since(began) > 15*time.Minute {
				t.Fatal("a quarter of an hour of calls on a dead connection")
			}
			time.Sleep(10 * time.Second) // as the probes of a hold
		}
		if took := time.Since(began); took > 2*time.Minute {
			t.Errorf("the dead connection was left after %v", took)
		}
	})
}

// draining is a host that speaks HTTP/2 and handles no request: on each connection it says
// so and closes it.
func draining(t *testing.T) (address string, roots *x509.CertPool, conns *atomic.Int32) {
	t.Helper()
	pattern := httptest.NewUnstartedServer(nil) // for its certificate
	pattern.EnableHTTP2 = true
	pattern.StartTLS()
	t.Cleanup(pattern.Close)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", pattern.TLS)
	if err != nil {
		t.Fatal(err)
	}
	conns = new(atomic.Int32)
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conns.Add(1)
			served.Go(func() { drain(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		served.Wait()
	})
	return listener.Addr().String(), rootsOf(pattern), conns
}

// drain reads the head of a request and answers with a GOAWAY of stream 0.
func drain(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	_, _ = io.CopyN(io.Discard, conn, int64(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")))
	_, _ = conn.Write([]byte{0, 0, 0, 4, 0, 0, 0, 0, 0}) // SETTINGS
	for head := make([]byte, 9); head[3] != 1; {         // until HEADERS
		if _, err := io.ReadFull(conn, head); err != nil {
			return
		}
		_, _ = io.CopyN(io.Discard, conn, int64(head[0])<<16|int64(head[1])<<8|int64(head[2]))
	}
	_, _ = conn.Write([]byte{0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
}

// net/http would send a request again and again, on new connections, until it times out.
func TestTransport_aHostThatHandlesNothingIsLeftAlone(t *testing.T) {
	for name, what := range map[string]Call{"lookup": lookup, "write": write} {
		t.Run(name, func(t *testing.T) {
			address, roots, conns := draining(t)
			transport, call := tuned(t, "https://"+address)
			transport.TLSClientConfig = &tls.Config{RootCAs: roots}
			reply, err := call(t.Context(), what)
			if fault, ok := errors.AsType[*transportError](err); !ok || fault.code != Connection {
				t.Errorf("reply = %+v, %v, want a connection that failed", reply, err)
			}
			if n := conns.Load(); n != maxDials {
				t.Errorf("%d connections, want %d", n, maxDials)
			}
			if _, err := call(t.Context(), what); err == nil || conns.Load() != 2*maxDials {
				t.Errorf("the next attempt: %v, %d connections in all, want %d", err, conns.Load(), 2*maxDials)
			}
		})
	}
}

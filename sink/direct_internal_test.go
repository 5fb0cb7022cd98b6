package sink

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/deskstream/deskstream/mapping"
)

func noProxy(*http.Request) (*url.URL, error) { return nil, nil }

var (
	lookup = Call{Op: "GET /x", Method: http.MethodGet, Path: "/x", Lookup: true}
	write  = Call{Op: "POST /x", Method: http.MethodPost, Path: "/x", Body: mapping.Obj(), Unrepeatable: true}
)

// wired makes calls over w.
func wired(base string, w wire) (call func(context.Context, Call) (Reply, error)) {
	config := Config{BaseURL: base, Credential: NewSecret("s3cret-token"), MaxInFlight: 64, Timeout: 30 * time.Second}
	client := NewDestination(config, NewBudget(Rate{Requests: 1000, Per: time.Minute}), slog.New(slog.DiscardHandler)).client
	client.wire = w
	return func(ctx context.Context, what Call) (Reply, error) {
		r := client.request(&what)
		r.target = r.url
		return client.do(ctx, &r)
	}
}

func TestDirect_overTLS(t *testing.T) {
	var conns atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `"`+r.Proto+" "+r.Host+`"`)
	}))
	server.EnableHTTP2 = true
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	d := newDirect(base, 30*time.Second)
	d.secure.RootCAs = server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	defer d.close()
	call := wired(server.URL, d)
	for range 3 {
		reply, err := call(t.Context(), lookup)
		if want := `"HTTP/1.1 ` + base.Host + `"`; err != nil || string(reply.Body) != want {
			t.Fatalf("answer = %s, %v, want %s", reply.Body, err, want)
		}
	}
	if conns.Load() != 1 {
		t.Errorf("%d connections, want 1", conns.Load())
	}
	server.CloseClientConnections()
	if _, err := call(t.Context(), lookup); err != nil || conns.Load() != 2 {
		t.Errorf("after the host closed it: %v, %d connections", err, conns.Load())
	}
}

// The host closes the connection after its answer without having said so. Nothing may go
// out on it: the fate of a write would be unknown.
func TestDirect_aConnectionThatWasClosedMeanwhileIsNotUsed(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	d := newDirect(base, 30*time.Second)
	t.Cleanup(d.close)
	call := wired(server.URL, d)
	for i := range 10 {
		if _, err := call(t.Context(), write); err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
		if n := len(d.idle.conns); n != 1 {
			t.Fatalf("%d connections are idle, want 1", n)
		}
		server.CloseClientConnections()
		c := d.idle.conns[0]
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) { // until the news is here
			if err := c.socket.Read(c.look); err != nil || !c.quiet || time.Now().After(end) {
				break
			}
		}
	}
}

// plain is a host at the other end of pipes, and a direct to it.
func plain(t *testing.T) (*direct, *pipes) {
	listener := newPipes()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") }))
	_ = server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	d := newDirect(&url.URL{Scheme: "http", Host: "desk.example"}, 30*time.Second)
	t.Cleanup(d.close)
	d.dial = func(context.Context, string, string) (net.Conn, error) { return listener.dial(), nil }
	return d, listener
}

// atOnce makes n lookups at once, each over a connection of its own.
func atOnce(t *testing.T, n int, call func(context.Context, Call) (Reply, error)) {
	t.Helper()
	var calls sync.WaitGroup
	for range n {
		calls.Go(func() {
			if _, err := call(t.Context(), lookup); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
}

func TestDirect_idleConnectionsAreClosedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _ := plain(t)
		call := wired("http://desk.example", d)
		idle := func() int {
			synctest.Wait()
			d.idle.mu.Lock()
			defer d.idle.mu.Unlock()
			return len(d.idle.conns)
		}
		atOnce(t, 3, call)
		// One call after the other takes the connection that was used last.
		for range 8 {
			time.Sleep(idleTime / 4)
			if _, err := call(t.Context(), lookup); err != nil {
				t.Error(err)
			}
		}
		if n := idle(); n != 1 {
			t.Errorf("%d connections are idle after two idle times with a call at a time, want 1", n)
		}
		time.Sleep(idleTime - time.Second)
		if n := idle(); n != 1 {
			t.Errorf("%d connections are idle before the time, want 1", n)
		}
		time.Sleep(time.Second)
		if n := idle(); n != 0 {
			t.Errorf("%d connections are idle after it, want none", n)
		}
	})
}

// What is between us and the help desk forgets all connections, as after a partition of the
// network: what is written is lost.
func TestDirect_deadConnectionsAreLeftAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, listener := plain(t)
		var dead atomic.Bool
		d.dial = func(context.Context, string, string) (net.Conn, error) {
			conn := listener.dial()
			if dead.Load() {
				return conn, nil
			}
			return newDeaf(conn, &dead), nil
		}
		call := wired("http://desk.example", d)
		atOnce(t, 5, call)
		dead.Store(true)
		began := time.Now()
		_, err := call(t.Context(), lookup)
		fault, ok := errors.AsType[*transportError](err)
		if took := time.Since(began); !ok || fault.code != Timeout || took != 30*time.Second {
			t.Errorf("first call: %v after %v, want a timeout after 30 s", err, took)
		}
		if _, err := call(t.Context(), lookup); err != nil {
			t.Errorf("second call: %v", err)
		}
	})
}

// Who gives up a call waits for nothing, neither for a connection nor for an answer.
func TestDirect_theContextEndsACall(t *testing.T) {
	dials := map[string]func(context.Context, string, string) (net.Conn, error){
		"dialling": func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		},
		"waiting": func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go func() { _, _ = io.Copy(io.Discard, theirs) }()
			return ours, nil
		},
	}
	for name, dial := range dials {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDirect(&url.URL{Scheme: "http", Host: "desk.example"}, 30*time.Second)
				d.dial = dial
				call := wired("http://desk.example", d)
				stop := errors.New("stop")
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(time.Second, func() { cancel(stop) })
				began := time.Now()
				if _, err := call(ctx, lookup); !errors.Is(err, stop) || time.Since(began) != time.Second {
					t.Errorf("given up after a second: %v after %v", err, time.Since(began))
				}
				began = time.Now()
				_, err := call(t.Context(), lookup)
				fault, ok := errors.AsType[*transportError](err)
				if !ok || fault.code != Timeout || fault.sent != (name == "waiting") || time.Since(began) != 30*time.Second {
					t.Errorf("a call: %+v after %v, want a timeout after 30 s", err, time.Since(began))
				}
			})
		})
	}
}

// late is a connection that brings an answer at the moment at which the call is given up.
type late struct {
	net.Conn
	giveUp func()
}

func (l *late) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	l.giveUp()
	return n, err
}

// The end of the call's context closes the connection, now or in a moment. Another call
// must not have it then.
func TestDirect_aCallThatIsGivenUpKeepsItsConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _ := plain(t)
		ctx, cancel := context.WithCancel(t.Context())
		dial := d.dial
		d.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dial(ctx, network, address)
			return &late{Conn: c, giveUp: cancel}, err
		}
		if _, err := wired("http://desk.example", d)(ctx, lookup); err != nil {
			t.Error(err) // the answer came
		}
		if n := len(d.idle.conns); n != 0 {
			t.Errorf("%d connections are idle, want none", n)
		}
	})
}

// slow is a connection that does something before each answer.
type slow struct {
	net.Conn
	before func()
}

func (s *slow) Read(b []byte) (int, error) {
	s.before()
	return s.Conn.Read(b)
}

// A connection is watched for the end of the present call's context, and of no other one.
func TestDirect_theContextOfAnEarlierCallEndsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _ := plain(t)
		before := func() {}
		dial, dials := d.dial, 0
		d.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dial(ctx, network, address)
			dials++
			return &slow{Conn: c, before: func() { before() }}, err
		}
		call := wired("http://desk.example", d)
		for _, first := range []Call{write, lookup} {
			ctx, cancel := context.WithCancel(t.Context())
			if _, err := call(ctx, first); err != nil {
				t.Fatal(err)
			}
			before = func() {
				cancel()
				time.Sleep(time.Second) // for those whom that tells to close
			}
			if _, err := call(t.Context(), write); err != nil {
				t.Errorf("a call after a %s whose context ended meanwhile: %v", first.Op, err)
			}
			before = func() {}
		}
		if dials != 1 {
			t.Errorf("%d connections, want 1", dials)
		}

		ctx, cancel := context.WithCancel(t.Context())
		if _, err := call(ctx, write); err != nil {
			t.Fatal(err)
		}
		cancel()
		synctest.Wait()
		if _, err := call(t.Context(), write); err != nil {
			t.Errorf("a call after the end of the context of one before: %v", err)
		}
	})
}

// torn is a connection whose host answers half of a request and closes it.
type torn struct {
	net.Conn
	answer io.Reader
}

func (c *torn) Write(b []byte) (int, error) { return len(b) / 2, syscall.EPIPE }
func (c *torn) Read(b []byte) (int, error)  { return c.answer.Read(b) }
func (c *torn) SetDeadline(time.Time) error { return nil }
func (c *torn) Close() error                { return nil }

func TestDirect_anAnswerToHalfOfARequest(t *testing.T) {
	d := newDirect(&url.URL{Scheme: "http", Host: "desk.example"}, 30*time.Second)
	d.dial = func(context.Context, string, string) (net.Conn, error) {
		return &torn{answer: strings.NewReader("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")}, nil
	}
	if reply, err := wired("http://desk.example", d)(t.Context(), write); err != nil || reply.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("answer = %d, %v, want 413", reply.Status, err)
	}
	if n := len(d.idle.conns); n != 0 {
		t.Errorf("%d connections are idle, want none", n)
	}
}

// Where a proxy is named, calls go through it.
func TestClient_proxy(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `"`+r.RequestURI+`"`)
	}))
	t.Cleanup(proxy.Close)
	via, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	config := Config{BaseURL: "http://desk.example/api", Timeout: 10 * time.Second}
	w := config.wire(func(*http.Request) (*url.URL, error) { return via, nil })
	defer w.close()
	reply, err := wired(config.BaseURL, w)(t.Context(), lookup)
	if want := `"http://desk.example/api/x"`; err != nil || string(reply.Body) != want {
		t.Errorf("answer = %s, %v, want %s from the proxy", reply.Body, err, want)
	}
	if _, ok := config.wire(noProxy).(*direct); !ok {
		t.Error("without a proxy the wire is not direct")
	}
	w = config.wire(func(*http.Request) (*url.URL, error) { return nil, errors.New("no proxy's address") })
	if _, err := wired(config.BaseURL, w)(t.Context(), lookup); err == nil {
		t.Error("a proxy whose address is wrong is passed by")
	}
}

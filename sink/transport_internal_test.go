package sink

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink/budget"
)

func noProxy(*http.Request) (*url.URL, error) { return nil, nil }

var (
	lookup = Call{Op: "GET /x", Method: http.MethodGet, Path: "/x", Lookup: true}
	write  = Call{Op: "POST /x", Method: http.MethodPost, Path: "/x", Body: mapping.Obj(), Unrepeatable: true}
)

// desk is the base URL of hosts without sockets.
const desk = "http://desk.example"

// tuned is the transport of a destination, and call makes calls over it.
func tuned(t *testing.T, base string) (transport *http.Transport, call func(context.Context, Call) (Reply, error)) {
	t.Helper()
	config := Config{BaseURL: base, Credential: NewSecret("s3cret-token"), MaxInFlight: 64, Timeout: 30 * time.Second}
	transport = newTransport(config, noProxy)
	t.Cleanup(transport.CloseIdleConnections)
	return transport, callsOver(config, transport)
}

// callsOver makes calls over a transport.
func callsOver(config Config, transport http.RoundTripper) func(context.Context, Call) (Reply, error) {
	config.Transport = transport
	client := NewDestination(config, budget.New(budget.Rate{Requests: 1000, Per: time.Minute}), slog.New(slog.DiscardHandler)).client
	return func(ctx context.Context, what Call) (Reply, error) {
		r := client.request(&what)
		r.target = r.url
		return client.do(ctx, &r)
	}
}

// TLS goes with HTTP/2 where the host speaks it. What a host closed is opened again.
func TestTransport_overTLS(t *testing.T) {
	for _, proto := range []string{"HTTP/2.0", "HTTP/1.1"} {
		t.Run(proto, func(t *testing.T) {
			var conns atomic.Int32
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, `"`+r.Proto+" "+r.Host+`"`)
			}))
			server.EnableHTTP2 = proto == "HTTP/2.0"
			server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
				if state == http.StateNew {
					conns.Add(1)
				}
			}
			server.StartTLS()
			t.Cleanup(server.Close)
			transport, call := tuned(t, server.URL)
			transport.TLSClientConfig = &tls.Config{RootCAs: rootsOf(server)}
			for range 3 {
				reply, err := call(t.Context(), lookup)
				if want := `"` + proto + " " + server.Listener.Addr().String() + `"`; err != nil || string(reply.Body) != want {
					t.Fatalf("answer = %s, %v, want %s", reply.Body, err, want)
				}
			}
			if conns.Load() != 1 {
				t.Errorf("%d connections, want 1", conns.Load())
			}
			server.CloseClientConnections()
			_, err := call(t.Context(), lookup)
			for end := time.Now().Add(10 * time.Second); err != nil && time.Now().Before(end); { // until the news is here
				_, err = call(t.Context(), lookup)
			}
			if err != nil || conns.Load() != 2 {
				t.Errorf("after the host closed it: %v, %d connections", err, conns.Load())
			}
		})
	}
}

func rootsOf(server *httptest.Server) *x509.CertPool {
	return server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
}

// watched is a connection that reports its end.
type watched struct {
	net.Conn
	closed func() // once
}

func (w *watched) Close() error {
	w.closed()
	return w.Conn.Close()
}

// The host closes the connection after its answer without having said so. Nothing may go
// out on it: the fate of a write would be unknown.
func TestTransport_aConnectionThatWasClosedMeanwhileIsNotUsed(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	transport, call := tuned(t, server.URL)
	ends := make(chan struct{}, 1)
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		return &watched{Conn: conn, closed: sync.OnceFunc(func() { ends <- struct{}{} })}, err
	}
	for i := range 10 {
		if _, err := call(t.Context(), write); err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
		server.CloseClientConnections()
		<-ends // the news is here
	}
}

// piped is a host at the other end of pipes.
func piped(t *testing.T) *pipes {
	listener := newPipes()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") }))
	_ = server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	return listener
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

func TestTransport_idleConnectionsAreClosedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport, call := tuned(t, desk)
		listener := piped(t)
		var open atomic.Int32
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
			open.Add(1)
			return &watched{Conn: listener.dial(), closed: sync.OnceFunc(func() { open.Add(-1) })}, nil
		}
		idle := func() int32 {
			synctest.Wait()
			return open.Load()
		}
		atOnce(t, 3, call)
		// One call after the other takes the connection that was used last.
		for range 8 {
			time.Sleep(transport.IdleConnTimeout / 4)
			if _, err := call(t.Context(), lookup); err != nil {
				t.Error(err)
			}
		}
		if n := idle(); n != 1 {
			t.Errorf("%d connections are idle after two idle times with a call at a time, want 1", n)
		}
		time.Sleep(transport.IdleConnTimeout - time.Second)
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
func TestTransport_deadConnectionsAreLeftAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport, call := tuned(t, desk)
		listener := piped(t)
		var dead atomic.Bool
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
			conn := listener.dial()
			if dead.Load() {
				return conn, nil
			}
			return newDeaf(conn, &dead), nil
		}
		atOnce(t, 5, call)
		dead.Store(true)
		began := time.Now()
		_, err := call(t.Context(), lookup)
		fault, ok := errors.AsType[*transportError](err)
		if took := time.Since(began); !ok || fault.code != Timeout || !isLimit(took) {
			t.Errorf("first call: %v after %v, want a timeout after 30 s", err, took)
		}
		if _, err := call(t.Context(), lookup); err != nil {
			t.Errorf("second call: %v", err)
		}
	})
}

// Who abandons a call waits for nothing, neither for a connection nor for an answer.
func TestTransport_theContextEndsACall(t *testing.T) {
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
				transport, call := tuned(t, desk)
				transport.DialContext = dial
				stop := errors.New("stop")
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(time.Second, func() { cancel(stop) })
				began := time.Now()
				if _, err := call(ctx, lookup); !errors.Is(err, stop) || time.Since(began) != time.Second {
					t.Errorf("abandoned after a second: %v after %v", err, time.Since(began))
				}
				began = time.Now()
				_, err := call(t.Context(), write)
				fault, ok := errors.AsType[*transportError](err)
				if !ok || fault.code != Timeout || fault.sent != (name == "waiting") || !isLimit(time.Since(began)) {
					t.Errorf("a call: %+v after %v, want a timeout after 30 s", err, time.Since(began))
				}
			})
		})
	}
}

// isLimit reports whether a write took its timeout of 30 s.
func isLimit(took time.Duration) bool {
	return 30*time.Second <= took && took <= 30*time.Second+deadlineStep
}

// late is a connection that brings an answer at the moment at which the call is abandoned.
type late struct {
	net.Conn
	abandon func()
}

func (l *late) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	l.abandon()
	return n, err
}

// The end of the call's context closes the connection, now or in a moment. Another call
// must not have it then.
func TestTransport_anAbandonedCallKeepsItsConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport, call := tuned(t, desk)
		listener := piped(t)
		ctx, cancel := context.WithCancel(t.Context())
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
			return &late{Conn: listener.dial(), abandon: cancel}, nil
		}
		if _, err := call(ctx, write); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if _, err := call(t.Context(), write); err != nil {
			t.Error(err)
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
func TestTransport_theContextOfAnEarlierCallEndsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport, call := tuned(t, desk)
		listener := piped(t)
		var before atomic.Pointer[func()]
		none := func() {}
		before.Store(&none)
		dials := 0
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
			dials++
			return &slow{Conn: listener.dial(), before: func() { (*before.Load())() }}, nil
		}
		for _, first := range []Call{write, lookup} {
			ctx, cancel := context.WithCancel(t.Context())
			if _, err := call(ctx, first); err != nil {
				t.Fatal(err)
			}
			meanwhile := func() {
				cancel()
				time.Sleep(time.Second) // for whoever closes it then
			}
			before.Store(&meanwhile)
			if _, err := call(t.Context(), write); err != nil {
				t.Errorf("a call after a %s whose context ended meanwhile: %v", first.Op, err)
			}
			before.Store(&none)
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
	config := Config{BaseURL: desk + "/api", Timeout: 10 * time.Second}
	transport := newTransport(config, func(*http.Request) (*url.URL, error) { return via, nil })
	defer transport.CloseIdleConnections()
	reply, err := callsOver(config, transport)(t.Context(), lookup)
	if want := `"http://desk.example/api/x"`; err != nil || string(reply.Body) != want {
		t.Errorf("answer = %s, %v, want %s from the proxy", reply.Body, err, want)
	}
	if newTransport(config, noProxy).Proxy != nil {
		t.Error("the proxy is asked for with each call")
	}
	transport = newTransport(config, func(*http.Request) (*url.URL, error) { return nil, errors.New("no proxy's address") })
	if _, err := callsOver(config, transport)(t.Context(), lookup); err == nil {
		t.Error("a proxy whose address is wrong is passed by")
	}
}

package sink_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

// host is a help desk that answers the requests of each connection with the texts of its
// part, in order, and then closes it: after a last "" without an answer.
type host struct {
	t     *testing.T
	parts [][]string
	mu    sync.Mutex
	asked []string // method and number of the connection
}

func (s *host) serve() string {
	listener, err := new(net.ListenConfig).Listen(s.t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	var conns sync.WaitGroup
	conns.Go(func() {
		for i := 0; ; i++ {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { s.speak(conn, i) })
		}
	})
	s.t.Cleanup(func() {
		_ = listener.Close()
		conns.Wait()
	})
	return "http://" + listener.Addr().String()
}

func (s *host) speak(conn net.Conn, number int) {
	defer func() { _ = conn.Close() }()
	if number >= len(s.parts) {
		s.t.Errorf("connection %d, want %d", number, len(s.parts))
		return
	}
	r := bufio.NewReader(conn)
	for _, answer := range s.parts[number] {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, req.Body)
		s.mu.Lock()
		s.asked = append(s.asked, fmt.Sprint(req.Method, number))
		s.mu.Unlock()
		_, _ = io.WriteString(conn, answer)
	}
}

// got closes the idle connections of d and gives what has been asked.
func (s *host) got(d *sink.Destination) string {
	d.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.asked, " ")
}

const fine = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

// An answer decides whether the next call may take its connection.
func TestClient_connectionsThatAreUsedAgain(t *testing.T) {
	tests := map[string]struct {
		first string
		want  string
	}{
		"an answer with a length":       {fine, "GET0 POST0"},
		"no content":                    {"HTTP/1.1 204 No Content\r\n\r\n", "GET0 POST0"},
		"chunks":                        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "GET0 POST0"},
		"chunks with a trailer":         {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n2\r\n{}\r\n0\r\nX: y\r\n\r\n", "GET0 POST0"},
		"an interim answer before":      {"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + fine, "GET0 POST0"},
		"Connection: close":             {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", "GET0 POST1"},
		"HTTP/1.0":                      {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", "GET0 POST1"},
		"bytes behind the answer":       {fine + "HTTP/1.1 500 No\r\n\r\n", "GET0 POST1"},
		"an empty answer without chunk": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "GET0 POST0"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := &host{t: t, parts: [][]string{{tt.first, fine}, {fine}}}
			d := once(t, s.serve(), 10*time.Second)
			o, err := deliver(t.Context(), d, calling(find, ticket), "l", forever())
			if got := s.got(d); err != nil || got != tt.want {
				t.Errorf("asked %s, want %s: %s %v", got, tt.want, died(o), err)
			}
		})
	}
}

// What is left of an answer that is too long must not be the answer to the next call.
func TestClient_aLongAnswerIsTheLastOfItsConnection(t *testing.T) {
	long := "HTTP/1.1 404 X\r\nContent-Length: 9000000\r\n\r\n" + strings.Repeat("7", sink.MaxBody+1)
	s := &host{t: t, parts: [][]string{{long, fine}, {fine}}}
	d := once(t, s.serve(), 10*time.Second)
	for _, call := range []sink.Call{find, ticket} {
		if _, err := deliver(t.Context(), d, calling(call), "l", forever()); err != nil {
			t.Error(err)
		}
	}
	if got := s.got(d); got != "GET0 POST1" {
		t.Errorf("asked %s", got)
	}
}

func TestClient_aLongHeaderIsNoAnswer(t *testing.T) {
	s := &host{t: t, parts: [][]string{{"HTTP/1.1 200 OK\r\n" + strings.Repeat("X-Y: z\r\n", 20_000) + "Content-Length: 2\r\n\r\n{}"}}}
	o, err := deliver(t.Context(), once(t, s.serve(), 10*time.Second), calling(ticket), "l", forever())
	if got := died(o); err != nil || got != "request unknown connection" {
		t.Errorf("died of %q, %v", got, err)
	}
}

// The host closes as the request arrives. That was no answer to a lookup, which is made
// again on a new connection, once for each connection that was used before.
func TestClient_aLookupIsMadeAgainOnANewConnection(t *testing.T) {
	s := &host{t: t, parts: [][]string{{fine, ""}, {fine, fine}}}
	d := once(t, s.serve(), 10*time.Second)
	o, err := deliver(t.Context(), d, calling(find, find, ticket), "l", forever())
	if got, want := s.got(d), "GET0 GET0 GET1 POST1"; err != nil || o.Outcome != sink.Delivered || got != want {
		t.Errorf("asked %s, want %s: %s %v", got, want, died(o), err)
	}
}

// A new connection that is closed without an answer is a failure, of a lookup too.
func TestClient_aLookupOnANewConnectionIsMadeOnce(t *testing.T) {
	s := &host{t: t, parts: [][]string{{""}}}
	d := once(t, s.serve(), 10*time.Second)
	o, err := deliver(t.Context(), d, calling(find), "l", forever())
	if got := died(o); err != nil || got != "lookup exhausted connection" {
		t.Errorf("died of %q, %v", got, err)
	}
}

// A host may refuse a request that it has not read to its end.
func TestClient_anAnswerBeforeTheRequestWasRead(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 16\r\nConnection: close\r\n\r\n{\"message\":\"no\"}")
		_ = conn.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, buffered) // no reset, which would take the answer along
		_ = conn.Close()
	})
	big := ticket
	big.Body = mapping.Obj(mapping.Member{Name: "a", Value: mapping.Str(strings.Repeat("x", 4<<20))})
	if got := died(deliverOnce(t, server.URL, big)); got != "request rejected http_413" {
		t.Errorf("died of %q", got)
	}
}

// Many calls at once share connections that are idle, and mix up no answers.
func TestClient_callsAtOnce(t *testing.T) {
	var conns atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, `{"name":%q}`, r.URL.Query().Get("name"))
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	c := config(nil)
	c.BaseURL, c.MaxInFlight = server.URL, 8
	d := destination(t, c)
	var lanes sync.WaitGroup
	for lane := range 8 {
		lanes.Go(func() {
			for i := range 100 {
				name := fmt.Sprintf("l%d-%d", lane, i)
				call := find
				call.Query = "name=" + name
				call.Accept = func(r sink.Reply) error {
					if got := r.JSON().Get("name").Str(); got != name {
						t.Errorf("asked for %s, got %s", name, got)
					}
					return nil
				}
				if o, err := deliver(t.Context(), d, calling(call), fmt.Sprint(lane), forever()); err != nil || o.Outcome != sink.Delivered {
					t.Errorf("%s: %s %v", name, died(o), err)
				}
			}
		})
	}
	lanes.Wait()
	if n := conns.Load(); n > 32 { // a dial that is not needed any more stays for the next call
		t.Errorf("%d connections for 8 lanes", n)
	}
}

// A host may answer a large request as soon as it knows its length, and read no more of it,
// nor close: the answer counts, and not how long the writing would wait.
func TestClient_anAnswerBeforeALargeRequestIsRead(t *testing.T) {
	large := ticket
	large.Body = mapping.Obj(mapping.Member{Name: "text", Value: mapping.Str(strings.Repeat("7", 8<<20))})
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var conns sync.WaitGroup
	var asked atomic.Int32
	conns.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // closed
			}
			conns.Go(func() {
				defer func() { _ = conn.Close() }()
				for reader := bufio.NewReader(conn); ; {
					req, err := http.ReadRequest(reader)
					if err != nil {
						return
					}
					if asked.Add(1); req.ContentLength > 1<<20 {
						_, _ = io.WriteString(conn, "HTTP/1.1 413 No\r\nContent-Length: 20\r\n\r\n{\"error\":\"too long\"}")
						<-t.Context().Done()
						return
					}
					_, _ = io.Copy(io.Discard, req.Body)
					_, _ = io.WriteString(conn, fine)
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		conns.Wait()
	})
	d := once(t, "http://"+listener.Addr().String(), time.Minute)
	o, err := deliver(t.Context(), d, calling(large), "l", forever())
	if got := died(o); err != nil || got != "request rejected http_413" {
		t.Errorf("died of %q, %v", got, err)
	}
	medium := ticket
	medium.Body = mapping.Obj(mapping.Member{Name: "text", Value: mapping.Str(strings.Repeat("7", 200<<10))})
	o, err = deliver(t.Context(), d, calling(medium, medium, ticket), "l", forever())
	if err != nil || o.Outcome != sink.Delivered {
		t.Errorf("a large request that is read: %s %v", died(o), err)
	}
	if n := asked.Load(); n != 4 {
		t.Errorf("asked %d times, want 4", n)
	}
}

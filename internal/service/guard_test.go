package service

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/internal/config"
)

// A page that binds its own name to our address has the same Origin and Host.
func TestAdmin_isAskedByItsOwnNamesOnly(t *testing.T) {
	machine, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	s := &Service{cfg: &config.Config{HTTP: config.HTTP{Admin: "ops.example.test:9401"}}, log: slog.New(slog.DiscardHandler)}
	for host, want := range map[string]bool{
		"127.0.0.1:9401": true, "10.0.0.7": true, "[::1]:9401": true, "localhost:9401": true, "LOCALHOST": true,
		"ops.example.test:9401": true, "ops.example.test.": true, machine + ":9401": true,
		"evil.test:9401": false, "evil.test": false, "localhost.evil.test": false, "127.0.0.1.evil.test:9401": false, "": false,
	} {
		for _, request := range []string{"GET /lanes", "GET /debug/pprof/", "GET /debug/pprof/heap?gc=1", "POST /destinations/crm/hold", "POST /destinations/crm/resume"} {
			method, path, _ := strings.Cut(request, " ")
			r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
			r.Host = host
			r.Header.Set("Sec-Fetch-Site", "same-origin")
			w := httptest.NewRecorder()
			s.adminHandler().ServeHTTP(w, r)
			if got := w.Code != http.StatusForbidden; got != want {
				t.Errorf("%s with Host %q got %d", request, host, w.Code)
			}
		}
	}
}

func TestAdmin_takesNoRequestOfAnotherOrigin(t *testing.T) {
	s := &Service{cfg: &config.Config{}, log: slog.New(slog.DiscardHandler)}
	for site, want := range map[string]int{"cross-site": 403, "same-site": 403, "same-origin": 200, "none": 200, "": 200} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/debug/pprof/cmdline", nil)
		r.Host = "127.0.0.1:9401"
		if site != "" {
			r.Header.Set("Sec-Fetch-Site", site)
		}
		w := httptest.NewRecorder()
		s.adminHandler().ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("a profile asked for by a %q page got %d, want %d", site, w.Code, want)
		}
	}
}

// Idle connections must not take the file descriptors that calls to help desks need.
func TestEndpoint_keepsFewConnectionsAndAnswersTheNextOne(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := newEndpoint(listener, http.NotFoundHandler(), writeTimeout, slog.New(slog.DiscardHandler))
	served := make(chan error, 1)
	go func() { served <- e.serve() }()
	defer func() {
		e.close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()
	var conns []net.Conn
	for range 5 * maxConnections {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 4096)); err != nil {
			t.Fatalf("connection %d got no answer: %v", len(conns), err)
		}
		conns = append(conns, conn)
	}
	// All but the last few were closed: reading from them ends.
	newest := conns[len(conns)-1]
	closed := make(chan error, len(conns))
	for _, conn := range conns[:len(conns)-1] {
		go func() {
			_, err := conn.Read(make([]byte, 1))
			closed <- err
		}()
	}
	for range len(conns) - maxConnections {
		if err := <-closed; err == nil {
			t.Fatal("a connection got bytes that nobody asked for")
		}
	}
	if _, err := fmt.Fprint(newest, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := newest.Read(make([]byte, 4096)); err != nil {
		t.Errorf("the newest connection was closed: %v", err)
	}
}

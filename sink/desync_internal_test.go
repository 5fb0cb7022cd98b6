package sink

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// A host that sends more than it announced, here a second answer in the same TLS record,
// must not have it taken for the answer to the next call.
func TestTransport_bytesBehindAnAnswerAreNotTheNextAnswer(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS() // for its certificate
	t.Cleanup(server.Close)
	inner, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener := tls.NewListener(inner, &tls.Config{Certificates: server.TLS.Certificates}) //nolint:gosec // crypto/tls's own least version is right
	const stale = "HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{\"data\":\"stale\"}"
	right := "HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + `{"data":"right"` + strings.Repeat(" ", 8984) + "}"
	var conns sync.WaitGroup
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
					_, _ = io.Copy(io.Discard, req.Body)
					_, _ = io.WriteString(conn, right+stale) // one record
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		conns.Wait()
	})
	transport, call := tuned(t, "https://"+listener.Addr().String())
	transport.TLSClientConfig = &tls.Config{RootCAs: rootsOf(server)}
	t.Cleanup(transport.CloseIdleConnections) // before the host waits for its connections
	for range 200 {
		reply, err := call(t.Context(), write)
		if errors.Is(err, errStale) {
			continue // seldom: as a rule net/http has closed the connection by then
		}
		if got := reply.JSON().Get("data").Str(); err != nil || got != "right" {
			t.Fatalf("answer %q, %v", got, err)
		}
	}
}

// Each call may have a context of its own, which ends as soon as the call is answered.
func TestTransport_theEndOfAContextEndsNoOtherCall(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") }))
	t.Cleanup(server.Close)
	_, call := tuned(t, server.URL)
	var lanes sync.WaitGroup
	for range 8 {
		lanes.Go(func() {
			for range 250 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				if _, err := call(ctx, write); err != nil {
					t.Error(err)
				}
				cancel()
			}
		})
	}
	lanes.Wait()
}

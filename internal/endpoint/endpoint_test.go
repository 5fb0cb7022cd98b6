package endpoint

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
)

// Idle connections must not take the file descriptors that calls to help desks need.
func TestEndpoint_keepsFewConnectionsAndAnswersTheNextOne(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := New(listener, Config{Handler: http.NotFoundHandler(), AnswerWithin: WriteTimeout, Log: slog.New(slog.DiscardHandler)})
	served := make(chan error, 1)
	go func() { served <- e.Serve() }()
	defer func() {
		e.Close()
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

package sink_test

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
)

// BenchmarkCall is an event with one write over loopback, at a host that does nothing else
// than answer: what is measured is the sender, for the most part.
func BenchmarkCall(b *testing.B) {
	listener, err := new(net.ListenConfig).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	const answer = `{"data":{"type":"tracking_identity","id":"5f0f8d0c1b7f4d0012a3b4c5","attributes":{"trackingId":"5f0f8d0c1b7f4d0012a3b4c6","status":"identified"}}}`
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // closed
			}
			conns.Go(func() { answerAll(conn, answer) })
		}
	})
	c := config(nil)
	c.BaseURL, c.MaxInFlight, c.Rate.Requests = "http://"+listener.Addr().String(), 64, 1e9
	d := sink.NewDestination(c, budget.New(c.Rate), slog.New(slog.DiscardHandler))
	b.Cleanup(func() {
		d.Close()
		_ = listener.Close()
		conns.Wait()
	})
	call := ticket
	call.Body = mapping.Obj(mapping.Member{Name: "text", Value: mapping.Str(strings.Repeat("x", 700))})
	route := calling(call)
	b.SetParallelism(16)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if o, err := deliver(b.Context(), d, route, "l", forever()); err != nil || o.Outcome != sink.Delivered {
				b.Errorf("%s %v", died(o), err)
			}
		}
	})
}

// answerAll answers each request of a connection. It knows that all have the same length.
func answerAll(conn net.Conn, body string) {
	defer func() { _ = conn.Close() }()
	reader := bufio.NewReader(conn)
	req, err := http.ReadRequest(reader)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, req.Body)
	answer := "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nDate: " + time.Now().UTC().Format(http.TimeFormat) +
		"\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
	for {
		if _, err := io.WriteString(conn, answer); err != nil {
			return
		}
		for { // the header, then the body
			line, err := reader.ReadSlice('\n')
			if err != nil {
				return
			}
			if len(line) == 2 {
				break
			}
		}
		if _, err := reader.Discard(int(req.ContentLength)); err != nil {
			return
		}
	}
}

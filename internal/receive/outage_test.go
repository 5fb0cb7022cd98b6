package receive

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/endpoint"
)

// While Kafka takes nothing a webhook is answered with 503: the first after some seconds, the next
// at once. When Kafka is back, so are they; what was written late is known as such.
func TestHandler_answers503WhileKafkaTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, settingsText)
		post := func(id string) (int, time.Duration) {
			began := time.Now()
			return w.post(kustomer(t, kustomerBody(id, time.Now()))).Code, time.Since(began)
		}
		w.kafka.hold()
		if status, took := post("e1"); status != http.StatusServiceUnavailable || took != ackTimeout {
			t.Errorf("the first webhook got %d after %v", status, took)
		}
		for range 3 {
			if status, took := post("e2"); status != http.StatusServiceUnavailable || took != 0 {
				t.Errorf("the next webhook got %d after %v", status, took)
			}
		}
		if len(w.kafka.held) != 1 {
			t.Errorf("%d events wait, want the first alone", len(w.kafka.held))
		}
		if text := w.exposed(t); !strings.Contains(text, "deskstream_receive_overdue_events 1") {
			t.Errorf("the metrics do not say so:\n%s", text)
		}
		w.kafka.release(nil)
		synctest.Wait()
		for _, id := range []string{"e1", "e2"} {
			if status, _ := post(id); status != http.StatusOK {
				t.Errorf("%s after the outage: %d", id, status)
			}
		}
		var repeats []bool
		for _, e := range w.kafka.written(t) {
			repeats = append(repeats, e.Get("repeat").IsTrue())
		}
		if len(repeats) != 3 || repeats[0] || !repeats[1] || repeats[2] {
			t.Errorf("repeats: %v, want the second, which was written late", repeats)
		}
		if log := w.log.String(); strings.Count(log, "kafka takes no events") != 1 || strings.Count(log, "kafka takes events again") != 1 {
			t.Errorf("the log says:\n%s", log)
		}
	})
}

// An event that the client gives up is no reason to refuse the next one.
func TestHandler_triesAgainWhenAnOverdueEventIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, settingsText)
		w.kafka.hold()
		if got := w.post(kustomer(t, kustomerBody("e1", time.Now()))); got.Code != http.StatusServiceUnavailable {
			t.Fatalf("%d", got.Code)
		}
		w.kafka.release(errors.New("records have timed out"))
		synctest.Wait()
		if got := w.post(kustomer(t, kustomerBody("e1", time.Now()))); got.Code != http.StatusOK || w.kafka.written(t)[0].Get("repeat").IsTrue() {
			t.Errorf("the next: %d, or taken for a repeat of what was never written", got.Code)
		}
	})
}

// What a request has waited with is used again, but not before its event has ended: its end, late, is not
// the next one's.
func TestWriter_anOverdueEventAnswersNoOtherRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := new(kafka)
		w := &writer{client: k, topic: "inbound", timeout: ackTimeout, log: slog.New(slog.DiscardHandler), metrics: newMetrics()}
		write := func() error { return w.write(t.Context(), new(kgo.Record), func() {}) }
		if err := write(); err != nil { // whose things the next one has
			t.Fatal(err)
		}
		k.hold()
		if err := write(); !errors.Is(err, errNotTaken) {
			t.Fatalf("an event that is not acknowledged: %v", err)
		}
		second := make(chan error, 1)
		go func() { second <- write() }()
		synctest.Wait()
		k.mu.Lock()
		first := k.held[0]
		k.held = k.held[1:]
		k.mu.Unlock()
		first(errors.New("records have timed out"))
		synctest.Wait()
		if len(second) != 0 {
			t.Errorf("the next request was answered with %v by another's event", <-second)
		}
		k.release(nil)
		if err := <-second; err != nil || !w.takes() {
			t.Errorf("the next: %v, takes: %v", err, w.takes())
		}
	})
}

// 256 requests are open at a time; the next one is told to come again.
func TestHandler_refusesAFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, settingsText)
		w.kafka.hold()
		var open sync.WaitGroup
		codes := make(chan int, maxOpen)
		for range maxOpen {
			open.Go(func() { codes <- w.post(trengo(t, "TICKET_CLOSED", closedBody, time.Now())).Code })
		}
		synctest.Wait()
		got := w.post(trengo(t, "TICKET_CLOSED", closedBody, time.Now()))
		if got.Code != http.StatusTooManyRequests || got.Header().Get("Retry-After") == "" {
			t.Errorf("request %d: %d", maxOpen+1, got.Code)
		}
		w.kafka.release(nil)
		open.Wait()
		close(codes)
		for code := range codes {
			if code != http.StatusOK {
				t.Errorf("an open request got %d", code)
			}
		}
		if got := w.post(trengo(t, "TICKET_CLOSED", closedBody, time.Now())); got.Code != http.StatusOK {
			t.Errorf("after the flood: %d", got.Code)
		}
		if taken := w.bodies.taken.Load(); taken != 0 || len(w.places) != 0 {
			t.Errorf("%d bytes and %d places are not given back", taken, len(w.places))
		}
	})
}

// Bodies that nobody has signed yet take a limited part of the memory.
func TestHandler_bodiesTogetherAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, settingsText)
		var open sync.WaitGroup
		var writers []*io.PipeWriter
		for range maxBodies / MaxBody {
			body, writer := io.Pipe()
			writers = append(writers, writer)
			r := request(t, "/webhooks/crm", "application/json", body)
			r.ContentLength = MaxBody
			open.Go(func() { w.post(r) })
		}
		synctest.Wait()
		if got := w.post(kustomer(t, strings.Repeat("x", MaxBody))); got.Code != http.StatusTooManyRequests {
			t.Errorf("one body more: %d", got.Code)
		}
		for _, writer := range writers {
			_ = writer.Close()
		}
		open.Wait()
		if got := w.post(kustomer(t, kustomerBody("e", time.Now()))); got.Code != http.StatusOK || w.bodies.taken.Load() != 0 {
			t.Errorf("afterwards: %d, %d bytes taken", got.Code, w.bodies.taken.Load())
		}
	})
}

// Of a body in chunks no more is kept than has come.
func TestBodies_growWithWhatComes(t *testing.T) {
	for _, size := range []int{0, 1, firstRead - 1, firstRead, firstRead + 1, 100_000, MaxBody - 1, MaxBody, MaxBody + 1} {
		for _, known := range []bool{true, false} {
			var b bodies
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(strings.Repeat("x", size)))
			if !known {
				r.ContentLength = -1
			}
			body, give, err := b.read(r)
			if tooLong := size > MaxBody; tooLong != errors.Is(err, errTooLarge) || !tooLong && (err != nil || len(body) != size) {
				t.Errorf("of %d bytes, known %v: %d, %v", size, known, len(body), err)
				continue
			}
			if give != nil {
				if taken := b.taken.Load(); taken > int64(2*size+firstRead) {
					t.Errorf("of %d bytes %d are taken", size, taken)
				}
				give()
			}
			if b.taken.Load() != 0 {
				t.Errorf("of %d bytes %d are not given back", size, b.taken.Load())
			}
		}
	}
}

// pipes is a listener without sockets, for a bubble.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipes() *pipes { return &pipes{make(chan net.Conn), make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	close(p.closed)
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial() net.Conn {
	client, server := net.Pipe()
	p.conns <- server
	return client
}

// A client that sends its headers or its body slowly is cut off, and gives its place back.
func TestServer_cutsOffSlowClients(t *testing.T) {
	for name, begin := range map[string]string{
		"headers": "POST /webhooks/crm HTTP/1.1\r\nHost: x\r\n",
		"a body":  "POST /webhooks/crm HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
		"chunks":  "POST /webhooks/crm HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, listener := newWorld(t, settingsText), newPipes()
				e := endpoint.New(listener, endpoint.Config{Handler: w, AnswerWithin: time.Minute, Log: w.handler.log})
				served := make(chan error, 1)
				go func() { served <- e.Serve() }()
				conn, began := listener.dial(), time.Now()
				if _, err := io.WriteString(conn, begin); err != nil {
					t.Fatal(err)
				}
				answer, err := io.ReadAll(conn)
				if took := time.Since(began); err != nil || took > endpoint.ReadTimeout+time.Second {
					t.Errorf("cut off after %v with %v", took, err)
				}
				if name != "headers" && !strings.HasPrefix(string(answer), "HTTP/1.1 408 ") {
					t.Errorf("the answer is %q", answer)
				}
				if len(w.places) != 0 || w.bodies.taken.Load() != 0 {
					t.Error("its place or its bytes are not given back")
				}
				e.Close()
				if err := <-served; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// A stop lets the requests that are open have their answers, and takes no new ones.
func TestServer_aStopAnswersOpenRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, settingsText)
		w.kafka.hold()
		open := make(chan int, 1)
		go func() { open <- w.post(kustomer(t, kustomerBody("e1", time.Now()))).Code }()
		synctest.Wait()
		w.stopping.Store(true)
		if got := w.post(kustomer(t, kustomerBody("e2", time.Now()))); got.Code != http.StatusServiceUnavailable {
			t.Errorf("a new request: %d", got.Code)
		}
		w.kafka.release(nil)
		if got := <-open; got != http.StatusOK {
			t.Errorf("the open request: %d", got)
		}
	})
}

// A request whose client has gone is written all the same: the desk may take it for received.
func TestHandler_writesThoughTheClientIsGone(t *testing.T) {
	w := newWorld(t, settingsText)
	ctx, gone := context.WithCancel(t.Context())
	gone()
	if got := w.post(kustomer(t, kustomerBody("e1", time.Now())).WithContext(ctx)); got.Code != http.StatusOK || len(w.kafka.records) != 1 {
		t.Errorf("%d, %d events", got.Code, len(w.kafka.records))
	}
}

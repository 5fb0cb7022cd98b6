package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/deskstream/deskstream/sink"
)

// rawDesk is a help desk in plain TCP: it finds nobody, or answers lookups with nonsense
// too, and answers writes with nonsense.
type rawDesk struct {
	listener net.Listener
	nonsense func(net.Conn)
	lookups  bool // nonsense for them too
	conns    sync.WaitGroup
}

func newRawDesk(t *testing.T, lookups bool, nonsense func(net.Conn)) *rawDesk {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &rawDesk{listener: listener, nonsense: nonsense, lookups: lookups}
	d.conns.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // closed
			}
			d.conns.Go(func() { d.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		d.conns.Wait()
	})
	return d
}

// serve reads one request and answers it.
func (d *rawDesk) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	req, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, req.Body)
	switch {
	case req.Method != http.MethodGet || d.lookups:
		d.nonsense(conn)
	case strings.HasPrefix(req.URL.Path, "/v1"): // Kustomer's way to say that there is nobody
		_, _ = io.WriteString(conn, "HTTP/1.1 404 Not Found\r\nContent-Length: 14\r\nConnection: close\r\n\r\n{\"error\":\"no\"}")
	default:
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 11\r\nConnection: close\r\n\r\n{\"data\":[]}")
	}
}

// says answers with bytes and closes the connection.
func says(text string) func(net.Conn) {
	return func(conn net.Conn) { _, _ = io.WriteString(conn, text) }
}

// thenHangs answers with bytes and waits until the other side goes.
func thenHangs(text string) func(net.Conn) {
	return func(conn net.Conn) {
		_, _ = io.WriteString(conn, text)
		_, _ = io.Copy(io.Discard, conn)
	}
}

// drips writes one piece after the other, slowly, until the other side goes.
func drips(head, piece string) func(net.Conn) {
	return func(conn net.Conn) {
		_, err := io.WriteString(conn, head)
		for tick := time.NewTicker(10 * time.Millisecond); err == nil; <-tick.C {
			_, err = io.WriteString(conn, piece)
		}
	}
}

// pours writes pieces as fast as they are taken, up to 10 MB, and counts.
func pours(taken *atomic.Int64, head, piece string) func(net.Conn) {
	return func(conn net.Conn) {
		_, err := io.WriteString(conn, head)
		for sent := 0; err == nil && sent < 10<<20; sent += len(piece) {
			_, err = io.WriteString(conn, piece)
			taken.Add(int64(len(piece)))
		}
	}
}

func gzipOf(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text) // into memory
	_ = z.Close()
	return b.String()
}

func withLength(header, body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s", header, len(body), body)
}

// muchTime is a delivery.timeout that no answer takes, however busy the machine is.
const muchTime = 30 * time.Second

const ok200 = "HTTP/1.1 200 OK\r\n"

func TestDeliver_nonsenseAnswersAreBoundedAndClassified(t *testing.T) {
	t.Parallel()
	var strangers, taken atomic.Int64
	stranger := newRawDesk(t, true, func(net.Conn) { strangers.Add(1) })
	pour := strings.Repeat("7", 64<<10)
	for name, tt := range map[string]struct {
		answer func(net.Conn)
		want   string // class and code
	}{
		"HTML on 200":                  {says(withLength("Content-Type: text/html\r\n", "<html><body>Sign in</body></html>")), "exhausted bad_answer"},
		"text where JSON should be":    {says(withLength("Content-Type: application/json\r\n", "ok")), "exhausted bad_answer"},
		"half a JSON":                  {says(withLength("", `{"data":[{"id":`)), "exhausted bad_answer"},
		"half a body":                  {says(ok200 + "Content-Length: 500\r\n\r\n{\"data\":["), "exhausted connection"},
		"half of a chunked body":       {says(ok200 + "Transfer-Encoding: chunked\r\n\r\n9\r\n{\"data\":["), "exhausted connection"},
		"a chunk of nonsense length":   {says(ok200 + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n"), "exhausted connection"},
		"a length that is too short":   {says(ok200 + "Content-Length: 6\r\n\r\n{\"data\":[]}"), "exhausted bad_answer"},
		"a length that is no number":   {says(ok200 + "Content-Length: many\r\n\r\n{}"), "exhausted connection"},
		"a negative length":            {says(ok200 + "Content-Length: -1\r\n\r\n{}"), "exhausted connection"},
		"two lengths":                  {says(ok200 + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"), "exhausted connection"},
		"10 MB":                        {pours(&taken, ok200+"\r\n{\"data\":[", pour), "exhausted bad_answer"},
		"10 MB of header":              {pours(&taken, ok200, "X-Fill: "+pour[:1000]+"\r\n"), "exhausted connection"},
		"10 MB of one header":          {pours(&taken, ok200+"X-Fill: ", pour), "exhausted connection"},
		"10 MB of status line":         {pours(&taken, "HTTP/1.1 200 ", pour), "exhausted connection"},
		"deep nesting":                 {says(withLength("", strings.Repeat("[", 200_000))), "exhausted bad_answer"},
		"gzip that is none":            {says(withLength("Content-Encoding: gzip\r\n", `{"data":[]}`)), "exhausted connection"},
		"half a gzip":                  {says(withLength("Content-Encoding: gzip\r\n", gzipOf(`{"data":[]}`)[:20])), "exhausted connection"},
		"a gzip of 64 MB":              {says(withLength("Content-Encoding: gzip\r\n", gzipOf(strings.Repeat("7", 64<<20)))), "exhausted bad_answer"},
		"an encoding that we lack":     {says(withLength("Content-Encoding: br\r\n", "\x0b\x02\x80{}\x03")), "exhausted bad_answer"},
		"UTF-16":                       {says(withLength("Content-Type: application/json; charset=utf-16\r\n", "\xff\xfe{\x00}\x00")), "exhausted bad_answer"},
		"a redirect to another host":   {says("HTTP/1.1 307 Temporary Redirect\r\nLocation: http://" + stranger.listener.Addr().String() + "/\r\nContent-Length: 0\r\n\r\n"), "exhausted redirect"},
		"a redirect to nowhere":        {says("HTTP/1.1 302 Found\r\nLocation: http://%zz\r\nContent-Length: 0\r\n\r\n"), "exhausted redirect"},
		"a switch of protocols":        {thenHangs("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"), "exhausted http_101"},
		"a status that nobody knows":   {says("HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n"), "exhausted http_999"},
		"a status of two digits":       {says("HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"), "exhausted connection"},
		"no HTTP":                      {says("220 mail.example.com ESMTP\r\n"), "exhausted connection"},
		"HTTP/2 in plain":              {says("\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x80"), "exhausted connection"},
		"nothing":                      {says(""), "exhausted connection"},
		"a header that hangs":          {thenHangs(ok200 + "Content-Le"), "exhausted timeout"},
		"a header that drips":          {drips(ok200, "X-Y: z\r\n"), "exhausted timeout"},
		"a body that hangs":            {thenHangs(ok200 + "Content-Length: 11\r\n\r\n{\"data\""), "exhausted timeout"},
		"a body that drips":            {drips(ok200+"\r\n", " "), "exhausted timeout"},
		"silence":                      {thenHangs(""), "exhausted timeout"},
		"early hints without an end":   {drips("", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"), "exhausted timeout"},
		"a refusal with a broken body": {says("HTTP/1.1 422 No\r\nContent-Length: 90\r\n\r\n{\"mess"), "exhausted http_422"},
	} {
		for _, lookups := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, lookups too %v", name, lookups), func(t *testing.T) {
				t.Parallel()
				desk := newRawDesk(t, lookups, tt.answer)
				stage, timeout := "request", muchTime
				if lookups {
					stage = "lookup"
				}
				if strings.HasSuffix(tt.want, " timeout") {
					timeout = 400 * time.Millisecond
				}
				for _, o := range deliverRaw(t, desk, stage, timeout) {
					line, err := json.Marshal(o)
					if err != nil {
						t.Fatal(err)
					}
					if text := fmt.Sprintf("%s %s %s", o.Error.Stage, o.Error.Class, o.Error.Code); text != stage+" "+tt.want {
						t.Errorf("%s: %s, want %s %s", o.Destination.Type, text, stage, tt.want)
					}
					if len(line) > 64<<10 {
						t.Errorf("%s: the outcome has %d bytes", o.Destination.Type, len(line))
					}
				}
			})
		}
	}
	t.Cleanup(func() { // after the parallel tests
		if n := strangers.Load(); n > 0 {
			t.Errorf("another host was asked %d times", n)
		}
		// Of 16 answers of 10 MB, what is read of each and what fits into its socket.
		if n := taken.Load(); n > 16*7<<20 {
			t.Errorf("%d bytes of endless answers were taken", n)
		}
	})
}

// deliverRaw delivers an event to both destinations at a desk, and gives the outcomes. An event
// that should come as far as its write and whose lookup timed out says nothing but that the
// machine is busy: it is delivered again, with more time.
func deliverRaw(t *testing.T, desk *rawDesk, stage string, timeout time.Duration) []sink.Outcome {
	t.Helper()
	const event = `{"type":"identify","messageId":"m-1","userId":"u-1","traits":{"email":"a@example.com","name":"A"}}`
	got := runCommand(t, event, "deliver", "-c", rawConfig(t, "http://"+desk.listener.Addr().String(), timeout))
	if got.code != exitDead {
		t.Fatalf("exit code %d, want %d: %s", got.code, exitDead, got.stderr)
	}
	var list []sink.Outcome
	for line := range strings.Lines(got.stdout) {
		var o sink.Outcome
		if err := json.Unmarshal([]byte(line), &o); err != nil || o.Error == nil {
			t.Fatalf("%v: no outcome of a death: %s", err, line)
		}
		if o.Error.Code == sink.Timeout && stage == "request" && o.Error.Stage == sink.StageLookup && timeout < muchTime {
			return deliverRaw(t, desk, stage, min(4*timeout, muchTime))
		}
		list = append(list, o)
	}
	if len(list) != 2 {
		t.Fatalf("outcomes: %s", got.stdout)
	}
	return list
}

// The HTTP client of the standard library logs what comes after an answer, and quotes it.
func TestDeliver_whatFollowsAnAnswerIsNotLogged(t *testing.T) {
	t.Parallel()
	desk := newRawDesk(t, true, func(conn net.Conn) {
		_, _ = io.WriteString(conn, "HTTP/1.1 404 Not Found\r\nContent-Length: 14\r\n\r\n{\"error\":\"no\"}"+secretText)
		_, _ = io.Copy(io.Discard, conn)
	})
	events := writeFile(t, "events.ndjson", strings.Repeat(`{"type":"identify","messageId":"m-1","userId":"u-1","traits":{"email":"a@example.com","name":"A"}}`+"\n", 20))
	p := startProcess(t, "deliver", "-c", rawConfig(t, "http://"+desk.listener.Addr().String(), muchTime), events)
	p.wait()
	if log := p.stderr.String(); strings.Contains(log, secretText) {
		t.Errorf("the log quotes an answer: %s", log)
	}
}

// rawConfig has both destinations at one address, and one attempt at everything.
func rawConfig(t *testing.T, url string, timeout time.Duration) string {
	t.Helper()
	delivery := fmt.Sprintf(`
    delivery:
      timeout: %s
      rate_limit: {requests: 1000000}
      retry: {initial: 10ms, max: 50ms, max_attempts: 1}
`, timeout)
	return writeFile(t, "c.yaml", fmt.Sprintf(`destinations:
  - name: inbox
    type: trengo
    trengo: {api_token: t, channel_id: "1", base_url: "%[1]s"}%[2]s
  - name: crm
    type: kustomer
    kustomer: {api_key: k, base_url: "%[1]s"}%[2]s`, url, delivery))
}

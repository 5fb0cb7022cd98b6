package sink_test

import (
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
	"github.com/deskstream/deskstream/sink/hold"
)

// once is a destination on its own transport where one failed attempt is the end.
func once(t *testing.T, baseURL string, timeout time.Duration) *sink.Destination {
	t.Helper()
	c := config(nil)
	c.BaseURL, c.Timeout = baseURL, timeout
	c.Alone, c.Unknown = true, sink.UnknownDies
	c.Retry = sink.Policy{MaxAttempts: 1, MaxElapsed: 20 * time.Millisecond, Initial: 5 * time.Millisecond, Max: 5 * time.Millisecond}
	return destination(t, c)
}

func deliverOnce(t *testing.T, baseURL string, call sink.Call) sink.Outcome {
	t.Helper()
	o, err := deliver(t.Context(), once(t, baseURL, 10*time.Second), calling(call), "l", forever())
	if err != nil {
		t.Fatalf("delivering: %v", err)
	}
	return o
}

func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

// hijacked answers with raw bytes and closes the connection; linger keeps it open
// until the client leaves.
func hijacked(raw string, linger bool) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer func() { _ = conn.Close() }()
		_, _ = io.WriteString(conn, raw)
		if linger {
			_, _ = io.Copy(io.Discard, conn)
		}
	}
}

func reset(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

func TestClient_sendsWhatTheCallSays(t *testing.T) {
	var got *http.Request
	var body []byte
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusCreated)
	})
	call := update
	call.Path, call.Query = "/things/a%2Fb", "replace=false&x=%26"
	if o := deliverOnce(t, server.URL+"/api/", call); o.Outcome != sink.Delivered {
		t.Fatalf("outcome = %s %s", o.Outcome, died(o))
	}
	if got.Method != http.MethodPut || got.RequestURI != "/api/things/a%2Fb?replace=false&x=%26" || string(body) != `{"a":1}` {
		t.Errorf("sent %s %s %s", got.Method, got.RequestURI, body)
	}
	for name, want := range map[string]string{
		"Authorization": "Bearer " + credential, "Accept": "application/json", "Content-Type": "application/json", "User-Agent": "deskstream/test",
	} {
		if got.Header.Get(name) != want {
			t.Errorf("header %s = %q, want %q", name, got.Header.Get(name), want)
		}
	}
	if got.ContentLength != 7 {
		t.Errorf("content length = %d, want 7", got.ContentLength)
	}
}

func TestClient_sendsNoContentTypeWithoutABody(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Content-Type") != "" || r.ContentLength != 0 {
			w.WriteHeader(http.StatusTeapot)
		}
	})
	if o := deliverOnce(t, server.URL, find); o.Outcome != sink.Delivered {
		t.Errorf("outcome = %s %s", o.Outcome, died(o))
	}
}

func TestClient_answersThatAreNone(t *testing.T) {
	big := strings.Repeat("7", 10<<20)
	const ok = "HTTP/1.1 200 OK\r\n"
	tests := map[string]struct {
		handler http.HandlerFunc
		code    string
	}{
		"reset":                        {reset, "connection"},
		"closed without an answer":     {hijacked("", false), "connection"},
		"no HTTP":                      {hijacked("SSH-2.0-x\r\n\r\n", false), "connection"},
		"a status of no digits":        {hijacked("HTTP/1.1 +20 OK\r\nContent-Length: 2\r\n\r\n{}", false), "connection"},
		"a status of zeros":            {hijacked("HTTP/1.1 000 OK\r\nContent-Length: 2\r\n\r\n{}", false), "connection"},
		"half a header":                {hijacked(ok+"Content-", false), "connection"},
		"a header that never ends":     {hijacked(ok+strings.Repeat("X-Y: z\r\n", 1<<15), false), "connection"},
		"half a body":                  {hijacked(ok+"Content-Length: 20\r\n\r\n{\"id\":", false), "connection"},
		"half of a chunked body":       {hijacked(ok+"Transfer-Encoding: chunked\r\n\r\n5\r\n{}   \r\n", false), "connection"},
		"a Content-Length of nonsense": {hijacked(ok+"Content-Length: x\r\n\r\n{}", false), "connection"},
		"broken gzip":                  {hijacked(ok+"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", false), "connection"},
		"HTML":                         {hijacked(ok+"Content-Length: 13\r\n\r\n<html></html>", false), "bad_answer"},
		"half a JSON":                  {hijacked(ok+"Content-Length: 6\r\n\r\n{\"id\":", false), "bad_answer"},
		"10 MB that begin as JSON":     {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, big) }, "bad_answer"},
		"a body without end":           {endless, "bad_answer"},
		"a switch of protocols":        {hijacked("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", true), "http_101"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			server := serve(t, tt.handler)
			lookup := deliverOnce(t, server.URL, find)
			if got, want := died(lookup), "lookup exhausted "+tt.code; got != want {
				t.Errorf("a lookup died of %q, want %q", got, want)
			}
			write := deliverOnce(t, server.URL, ticket)
			want := "request unknown " + tt.code
			if tt.code == "http_101" { // an answer, though a strange one
				want = "request exhausted http_101"
			}
			if got := died(write); got != want {
				t.Errorf("a write died of %q, want %q", got, want)
			}
			if write.Calls[0].Attempts != 1 {
				t.Errorf("attempts = %d, want 1", write.Calls[0].Attempts)
			}
		})
	}
}

func TestClient_answersThatHang(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"before the header": hijacked("", true),
		"in the header":     hijacked("HTTP/1.1 200 OK\r\nConte", true),
		"in the body":       hijacked("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", true),
	} {
		t.Run(name, func(t *testing.T) {
			server := serve(t, handler)
			var o sink.Outcome
			var err error
			// On a busy machine the time may be over before the call is sent.
			for timeout := 50 * time.Millisecond; timeout < time.Minute && (o.Error == nil || o.Error.Class != sink.Unknown); timeout *= 4 {
				if o, err = deliver(t.Context(), once(t, server.URL, timeout), calling(ticket), "l", forever()); err != nil || o.Error == nil {
					break
				}
			}
			if got := died(o); err != nil || got != "request unknown timeout" || o.Error.HTTPStatus != nil {
				t.Errorf("died of %q, %v", got, err)
			}
		})
	}
}

func TestClient_answersThatAreOne(t *testing.T) {
	tests := map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"an empty 200":             {func(http.ResponseWriter, *http.Request) {}, ""},
		"204":                      {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, ""},
		"blanks":                   {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, " \n") }, ""},
		"JSON that is no object":   {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "true") }, ""},
		"early hints":              {hijacked("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}", false), ""},
		"a body until the end":     {hijacked("HTTP/1.1 200 OK\r\n\r\n{}", false), ""},
		"gzip":                     {gzipped("gzip"), ""},
		"gzip by its old name":     {gzipped("x-gzip"), ""},
		"gzip and no more":         {gzipped("GZIP, identity"), ""},
		"a byte-order mark":        {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "\uFEFF{\"id\":42}") }, ""},
		"half of a refusal's body": {hijacked("HTTP/1.1 422 X\r\nContent-Length: 20\r\n\r\n{\"mes", false), "request exhausted http_422"},

		// A body that cannot be read is no empty one.
		"a refusal without its body":   {hijacked("HTTP/1.1 422 X\r\nContent-Length: 20\r\n\r\n", false), "request exhausted http_422"},
		"a conflict without its body":  {hijacked("HTTP/1.1 409 X\r\nContent-Length: 20\r\n\r\n", false), "request exhausted http_409"},
		"a refusal without its chunks": {hijacked("HTTP/1.1 422 X\r\nTransfer-Encoding: chunked\r\n\r\n", false), "request exhausted http_422"},
		"a refusal that is no gzip":    {hijacked("HTTP/1.1 422 X\r\nContent-Encoding: gzip\r\nContent-Length: 6\r\n\r\n<html>", false), "request exhausted http_422"},
		"a refusal of more than 1 MiB": {hijacked("HTTP/1.1 422 X\r\n\r\n"+strings.Repeat(" ", sink.MaxBody+1)+`{"error":1}`, false), "request exhausted http_422"},
		"a refusal without a body":     {hijacked("HTTP/1.1 422 X\r\nContent-Length: 0\r\n\r\n", false), "request rejected http_422"},
		"a refusal with an empty gzip": {hijacked("HTTP/1.1 422 X\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n", false), "request rejected http_422"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := died(deliverOnce(t, serve(t, tt.handler).URL, ticket)); got != tt.want {
				t.Errorf("died of %q, want %q", got, tt.want)
			}
		})
	}
}

func endless(w http.ResponseWriter, _ *http.Request) {
	for chunk := make([]byte, 64<<10); ; {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

func gzipped(label string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		w.Header().Set("Content-Encoding", label)
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, `{"id":42}`)
		_ = z.Close()
	}
}

func TestClient_lookupDecidesAboutAnEmptyAnswer(t *testing.T) {
	call := find
	call.Accept = func(r sink.Reply) error {
		if !r.JSON().Get("data").Exists() {
			return errors.New("it has no data")
		}
		return nil
	}
	o := deliverOnce(t, serve(t, func(http.ResponseWriter, *http.Request) {}).URL, call)
	if got := died(o); got != "lookup exhausted bad_answer" || o.Error.Message != "the API answered 200, but it has no data" {
		t.Errorf("died of %q: %s", got, o.Error.Message)
	}
}

// Nothing was sent, so the event is never of an unknown fate, whatever its owner chose.
func TestClient_whatFailsBeforeSendingIsNeverUnknown(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	t.Run("refused", func(t *testing.T) {
		d := once(t, closed.URL, time.Second)
		_, err := deliver(t.Context(), d, calling(ticket), "l", forever())
		if !errors.Is(err, hold.ErrHeld) || d.Gate().Held().Reason != "refused" {
			t.Errorf("error = %v, hold = %q; want a hold because of refused", err, d.Gate().Held().Reason)
		}
	})
	t.Run("no such host", func(t *testing.T) {
		if got := died(deliverOnce(t, "http://desk.invalid", ticket)); got != "request exhausted connection" {
			t.Errorf("died of %q", got)
		}
	})
	t.Run("plain HTTP behind https", func(t *testing.T) {
		server := serve(t, func(http.ResponseWriter, *http.Request) {})
		if got := died(deliverOnce(t, strings.Replace(server.URL, "http:", "https:", 1), ticket)); got != "request exhausted tls" {
			t.Errorf("died of %q", got)
		}
	})
	t.Run("TLS that is too old", func(t *testing.T) {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request came through") }))
		server.Config.ErrorLog = quiet
		server.TLS = &tls.Config{MaxVersion: tls.VersionTLS11} //nolint:gosec // what is refused is the point
		server.StartTLS()
		t.Cleanup(server.Close)
		if got := died(deliverOnce(t, server.URL, ticket)); got != "request exhausted tls" {
			t.Errorf("died of %q", got)
		}
	})
	for name, hello := range map[string]string{
		"a cipher that was not offered": "\x16\x03\x03\x00\x2a\x02\x00\x00\x26\x03\x03" + strings.Repeat("R", 32) + "\x00\x12\x34\x00",
		"a message that is too long":    "\x16\x03\x03\x00\x08\x02\xff\xff\xffjunk",
		"a message of nonsense":         "\x16\x03\x03\x00\x08\x02\x00\x00\x04junk",
		"an alert":                      "\x15\x03\x03\x00\x02\x02\x28",
	} {
		t.Run("TLS that begins with "+name, func(t *testing.T) {
			if got := died(deliverOnce(t, "https://"+tcpHost(t, hello), ticket)); got != "request exhausted tls" {
				t.Errorf("died of %q", got)
			}
		})
	}
	for name, names := range map[string][]string{"self-signed": {"127.0.0.1"}, "expired": {"127.0.0.1"}, "wrong host": {"other.example"}} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request came through") }))
			server.Config.ErrorLog = quiet
			server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate(t, name == "expired", names)}, MinVersion: tls.VersionTLS12}
			server.StartTLS()
			t.Cleanup(server.Close)
			o := deliverOnce(t, server.URL, ticket)
			if got := died(o); got != "request exhausted tls" || strings.Contains(o.Error.Message, "127.0.0.1") {
				t.Errorf("died of %q: %s", got, o.Error.Message)
			}
		})
	}
}

// tcpHost is the address of a host that reads something, writes text and waits for the end.
func tcpHost(t *testing.T, text string) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer func() { _ = conn.Close() }()
				_, _ = conn.Read(make([]byte, 1))
				_, _ = io.WriteString(conn, text)
				_, _ = io.Copy(io.Discard, conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		conns.Wait()
	})
	return listener.Addr().String()
}

func certificate(t *testing.T, expired bool, names []string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	end := time.Now().Add(time.Hour)
	if expired {
		end = time.Now().Add(-time.Hour)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "desk"}, NotBefore: end.Add(-24 * time.Hour), NotAfter: end}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestClient_redirects(t *testing.T) {
	var strangers atomic.Int32
	stranger := serve(t, func(http.ResponseWriter, *http.Request) { strangers.Add(1) })
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/things"):
			w.Header().Set("Location", map[string]string{
				"own": "/hop/1", "long": "/hop/5", "longer": "/hop/6", "stranger": stranger.URL + "/x",
				"scheme": "https://" + r.Host + "/end", "file": "file:///etc/passwd", "user": "http://a:b@" + r.Host + "/end", "broken": "http://%zz",
			}[r.URL.Query().Get("to")])
			w.WriteHeader(http.StatusTemporaryRedirect)
		case strings.HasPrefix(r.URL.Path, "/hop/"):
			n := r.URL.Path[len("/hop/"):]
			next := map[string]string{"6": "/hop/5", "5": "/hop/4", "4": "/hop/3", "3": "/hop/2", "2": "/hop/1", "1": "/end"}[n]
			http.Redirect(w, r, next, http.StatusFound)
		case r.Header.Get("Authorization") != "Bearer "+credential:
			w.WriteHeader(http.StatusTeapot)
		}
	})
	tests := map[string]string{
		"own": "", "user": "", "long": "lookup exhausted redirect", "longer": "lookup exhausted redirect", "stranger": "lookup exhausted redirect",
		"scheme": "lookup exhausted redirect", "file": "lookup exhausted redirect", "broken": "lookup exhausted redirect", "nowhere": "lookup exhausted redirect",
	}
	for to, want := range tests {
		t.Run(to, func(t *testing.T) {
			lookup, write := find, update
			lookup.Query, write.Query = "to="+to, "to="+to
			if got := died(deliverOnce(t, server.URL, lookup)); got != want {
				t.Errorf("a lookup died of %q, want %q", got, want)
			}
			if got := died(deliverOnce(t, server.URL, write)); got != "request exhausted redirect" {
				t.Errorf("a write died of %q, want it not to follow", got)
			}
		})
	}
	if n := strangers.Load(); n != 0 {
		t.Errorf("another host was asked %d times", n)
	}
}

func TestClient_followsAtMostFiveRedirects(t *testing.T) {
	var asked int
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		http.Redirect(w, r, fmt.Sprintf("/things?%d", asked), http.StatusFound)
	})
	if got := died(deliverOnce(t, server.URL, find)); got != "lookup exhausted redirect" || asked != 6 {
		t.Errorf("died of %q after %d requests, want redirect after 6", got, asked)
	}
}

// A redirect is a request that the vendor counts: it waits for its turn like any other.
func TestClient_redirectsSpendBudgetAndAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var counted []int
		c := config(exchange(func(req *http.Request) (*http.Response, error) {
			if req.URL.Path == "/end" {
				return answer(http.StatusOK, "{}")
			}
			return answer(http.StatusFound, "", "Location", map[string]string{"/things": "/a", "/a": "/b", "/b": "/end"}[req.URL.Path])
		}))
		c.Rate = budget.Rate{Requests: 1, Per: time.Minute}
		c.OnCall = func(a sink.Attempt) { counted = append(counted, a.Status) }
		d := destination(t, c)
		began := time.Now()
		o, err := deliver(t.Context(), d, calling(find), "l", forever())
		if err != nil || o.Outcome != sink.Delivered || len(o.Calls) != 4 {
			t.Fatalf("outcome = %+v, %v", o, err)
		}
		if took := time.Since(began); took < 3*time.Minute {
			t.Errorf("four requests at one a minute took %v", took)
		}
		if !slices.Equal(counted, []int{302, 302, 302, 200}) {
			t.Errorf("counted %v", counted)
		}
	})
}

// Each request stands in the outcome under its own URL, also one that a redirect asked
// for; a repeat of it is counted there.
func TestClient_redirectsAreListed(t *testing.T) {
	for name, tt := range map[string]struct {
		answers exchange
		plan    sink.Plan
		want    string
	}{
		"to another path": {
			script(status(302, "Location", "/a"), status(307, "Location", "/b?"+credential), status(200)), sink.Live,
			"/things?name=x 302 1, /a 307 1, /b?[redacted] 200 1",
		},
		"to itself": {script(status(302, "Location", "/things?name=x"), status(200)), sink.Live, "/things?name=x 200 2"},
		"and repeated": {
			script(status(302, "Location", "/a"), status(503), status(302, "Location", "/a"), status(200)), sink.Live,
			"/things?name=x 302 2, /a 200 2",
		},
		"in a plan": {script(status(302, "Location", "/a"), status(200)), sink.PlanWithLookup, "/things?name=x 0 0, /a 0 0"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := destination(t, config(tt.answers))
				var o sink.Outcome
				var err error
				if tt.plan == sink.Live {
					o, err = deliver(t.Context(), d, calling(find), "l", forever())
				} else {
					o, err = calling(find).Deliver(t.Context(), d.PlanSession(t.Context(), tt.plan, nil), []byte(track))
				}
				if err != nil {
					t.Fatal(err)
				}
				var listed []string
				for _, call := range o.Calls {
					status := 0
					if call.Status != nil {
						status = *call.Status
					}
					if !call.Lookup || call.Method != http.MethodGet {
						t.Errorf("%+v is listed as no lookup", call)
					}
					listed = append(listed, fmt.Sprint(strings.TrimPrefix(call.URL, "http://desk.example"), " ", status, " ", call.Attempts))
				}
				if got := strings.Join(listed, ", "); got != tt.want {
					t.Errorf("listed %s, want %s", got, tt.want)
				}
			})
		})
	}
}

// A hold that begins between a request and its redirect stops the redirect.
func TestClient_aHoldStopsARedirectToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d *sink.Destination
		d = destination(t, config(exchange(func(req *http.Request) (*http.Response, error) {
			if req.URL.Path == "/end" {
				return answer(http.StatusOK, "{}")
			}
			if err := d.Gate().Halt(); err != nil {
				t.Error(err)
			}
			return answer(http.StatusFound, "", "Location", "/end")
		})))
		time.AfterFunc(time.Hour, func() {
			if _, err := d.Gate().Resume(); err != nil {
				t.Error(err)
			}
		})
		began := time.Now()
		o, err := deliver(t.Context(), d, calling(find), "l", forever())
		if took := time.Since(began); err != nil || o.Outcome != sink.Delivered || took != time.Hour {
			t.Errorf("outcome = %s, %v after %v, want it after the hold of 1h", o.Outcome, err, took)
		}
	})
}

// The server closes an idle connection as the next request arrives on it: net/http
// repeats a lookup then by itself, and must not do so with a write.
func TestClient_writeIsNeverRepeatedByItself(t *testing.T) {
	for name, call := range map[string]sink.Call{"POST": ticket, "PUT": update, "POST without a body": {Op: "POST /x", Method: "POST", Path: "/x", Unrepeatable: true}} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int32
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if asked.Add(1) == 2 {
					_, _ = io.Copy(io.Discard, r.Body)
					hijacked("", false)(w, r)
				}
			})
			d := once(t, server.URL, 10*time.Second)
			o, err := deliver(t.Context(), d, calling(find, call), "l", forever())
			if err != nil || o.Error == nil || o.Error.Code != sink.Connection || asked.Load() != 2 {
				t.Errorf("died of %q, %v after %d requests, want connection after 2", died(o), err, asked.Load())
			}
		})
	}
}

func TestClient_endOfTheContextIsNoFailure(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
	})
	o, err := deliver(ctx, once(t, server.URL, 10*time.Second), calling(ticket), "l", forever())
	if !errors.Is(err, sink.ErrInterrupted) || o.Error != nil {
		t.Errorf("error = %v, outcome %q; want interrupted", err, died(o))
	}
}

func TestClient_errorHoldsNothingOfTheCustomer(t *testing.T) {
	call := find
	call.Query = "term=eve%40example.org"
	for name, handler := range map[string]http.HandlerFunc{"reset": reset, "no HTTP": hijacked("eve@example.org\r\n\r\n", false), "HTML": hijacked("HTTP/1.1 200 OK\r\n\r\n<eve@example.org>", false)} {
		t.Run(name, func(t *testing.T) {
			if o := deliverOnce(t, serve(t, handler).URL, call); o.Error == nil || strings.Contains(o.Error.Message, "eve") {
				t.Errorf("error = %+v, want one without the e-mail address", o.Error)
			}
		})
	}
}

// quiet is for servers whose clients break off on purpose.
var quiet = log.New(io.Discard, "", 0)

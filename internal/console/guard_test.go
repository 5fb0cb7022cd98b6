package console

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/deskstream/deskstream/internal/config"
)

func TestGuard_refusesWhatNoPersonAtTheConsoleSends(t *testing.T) {
	s := open(t, offline(t, `console: {hosts: [console.example.com]}`), nil)
	host := func(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }
	for name, tt := range map[string]struct {
		method, target string
		change         func(*http.Request)
		want           int
	}{
		"this machine":             {http.MethodGet, "/", host("localhost:9402"), http.StatusOK},
		"an address":               {http.MethodGet, "/", host("[::1]:9402"), http.StatusOK},
		"a configured name":        {http.MethodGet, "/", host("Console.Example.com."), http.StatusOK},
		"another name":             {http.MethodGet, "/", host("evil.example"), http.StatusForbidden},
		"a name for a style":       {http.MethodGet, "/static/console.css", host("evil.example"), http.StatusForbidden},
		"no host":                  {http.MethodGet, "/", host(""), http.StatusForbidden},
		"through a proxy":          {http.MethodGet, "/", header("X-Forwarded-For", "10.0.0.1"), http.StatusForbidden},
		"through another proxy":    {http.MethodGet, "/", header("Forwarded", "for=10.0.0.1"), http.StatusForbidden},
		"a form of another origin": {http.MethodPost, "/logout", header("Sec-Fetch-Site", "cross-site"), http.StatusForbidden},
		"a form of the same site":  {http.MethodPost, "/logout", header("Sec-Fetch-Site", "same-site"), http.StatusForbidden},
		"an old browser":           {http.MethodPost, "/logout", header("Origin", "http://evil.example"), http.StatusForbidden},
		"a form without an origin": {http.MethodPost, "/logout", header("Origin", "null"), http.StatusForbidden},
		"our own form":             {http.MethodPost, "/logout", header("Sec-Fetch-Site", "same-origin"), http.StatusSeeOther},
		"another method":           {http.MethodDelete, "/", host("localhost"), http.StatusMethodNotAllowed},
	} {
		if w := s.ask(tt.method, tt.target, tt.change); w.Code != tt.want {
			t.Errorf("%s: answered with %d, want %d", name, w.Code, tt.want)
		}
	}
}

// Whoever sends the beginning of a form, or of a body where none is meant, must not keep a connection.
func TestGuard_aRequestWithoutItsEndIsEnded(t *testing.T) {
	s := open(t, offline(t, ""), nil)
	e, err := s.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e.Server.ReadTimeout = 50 * time.Millisecond
	served := make(chan error, 1)
	go func() { served <- e.Serve() }()
	defer func() {
		e.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", e.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, method+" /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nname=a")
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.ReadAll(conn); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: the connection is kept", method)
		}
		_ = conn.Close()
	}
}

func TestGuard_everyResponseHasThePolicy(t *testing.T) {
	s := open(t, offline(t, ""), nil)
	for _, target := range []string{"/", "/static/console.css", "/static/icon.svg", "/none", "/letters?since=x"} {
		w := s.ask(http.MethodGet, target)
		h := w.Header()
		if got := h.Get("Content-Security-Policy"); got != policy || strings.Contains(got, "unsafe") || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "same-origin" {
			t.Errorf("%s: the headers are %v", target, h)
		}
	}
}

func TestNew_refusesAnAddressThatNeedsALogin(t *testing.T) {
	cfg := offline(t, "")
	for _, address := range []string{":9402", "0.0.0.0:9402", "192.0.2.1:9402"} {
		if _, err := New(Options{Config: func() *config.Config { return cfg }, Address: address}); err == nil || !strings.Contains(err.Error(), "nobody would have to log in") {
			t.Errorf("%s: the error is %v", address, err)
		}
	}
}

func TestIsLocalPath(t *testing.T) {
	for path, want := range map[string]bool{
		"/": true, "/letters?code=a": true, "": false, "//evil.example": false, "/\\evil.example": false, "https://evil.example": false, "letters": false, "/a\r\nX: y": false, "/\t/evil.example": false, "/a\x00": false,
	} {
		if got := isLocalPath(path); got != want {
			t.Errorf("%q: %v, want %v", path, got, want)
		}
	}
}

// What cannot be decoded would be left out, and a filter would pick more.
func TestGuard_refusesAFieldThatIsNotEncoded(t *testing.T) {
	s := open(t, offline(t, ""), nil)
	raw := func(body string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
			r.Body = io.NopCloser(strings.NewReader(body))
		}
	}
	for body, name := range map[string]string{
		"reason=test+data&class=rejected&code=%zz&count=1": "code",
		"reason=test+data&class=rejected;code=x&count=1":   "class",
		"reason=%&class=rejected&count=1":                  "reason",
		"reason=test+data&%zz=rejected&count=1":            "%zz",
	} {
		if w := s.ask(http.MethodPost, "/letters/discard", raw(body)); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "the field "+name+" ") {
			t.Errorf("%s is answered with %d: %s", body, w.Code, w.Body)
		}
	}
	w := s.ask(http.MethodGet, "/letters", func(r *http.Request) { r.URL.RawQuery = "class=rejected&code=%zz" })
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "the field code ") {
		t.Errorf("an address is answered with %d: %s", w.Code, w.Body)
	}
	if len(s.deeds.latest()) > 0 {
		t.Error("something was done")
	}
}

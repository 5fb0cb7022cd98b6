package console

import (
	"bufio"
	"context"
	"html"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/deskstream/deskstream/internal/endpoint"
	"github.com/deskstream/deskstream/internal/journal/journaltest"
	"github.com/deskstream/deskstream/internal/live"
	"github.com/deskstream/deskstream/sink"
)

// stream is an open stream of the live outcomes.
type stream struct {
	t     *testing.T
	resp  *http.Response
	lines chan string
	close func()
}

// serve serves a console's pages until the test ends.
func (s *site) serve() endpoint.Endpoint {
	s.t.Helper()
	e, err := s.Listen(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- e.Serve() }()
	s.t.Cleanup(func() {
		e.Close()
		if err := <-served; err != nil {
			s.t.Error(err)
		}
	})
	return e
}

func (s *site) stream(e endpoint.Endpoint, query string, changes ...func(*http.Request)) *stream {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	s.t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL(e)+"outcomes/stream"+query, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, change := range changes {
		change(req)
	}
	client := &http.Client{Transport: new(http.Transport)}
	s.t.Cleanup(client.CloseIdleConnections)
	resp, err := client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = resp.Body.Close() })
	st := &stream{t: s.t, resp: resp, lines: make(chan string, 1000), close: cancel}
	go func() {
		defer close(st.lines)
		for text := bufio.NewScanner(resp.Body); text.Scan(); {
			st.lines <- text.Text()
		}
	}()
	return st
}

// until returns what the stream sends up to a line with a text. It fails when the stream ends before.
func (s *stream) until(text string) string {
	s.t.Helper()
	var all strings.Builder
	limit := time.After(time.Minute)
	for {
		select {
		case line, ok := <-s.lines:
			all.WriteString(line + "\n")
			if !ok {
				s.t.Fatalf("the stream ended before %q:\n%s", text, &all)
			}
			if strings.Contains(line, text) {
				return html.UnescapeString(all.String())
			}
		case <-limit:
			s.t.Fatalf("%q did not come:\n%s", text, &all)
		}
	}
}

// ended waits until the stream ends.
func (s *stream) ended() {
	s.t.Helper()
	limit := time.After(time.Minute)
	for {
		select {
		case _, ok := <-s.lines:
			if !ok {
				return
			}
		case <-limit:
			s.t.Fatal("the stream does not end")
		}
	}
}

// await waits for a condition.
func await(t *testing.T, what string, met func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	limit := time.After(time.Minute)
	for !met() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("waited for %s", what)
		}
	}
}

// seen writes outcomes until the streams have begun to read: a reader begins at the end of the topic.
func seen(d *journaltest.Deployment, streams ...*stream) {
	for _, s := range streams {
		found := make(chan struct{})
		go func() {
			defer close(found)
			s.until("person-")
		}()
		for done := false; !done; {
			d.Settle(d.Event(0, "begin", "begin"), "crm", 0, sink.Delivered)
			select {
			case <-found:
				done = true
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
}

func TestStream_sendsWhatAFilterPicksAndNothingElse(t *testing.T) {
	d := journaltest.NewDeployment(t, "http://127.0.0.1:1", "")
	s := open(t, d.Config, nil)
	server := s.serve()
	all := s.stream(server, "")
	if kind := all.resp.Header.Get("Content-Type"); all.resp.StatusCode != http.StatusOK || kind != "text/event-stream; charset=utf-8" {
		t.Fatalf("answered with %d, %s", all.resp.StatusCode, kind)
	}
	seen(d, all)
	dead, open := s.stream(server, "?outcome=dead&code=http_422"), s.stream(server, "?outcome=dead&show=personal")
	await(t, "the streams", func() bool { return s.live.Viewers() == 3 })
	d.Settle(d.Event(0, "m-1", "hopper-1906"), "crm", 0, sink.Delivered)
	d.Settle(d.Event(1, "signup-"+mail, "hopper-1906"), "inbox", 0, sink.Dead)
	page := all.until("inbox")
	if !strings.Contains(page, "id=m-1") || !strings.Contains(page, "http_422") || len(leaks(page)) > 0 {
		t.Errorf("without a filter came, with the leaks %q:\n%s", leaks(page), page)
	}
	if page := dead.until("</tr>"); !strings.Contains(page, "inbox") || strings.Contains(page, "delivered") || len(leaks(page)) > 0 {
		t.Errorf("of the dead came, with the leaks %q:\n%s", leaks(page), page)
	}
	if page := open.until("</tr>"); !strings.Contains(page, "hopper-1906") || strings.Contains(page, "delivered") {
		t.Errorf("unmasked came:\n%s", page)
	}
	if !strings.Contains(s.logs.String(), `msg="personal data shown at the console" by=ann page=/outcomes/stream`) {
		t.Errorf("the log does not say who saw personal data:\n%s", s.logs)
	}
	all.close() // a pause
	dead.close()
	open.close()
	await(t, "the viewers to leave", func() bool { return s.live.Viewers() == 0 })
}

func TestStream_endsWithTheServerAndTakesNobodyThen(t *testing.T) {
	d := journaltest.NewDeployment(t, "http://127.0.0.1:1", "")
	s := open(t, d.Config, nil)
	server := s.serve()
	st := s.stream(server, "")
	st.until("retry")
	if err := server.Server.Shutdown(t.Context()); err != nil { // it waits for each request
		t.Fatal(err)
	}
	st.ended()
	if w := s.ask(http.MethodGet, "/outcomes/stream"); w.Code != http.StatusServiceUnavailable {
		t.Errorf("a stream after the end is answered with %d", w.Code)
	}
}

func TestStream_endsWhenItsPersonIsGone(t *testing.T) {
	d := journaltest.NewDeployment(t, "http://127.0.0.1:1", "")
	d.Config.Console.UsersFile = usersFile(t, "", "ann secret operator")
	s := open(t, d.Config, nil)
	server := s.serve()
	login := s.login("ann", "secret")
	if st := s.stream(server, ""); st.resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("somebody's stream is answered with %d", st.resp.StatusCode)
	}
	st := s.stream(server, "", cookies(login))
	st.until("retry")
	s.ask(http.MethodPost, "/logout", cookies(login))
	for range 3 {
		d.Settle(d.Event(0, "m-1", "u"), "crm", 0, sink.Delivered)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		st.ended()
	}()
	for done := false; !done; {
		select {
		case <-ended:
			done = true
		case <-time.After(50 * time.Millisecond):
			d.Settle(d.Event(0, "m-1", "u"), "crm", 0, sink.Delivered)
		}
	}
}

// deadlines is a connection that ends with the first flush, and knows which deadline stays.
type deadlines struct {
	*httptest.ResponseRecorder

	end  context.CancelFunc
	set  int
	last time.Time
}

// SetWriteDeadline is called by an http.ResponseController.
func (d *deadlines) SetWriteDeadline(at time.Time) error {
	d.set++
	d.last = at
	return nil
}

// Flush implements http.Flusher.
func (d *deadlines) Flush() { d.end() }

func TestStream_hasNoDeadlineBetweenTwoWrites(t *testing.T) {
	s := open(t, offline(t, ""), nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/outcomes/stream", nil)
	r.Host = "127.0.0.1:9402"
	w := &deadlines{ResponseRecorder: httptest.NewRecorder(), end: cancel}
	s.Handler().ServeHTTP(w, r)
	if w.set == 0 || !w.last.IsZero() {
		t.Errorf("%d deadlines were set, the last one to %s: HTTP/2 ends the stream then", w.set, w.last)
	}
}

func TestStream_sendsNoPersonalDataToWhoMayNoLongerSeeIt(t *testing.T) {
	cfg := offline(t, "")
	path := usersFile(t, "", "ann secret operator")
	cfg.Console.UsersFile = path
	s := open(t, cfg, nil)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/outcomes/stream?show=personal", nil)
	cookies(s.login("ann", "secret"))(r)
	v, ok := s.visit(httptest.NewRecorder(), r)
	if !ok {
		t.Fatal("ann is not known")
	}
	v.unmask(s.Console)
	open, masked := &streaming{visit: v}, &streaming{visit: &visit{Request: r, console: s.Console, masker: new(masker)}}
	if !open.maySend() || !masked.maySend() {
		t.Fatal("an operator gets no stream")
	}
	usersFile(t, path, "ann secret viewer")
	s.users.looked = time.Time{} // the file is looked at now
	if open.maySend() || !masked.maySend() {
		t.Errorf("a viewer gets personal data: %t, and masked rows: %t", open.maySend(), masked.maySend())
	}
}

func TestStream_isRefused(t *testing.T) {
	s := open(t, offline(t, ""), nil)
	gone, leave := context.WithCancel(t.Context())
	leave() // a stream that is not refused ends
	for name, tt := range map[string]struct {
		query string
		with  func(*http.Request)
		want  int
	}{
		"a page of another site":             {"", header("Sec-Fetch-Site", "cross-site"), http.StatusForbidden},
		"a page of another port":             {"", header("Sec-Fetch-Site", "same-site"), http.StatusForbidden},
		"a page that an old browser shows":   {"", header("Origin", "http://example.com"), http.StatusForbidden},
		"a page that has no origin":          {"", header("Origin", "null"), http.StatusForbidden},
		"another host":                       {"", func(r *http.Request) { r.Host = "example.com" }, http.StatusForbidden},
		"a destination that is none":         {"?destination=cmr", func(*http.Request) {}, http.StatusBadRequest},
		"an outcome that is none":            {"?outcome=gone", func(*http.Request) {}, http.StatusBadRequest},
		"a parameter that is none":           {"?destnation=crm", func(*http.Request) {}, http.StatusBadRequest},
		"a proxy in front, and nobody's log": {"", header("X-Forwarded-For", "10.0.0.1"), http.StatusForbidden},
	} {
		w := s.ask(http.MethodGet, "/outcomes/stream"+tt.query, tt.with, func(r *http.Request) { *r = *r.WithContext(gone) })
		if w.Code != tt.want || s.live.Viewers() != 0 {
			t.Errorf("%s: answered with %d, want %d: %s", name, w.Code, tt.want, w.Body)
		}
		if allow := w.Header().Get("Access-Control-Allow-Origin"); allow != "" {
			t.Errorf("%s: %s may read it", name, allow)
		}
	}
	for range live.MaxViewers {
		v, err := s.live.Watch(live.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
	}
	if w := s.ask(http.MethodGet, "/outcomes/stream"); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "try again later") {
		t.Errorf("one too many is answered with %d: %s", w.Code, w.Body)
	}
}

func TestOutcomes_pageShowsTheNewestThatAFilterPicks(t *testing.T) {
	d, _ := full(t)
	s := open(t, d.Config, nil)
	for query, wants := range map[string][]string{
		"":                            {"person-", "crm", "inbox", "http_422", `href="/event?id=m-1"`, "all 3 outcomes", "person-", `data-stream="/outcomes/stream"`},
		"?destination=inbox":          {"inbox</td>", `data-stream="/outcomes/stream?destination=inbox"`},
		"?user=hopper-1906":           {"m-1"},
		"?code=http_500":              {"No outcome is there that the filter picks."},
		"?type=identify&outcome=dead": {`href="/event?id=m-2"`},
	} {
		page := s.get("/outcomes" + query)
		for _, want := range wants {
			if !strings.Contains(page, want) {
				t.Errorf("%s lacks %q:\n%s", query, want, page)
			}
		}
		if query != "" && strings.Contains(page, "<td>crm</td>") != strings.Contains(query, "dead") && !strings.Contains(query, "user") {
			t.Errorf("%s shows others:\n%s", query, page)
		}
	}
	if w := s.ask(http.MethodGet, "/outcomes?destination=cmr"); w.Code != http.StatusBadRequest {
		t.Errorf("a wrong filter is answered with %d", w.Code)
	}
}

package stub_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/deskstream/deskstream/internal/stub"
)

// plainAPI is a desk that no package has: what a Server does must not depend on which
// desks there are.
type plainAPI struct {
	name  string
	seen  []stub.Request
	holds int
}

func (a *plainAPI) Name() string { return a.name }
func (a *plainAPI) Path() string { return "/" + a.name + "/v9" }
func (a *plainAPI) MaxBody() int { return 20 }
func (a *plainAPI) Routes() []stub.Route {
	take := func(r stub.Request) stub.Answer {
		a.seen = append(a.seen, r)
		a.holds++
		return stub.JSON(http.StatusCreated, r.Params)
	}
	return []stub.Route{stub.NewRoute("POST /things/{id}", take), stub.NewRoute("POST /by=/{id}/x={x}", take)}
}
func (a *plainAPI) Refuse(status int) stub.Answer { return stub.HTML(status, a.name) }
func (a *plainAPI) Unrouted(r stub.Request) stub.Answer {
	if r.OtherMethod {
		return a.Refuse(http.StatusMethodNotAllowed)
	}
	return a.Refuse(http.StatusNotFound)
}
func (a *plainAPI) BudgetOf(token string) string { return token }
func (a *plainAPI) Headers(h http.Header, b stub.Budget, _ time.Time) {
	h.Set("Left", strings.Repeat("|", b.Remaining))
}
func (a *plainAPI) User(r stub.Request) string { return strings.Join(r.Params, "+") }
func (a *plainAPI) Stats() map[string]int      { return map[string]int{"things": a.holds} }
func (a *plainAPI) Reset()                     { a.seen, a.holds = nil, 0 }

func TestServer_servesAnyDesks(t *testing.T) {
	one, two := &plainAPI{name: "one"}, &plainAPI{name: "two"}
	s := stub.New(stub.Config{Limit: 3}, one, two)
	for _, c := range []struct {
		method, path, body string
		status             int
		want, left         string
	}{
		{"POST", "/one/v9/things/7", `{"a":1}`, 201, `["7"]`, "||"},
		{"POST", "/one/v9/by=/7/x=8%2F9", "", 201, `["7","8/9"]`, "|"},
		{"POST", "/one/v9/things/7", strings.Repeat("x", 21), 413, "one", ""},
		{"POST", "/one/v9/things/7", "", 429, "one", ""},
		{"POST", "/two/v9/things/", "", 404, "two", "||"},
		{"GET", "/two/v9/things/7", "", 405, "two", "|"},
		{"POST", "/three/v9/things/7", "", 404, "", ""},
		{"POST", "/one/v8/things/7", "", 404, "", ""},
		{"POST", "/_stub/outage?destination=three&status=503", "", 400, "one, two", ""},
		{"GET", "/_stub/received?destination=three", "", 400, "one, two", ""},
	} {
		r := httptest.NewRequestWithContext(t.Context(), c.method, c.path, strings.NewReader(c.body))
		r.Header.Set("Authorization", "Bearer t")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) || w.Header().Get("Left") != c.left {
			t.Errorf("%s %s = %d %s, left %q; want %d %s, %q", c.method, c.path, w.Code, w.Body, w.Header().Get("Left"), c.status, c.want, c.left)
		}
	}
	if s.Desk("one") == nil || s.Desk("two") != s.Desks()[1] || s.Desk("three") != nil {
		t.Error("a desk is not found by its name")
	}
	if calls := s.Received(); len(calls) != 6 || calls[1].User != "7+8/9" || calls[1].Op != "POST /by=/{id}/x={x}" || calls[4].Destination != "two" {
		t.Errorf("received %+v", calls)
	}
	if len(one.seen) != 2 || one.seen[0].NotObject != nil || one.seen[1].NotObject == nil {
		t.Errorf("the first desk saw %+v", one.seen)
	}
	if st := s.Stats(); st.Holds["one"]["things"] != 2 || st.Holds["two"]["things"] != 0 || st.Calls["one"]["POST /things/{id}"][201] != 1 {
		t.Errorf("stats are %+v", st)
	}
	s.Reset()
	if len(s.Received()) != 0 || one.holds != 0 || s.Open() != 0 {
		t.Error("something is left after a reset")
	}
}

func TestServer_withoutDesksIsOnlyControlled(t *testing.T) {
	s := stub.New(stub.Config{})
	for path, want := range map[string]int{"/_stub/stats": 200, "/_stub/received": 200, "/trengo/api/v2/contacts": 404, "/": 404} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if w.Code != want {
			t.Errorf("%s = %d, want %d", path, w.Code, want)
		}
	}
	if s.Desk("trengo") != nil || len(s.Desks()) != 0 {
		t.Error("a desk is there that nobody gave")
	}
}

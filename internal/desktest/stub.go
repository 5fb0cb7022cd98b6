package desktest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/internal/stub"
)

func stubLaws() []law {
	return []law{
		{"stub: a request without the credential is refused", stubWantsACredential},
		{"stub: a path that the API does not have is refused", stubKnowsItsPaths},
		{"stub: a body that is no JSON is refused", stubWantsJSON},
		{"stub: a used-up limit is refused", stubHasALimit},
	}
}

type posted struct{ path, token, body string }

// post makes one request of the stub.
func post(t *testing.T, handler http.Handler, p posted) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, p.path, strings.NewReader(p.body))
	if p.token != "" {
		r.Header.Set("Authorization", "Bearer "+p.token)
	}
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

func stubWantsACredential(t *testing.T, d Desk) {
	handler := d.stub(stub.Config{Tokens: []string{Token}})
	for _, token := range []string{"", "another-one"} {
		if w := post(t, handler, posted{d.Write, token, "{}"}); w.Code != http.StatusUnauthorized {
			t.Errorf("with the token %q the status is %d, want 401", token, w.Code)
		}
	}
	if w := post(t, handler, posted{d.Write, Token, "{}"}); w.Code == http.StatusUnauthorized {
		t.Error("the credential is refused")
	}
}

func stubKnowsItsPaths(t *testing.T, d Desk) {
	w := post(t, d.stub(stub.Config{}), posted{"/zz/unknown", Token, "{}"})
	if json.Valid(w.Body.Bytes()) && w.Code < 300 {
		t.Errorf("an unknown path is answered %d %s", w.Code, w.Body)
	}
}

func stubWantsJSON(t *testing.T, d Desk) {
	for _, body := range []string{"", "{", "[1,", "text"} {
		if w := post(t, d.stub(stub.Config{}), posted{d.Write, Token, body}); w.Code < 400 || w.Code >= 500 {
			t.Errorf("the body %q is answered %d", body, w.Code)
		}
	}
}

func stubHasALimit(t *testing.T, d Desk) {
	handler := d.stub(stub.Config{Limit: 2})
	for range 2 {
		if w := post(t, handler, posted{d.Write, Token, "{}"}); w.Code == http.StatusTooManyRequests {
			t.Fatal("the limit is used up before it is reached")
		}
	}
	w := post(t, handler, posted{d.Write, Token, "{}"})
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" && w.Header().Get("X-RateLimit-Reset") == "" {
		t.Errorf("the third of two calls is answered %d with %v", w.Code, w.Header())
	}
}

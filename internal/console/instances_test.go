package console

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestInstances_showWhatEachSaysOrWhyNot(t *testing.T) {
	here := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/status" {
			fmt.Fprintf(w, `{"version":"1.2.3","pipelines":[{"destination":"crm","joined":true,"open":1234,"hold":"http_401","held_since":%q,"hold_cause":"the API refuses the credential","hold_next":"renew it","hold_here":true},{"destination":"inbox","joined":true,"partitions":3,"by_priority":[{"name":"high","open":77}],"budget":{"calls":100,"window_seconds":60,"share":1,"waiting":4321}}]}`,
				time.Now().Add(-time.Hour).UTC().Format(time.RFC3339))
		}
	}))
	defer here.Close()
	s := open(t, offline(t, ""), nil)
	if w := s.ask(http.MethodGet, "/instances"); w.Code != http.StatusNotFound || strings.Contains(s.get("/actions"), "/instances") {
		t.Errorf("without instances the page is answered with %d", w.Code)
	}
	s.Instances = []string{here.URL, "http://127.0.0.1:1"}
	page := html.UnescapeString(s.get(s.link(s.get("/actions"), "Instances")))
	for _, want := range []string{here.URL, "1.2.3", "1\u202f234", "on hold</span> http_401 for 60m: the API refuses the credential. To do: renew it.", "This hold is not on record", "runs</span>", "100 calls", "77 high", "4\u202f321", "127.0.0.1:1", "connection refused"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
}

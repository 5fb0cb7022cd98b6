package service

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/internal/config"
)

func TestInstanceOf_isWhereTheFileSays(t *testing.T) {
	for listen, want := range map[string]string{
		"127.0.0.1:9401": "http://127.0.0.1:9401",
		":9401":          "http://127.0.0.1:9401",
		"0.0.0.0:9401":   "http://127.0.0.1:9401",
		"[::]:9401":      "http://127.0.0.1:9401",
		"10.0.0.7:9401":  "http://10.0.0.7:9401",
		"":               "is off",
		"127.0.0.1:0":    "has port 0: give --admin",
		"nowhere":        "reading http.admin of c.yaml",
	} {
		cfg := &config.Config{}
		cfg.HTTP.Admin = listen
		i, err := InstanceOf("c.yaml", cfg)
		got := i.base
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("http.admin %q: %s, want %s", listen, got, want)
		}
	}
}

func TestInstanceAt_takesAddressesOnly(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1:9401":           "http://127.0.0.1:9401",
		"https://proxy.test/desk/": "https://proxy.test/desk",
		"ftp://x":                  "",
		"http://":                  "",
		"http://x/?a=b":            "",
		"http://x/#a":              "",
		"http://%zz":               "",
	} {
		if i, err := InstanceAt(address); i.base != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v, want %q", address, i.base, err, want)
		}
	}
}

// What the listener answers is what the caller gets; all else is an error that says what to check.
func TestInstance_believesAnAdminListenerOnly(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		body   string
		want   string // of the answer's error or of the error
		usage  bool
	}{
		"done":            {200, `{"destination":"crm/1","hold":"operator"}`, "", false},
		"so already":      {409, `{"destination":"crm/1","error":"held by an operator already"}`, "held by an operator already", false},
		"no such":         {404, `{"error":"there are a, b"}`, `destination "crm/1": there are a, b`, true},
		"failed":          {500, `{"error":"it broke"}`, "destination crm/1: it broke", false},
		"another program": {404, `not found`, "(404 Not Found) is not from an admin listener", false},
		"other JSON":      {200, `{"status":"ok"}`, "is not from an admin listener", false},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodPost || r.URL.EscapedPath() != "/destinations/"+url.PathEscape("crm/1")+"/hold" {
					t.Errorf("asked for %s %s", r.Method, r.URL.EscapedPath())
				}
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(tt.body))
			}))
			defer server.Close()
			i, err := InstanceAt(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			said, err := i.Hold(t.Context(), "crm/1")
			got := said.Error
			if err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, tt.want) || tt.want == "" && got != "" || errors.As(err, new(*config.UsageError)) != tt.usage {
				t.Errorf("%q (%T), want %q", got, err, tt.want)
			}
		})
	}
}

package service

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/internal/config"
)

// A page that binds its own name to our address has the same Origin and Host.
func TestAdmin_isAskedByItsOwnNamesOnly(t *testing.T) {
	machine, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	s := &Service{cfg: &config.Config{HTTP: config.HTTP{Admin: "ops.example.test:9401"}}, log: slog.New(slog.DiscardHandler)}
	for host, want := range map[string]bool{
		"127.0.0.1:9401": true, "10.0.0.7": true, "[::1]:9401": true, "localhost:9401": true, "LOCALHOST": true,
		"ops.example.test:9401": true, "ops.example.test.": true, machine + ":9401": true,
		"evil.test:9401": false, "evil.test": false, "localhost.evil.test": false, "127.0.0.1.evil.test:9401": false, "": false,
	} {
		for _, request := range []string{"GET /lanes", "GET /debug/pprof/", "GET /debug/pprof/heap?gc=1", "POST /destinations/crm/hold", "POST /destinations/crm/resume"} {
			method, path, _ := strings.Cut(request, " ")
			r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
			r.Host = host
			r.Header.Set("Sec-Fetch-Site", "same-origin")
			w := httptest.NewRecorder()
			s.adminHandler().ServeHTTP(w, r)
			if got := w.Code != http.StatusForbidden; got != want {
				t.Errorf("%s with Host %q got %d", request, host, w.Code)
			}
		}
	}
}

func TestAdmin_takesNoRequestOfAnotherOrigin(t *testing.T) {
	s := &Service{cfg: &config.Config{}, log: slog.New(slog.DiscardHandler)}
	for site, want := range map[string]int{"cross-site": 403, "same-site": 403, "same-origin": 200, "none": 200, "": 200} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/debug/pprof/cmdline", nil)
		r.Host = "127.0.0.1:9401"
		if site != "" {
			r.Header.Set("Sec-Fetch-Site", site)
		}
		w := httptest.NewRecorder()
		s.adminHandler().ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("a profile asked for by a %q page got %d, want %d", site, w.Code, want)
		}
	}
}

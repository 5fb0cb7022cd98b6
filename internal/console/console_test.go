package console

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/crypto/bcrypt"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/config/configtest"
	"github.com/deskstream/deskstream/internal/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// offline is a configuration whose broker does not answer, with further lines.
func offline(t *testing.T, more string) *config.Config {
	t.Helper()
	return configtest.Parse(t, `
kafka: {brokers: ["127.0.0.1:1"]}
destinations:
  - {name: crm, type: kustomer, kustomer: {api_key: key-for-kustomer}}
%s`, more)
}

// site is a console in a test.
type site struct {
	*Console

	t    *testing.T
	logs *logs
}

// logs collects what is logged.
type logs struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func open(t *testing.T, cfg *config.Config, running Pipelines) *site {
	t.Helper()
	s := &site{t: t, logs: new(logs)}
	var err error
	s.Console, err = New(Options{
		Config: func() *config.Config { return cfg }, Log: slog.New(slog.NewTextHandler(s.logs, nil)), Address: "127.0.0.1:0", Pipelines: running, By: "ann",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.jobs.close)
	t.Cleanup(s.live.Close)
	return s
}

// ask is a request of a test, which its changes complete.
func (s *site) ask(method, target string, changes ...func(*http.Request)) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), method, target, nil)
	r.Host = "127.0.0.1:9402"
	r.RemoteAddr = "127.0.0.1:40000"
	for _, change := range changes {
		change(r)
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

// get returns a page that must be there.
func (s *site) get(target string, changes ...func(*http.Request)) string {
	s.t.Helper()
	w := s.ask(http.MethodGet, target, changes...)
	if w.Code != http.StatusOK {
		s.t.Fatalf("%s is answered with %d:\n%s", target, w.Code, w.Body)
	}
	return w.Body.String()
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Add(name, value) }
}

func form(values ...string) func(*http.Request) {
	body := url.Values{}
	for i := 0; i+1 < len(values); i += 2 {
		body.Add(values[i], values[i+1])
	}
	return func(r *http.Request) {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Body = io.NopCloser(strings.NewReader(body.Encode()))
	}
}

func from(address string) func(*http.Request) {
	return func(r *http.Request) { r.RemoteAddr = address + ":40000" }
}

func cookies(w *httptest.ResponseRecorder) func(*http.Request) {
	return func(r *http.Request) {
		for _, c := range w.Result().Cookies() {
			r.AddCookie(c)
		}
	}
}

// passwords are the hashes of passwords, which take a while to make.
var passwords sync.Map

// usersFile writes a file of users with lines "name password role".
func usersFile(t *testing.T, path string, users ...string) string {
	t.Helper()
	if path == "" {
		path = filepath.Join(t.TempDir(), "users")
	}
	var text strings.Builder
	text.WriteString("# who may look\n\n")
	for _, line := range users {
		part := strings.Fields(line)
		hash, ok := passwords.Load(part[1])
		if !ok {
			made, err := bcrypt.GenerateFromPassword([]byte(part[1]), minCost)
			if err != nil {
				t.Fatal(err)
			}
			hash = string(made)
			passwords.Store(part[1], hash)
		}
		fmt.Fprintf(&text, "%s:%s:%s\n", part[0], hash, part[2])
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func withUsers(t *testing.T, users ...string) *site {
	t.Helper()
	return open(t, offline(t, fmt.Sprintf("console: {users_file: %q}", usersFile(t, "", users...))), nil)
}

func (s *site) login(name, password string, changes ...func(*http.Request)) *httptest.ResponseRecorder {
	s.t.Helper()
	return s.ask(http.MethodPost, "/login", append(changes, form("name", name, "password", password))...)
}

// pipelines are those of an instance in a test.
type fakePipelines struct {
	status []status.Pipeline
	lanes  []status.Lane
	rules  []status.Rule
	turned []string
	here   string
	err    error
}

func (f *fakePipelines) Hold(name string) (here string, err error) {
	f.turned = append(f.turned, "hold "+name)
	return f.here, f.err
}

func (f *fakePipelines) Resume(name string) error {
	f.turned = append(f.turned, "resume "+name)
	return f.err
}

func (f *fakePipelines) Rules() []status.Rule { return f.rules }

func (f *fakePipelines) Status() []status.Pipeline { return f.status }

func (f *fakePipelines) WaitingLanes(n int) ([]status.Lane, int) {
	return f.lanes[:min(n, len(f.lanes))], len(f.lanes)
}

package desktest

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/internal/stub"
	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
)

// world is a desk under test with an API behind it.
type world struct {
	desk  Desk
	url   string
	dest  *sink.Destination
	route sink.Route

	mu       sync.Mutex
	requests []*http.Request // without their bodies
	ops      map[string]bool
}

// api decides about a request in place of the stub.
type api func(w http.ResponseWriter, r *http.Request, stub http.Handler)

// newWorld serves the desk's API. Without between, the stub answers.
func newWorld(t *testing.T, d Desk, between api, change ...func(*sink.Config)) *world {
	t.Helper()
	w := &world{desk: d, ops: make(map[string]bool)}
	handler := d.stub(stub.Config{Seed: 1})
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.requests = append(w.requests, r)
		w.mu.Unlock()
		if between != nil {
			between(rw, r, handler)
			return
		}
		handler.ServeHTTP(rw, r)
	}))
	t.Cleanup(server.Close)
	w.url = server.URL
	w.connect(t, change)
	return w
}

// connect makes a destination of the desk as package wiring does, with short waits.
func (w *world) connect(t *testing.T, change []func(*sink.Config)) {
	t.Helper()
	settings := w.desk.Settings(w.url)
	if err := settings.Validate(); err != nil {
		t.Fatalf("the settings are refused: %v", err)
	}
	endpoint, credential := settings.Endpoint(), settings.Credential()
	base := endpoint.Base
	if base == "" {
		base = endpoint.URL
	}
	c := sink.Config{
		Name: "desk", BaseURL: base, Credential: credential.Secret, Headers: credential.Headers, MaxInFlight: 8,
		Rate: budget.Rate{Requests: 60_000, Per: time.Minute}, Timeout: 10 * time.Second, Alone: true, Version: "test",
		Retry:  sink.Policy{MaxAttempts: 2, MaxElapsed: 200 * time.Millisecond, Initial: time.Millisecond, Max: time.Millisecond},
		OnCall: func(a sink.Attempt) { w.noteOp(a.Op) },
	}
	for _, set := range change {
		set(&c)
	}
	var accounts sink.Accounts
	w.dest = sink.NewDestination(c, accounts.Budget(c), slog.New(slog.DiscardHandler))
	t.Cleanup(w.dest.Close)
	var err error
	to := desk.Destination{Name: "desk", RuleFault: func(rule string, err error) { t.Errorf("fault of the rule %s: %v", rule, err) }}
	if len(w.desk.Rules) > 0 {
		if to.Rules, err = rules.Compile(w.desk.Rules); err != nil {
			t.Fatal(err)
		}
	}
	w.route, err = w.desk.Kind.Route(to, settings, accounts.IDs(c))
	if err != nil {
		t.Fatalf("there is no route: %v", err)
	}
}

func (w *world) noteOp(op string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ops[op] = true
}

// deliver carries an event to the desk.
func (w *world) deliver(ctx context.Context, event string) (sink.Outcome, error) {
	pass, err := w.dest.Gate().Enter(ctx, "lane")
	if err != nil {
		return sink.Outcome{}, err
	}
	s := w.dest.Session(pass, sink.Stop{Soft: ctx, Hard: ctx})
	s.Lane = "lane"
	return w.route.Deliver(context.WithoutCancel(ctx), s, []byte(event))
}

// plan returns what an event would cause, without a call.
func (w *world) plan(t *testing.T, event string) sink.Outcome {
	t.Helper()
	o, err := w.route.Deliver(t.Context(), w.dest.PlanSession(t.Context(), sink.PlanOffline, nil), []byte(event))
	if err != nil {
		t.Fatalf("planning %s: %v", event, err)
	}
	return o
}

// received lists the requests so far.
func (w *world) received() []*http.Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]*http.Request(nil), w.requests...)
}

func isLookup(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// writes lists the requests that are no lookups.
func (w *world) writes() []*http.Request {
	var writes []*http.Request
	for _, r := range w.received() {
		if !isLookup(r) {
			writes = append(writes, r)
		}
	}
	return writes
}

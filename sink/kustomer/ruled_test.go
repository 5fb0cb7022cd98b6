package kustomer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	"github.com/deskstream/deskstream/mapping"
	mapper "github.com/deskstream/deskstream/mapping/kustomer"
	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
	"github.com/deskstream/deskstream/sink/keys"
	"github.com/deskstream/deskstream/sink/kustomer"
	"github.com/deskstream/deskstream/sink/sinktest"
)

// wire is the way to the stub. It writes down the calls.
type wire struct {
	mu     sync.Mutex
	desk   http.Handler
	calls  []string
	before func(call string) fate
	takes  time.Duration // each call
}

// fate is what becomes of a call.
type fate struct {
	never  bool          // it takes no effect
	after  time.Duration // when it takes effect
	lost   bool          // its answer is
	status int           // of the answer, unless it is 0
	body   string        // of that answer
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(w.takes)
	w.mu.Lock()
	defer w.mu.Unlock()
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	call := strings.TrimSpace(r.Method + " " + strings.TrimPrefix(r.URL.RequestURI(), "/v1") + " " + string(body))
	w.calls = append(w.calls, call)
	var f fate
	if w.before != nil {
		f = w.before(call)
	}
	arrived := httptest.NewRequestWithContext(context.Background(), r.Method, r.URL.RequestURI(), bytes.NewReader(body))
	arrived.Header = r.Header.Clone()
	answered := httptest.NewRecorder()
	switch {
	case f.never:
	case f.after > 0:
		time.AfterFunc(f.after, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.desk.ServeHTTP(httptest.NewRecorder(), arrived)
		})
	default:
		w.desk.ServeHTTP(answered, arrived)
	}
	if f.lost {
		httptrace.ContextClientTrace(r.Context()).GotConn(httptrace.GotConnInfo{}) // it was sent
		return nil, errors.New("connection reset")
	}
	if f.status != 0 {
		answered = httptest.NewRecorder()
		answered.WriteHeader(f.status)
		_, _ = answered.WriteString(f.body)
	}
	return answered.Result(), nil
}

// deskScene is a desk with one customer, as one process after the other sees it.
type deskScene struct {
	t        *testing.T
	server   *stub.Server
	wire     *wire
	ids      *sink.IDs
	ledger   *sinktest.Ledger
	customer string
	offset   int // of the event
	changed  bool
	keys     *keys.Store
	closed   []keys.Named // by the event
}

// onStub runs a test on a desk with the customer ada.
func onStub(t *testing.T, name string, test func(*deskScene)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			server := stub.New(stub.Config{Seed: 1}, stubkustomer.New())
			s := &deskScene{
				t: t, server: server, wire: &wire{desk: server.Desk(stubkustomer.Name)}, ids: newIDs(),
				ledger: &sinktest.Ledger{Follows: errors.New("an effect that is found by its id needs to know nothing of others")}, keys: new(keys.Store),
			}
			s.customer = id(s.call("POST", "/customers", `{"externalId":"ada","emails":[{"email":"ada@example.test"}],"tags":["early"]}`))
			test(s)
		})
	})
}

// call makes a call that is not the program's.
func (s *deskScene) call(method, path, body string) mapping.Value {
	s.t.Helper()
	r := httptest.NewRequestWithContext(context.Background(), method, "/v1"+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer key-of-the-desk")
	answered := httptest.NewRecorder()
	s.wire.desk.ServeHTTP(answered, r)
	if answered.Code >= 300 {
		s.t.Fatalf("%s %s: %d %s", method, path, answered.Code, answered.Body)
	}
	if answered.Code == http.StatusNoContent {
		return mapping.Value{}
	}
	v, err := mapping.ParseJSON(answered.Body.Bytes())
	if err != nil {
		s.t.Fatal(err)
	}
	return v.Get("data")
}

func id(v mapping.Value) string { return v.Get("id").Text() }

// open opens a conversation of ada's, as an agent.
func (s *deskScene) open() string {
	time.Sleep(time.Second)
	return id(s.call("POST", "/customers/"+s.customer+"/conversations", `{}`))
}

// conversation is a conversation of the desk.
func (s *deskScene) conversation(of string) mapping.Value {
	return s.call("GET", "/conversations/"+of, "").Get("attributes")
}

// warm lets the process know the lists and the customer.
func (s *deskScene) warm() {
	s.t.Helper()
	o := s.does(rules.Decision{Actions: []rules.Action{
		rules.UseTicket{Open: rules.OpenAlways},
		rules.Assign{Team: "Support", User: "mila@desk.example"},
		rules.SetQueue{Name: "Payments"},
		rules.Label{Names: []string{"vip"}},
		rules.SetStatus{Closed: true},
	}})
	if o.Outcome != sink.Delivered || len(o.Warnings) > 0 {
		s.t.Fatalf("%+v with the warnings %q", o.Error, o.Warnings)
	}
	s.wire.calls, s.ledger.Last = nil, nil
	s.offset++
}

// does carries a decision out, as one process.
func (s *deskScene) does(d rules.Decision) sink.Outcome {
	s.t.Helper()
	o, err := s.tries(s.t.Context(), d, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return o
}

// event is an event of ada's of a type, with more members.
func eventOf(typ, more string) string {
	return `{"type":"` + typ + `","messageId":"m-1","userId":"ada","event":"E"` + more + `}`
}

// tries carries a decision about ada out, as far as ctx lets it.
func (s *deskScene) tries(ctx context.Context, d rules.Decision, before *sink.Progress) (sink.Outcome, error) {
	s.t.Helper()
	return s.delivers(ctx, eventOf("track", ""), d, before)
}

// delivers carries a decision about an event out.
func (s *deskScene) delivers(ctx context.Context, event string, d rules.Decision, before *sink.Progress) (sink.Outcome, error) {
	s.t.Helper()
	if d.Rule == "" {
		d.Rule = "r"
	}
	rate := budget.Rate{Requests: 1_000_000, Per: time.Second}
	dest := sink.NewDestination(sink.Config{
		Name: "crm", BaseURL: "http://desk.example", Credential: sink.NewSecret("key-of-the-desk"), MaxInFlight: 4, Rate: rate,
		Timeout: 10 * time.Second, Retry: sink.Policy{Initial: time.Second, Max: time.Second}, Version: "test", Transport: s.wire,
	}, budget.New(rate), slog.New(slog.DiscardHandler))
	defer dest.Close()
	pass, err := dest.Gate().Enter(ctx, "ada")
	if err != nil {
		s.t.Fatal(err)
	}
	session := dest.Session(pass, sink.Stop{Soft: ctx, Hard: ctx})
	session.Ledger, session.Inherited, session.Identity = s.ledger, before, func() string { return fmt.Sprint("events/0/", s.offset) }
	named := &keys.OfEvent{
		Store: s.keys, Topic: "events", Lane: "ada", By: keys.Event{Offset: int64(s.offset), Epoch: -1},
		Write: func(ctx context.Context, n keys.Named) error {
			s.keys.Put(n.Name, n.Entry)
			return ctx.Err()
		},
	}
	session.Keys = named
	defer func() { s.closed = named.Closed() }()
	return s.route(d).Deliver(s.t.Context(), session, []byte(event))
}

// route carries a decision out for every event.
func (s *deskScene) route(d rules.Decision) sink.Route {
	m := mapper.New(mapper.Config{AdvancedTransform: true})
	return sink.NewRoute(sink.DestinationInfo{Name: "crm", Type: "kustomer"}, mapping.Filter{},
		func(ev mapping.Event) (a kustomer.Actions, err error) {
			a.Decision, a.Changed = d, s.changed
			if d.Default {
				if a.Default, err = m.Map(ev); err != nil {
					return a, err
				}
			}
			var warnings []string
			a.Person, warnings, err = m.Person(ev)
			a.Decision.Warnings = append(a.Decision.Warnings, warnings...)
			return a, err
		}, kustomer.New(s.ids).Act)
}

// stepsOf are the steps of an outcome, each with its state.
func stepsOf(o sink.Outcome) (list []string) {
	for _, step := range o.Steps {
		list = append(list, step.Name+" "+string(step.State))
	}
	return list
}

// verdictOf is an outcome in words.
func verdictOf(o sink.Outcome) string {
	switch {
	case o.Error != nil:
		return fmt.Sprintf("%s %s %s", o.Outcome, o.Error.Class, o.Error.Code)
	case o.Reason != nil:
		return fmt.Sprintf("%s %s", o.Outcome, string(*o.Reason))
	}
	return string(o.Outcome)
}

// same compares the calls with what they should be: {A} stands for ada's id, {T} for the
// conversation's, {list name} for the id of what a list has, and {x} for an externalId of ours.
func (s *deskScene) same(conversation string, want ...string) {
	s.t.Helper()
	var ids []string
	for _, list := range []string{"/teams", "/users", "/tags", "/routing/queues"} {
		for _, m := range s.call("GET", list, "").Members() {
			ids = append(ids, "{"+m.Value.Get("attributes", "name").Str()+"}", id(m.Value))
		}
	}
	replace := strings.NewReplacer(append(ids, "{T}", conversation, "{A}", s.customer)...)
	for i := range want {
		want[i] = replace.Replace(want[i])
	}
	got := make([]string, len(s.wire.calls))
	for i, call := range s.wire.calls {
		got[i] = externalIDs(call)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// externalIDs is a call with {x} for each externalId of ours.
func externalIDs(call string) string {
	for {
		before, after, ours := strings.Cut(call, "ds-")
		if !ours {
			return call
		}
		call = before + "{x}" + after[min(32, len(after)):]
	}
}

// refused is the fate of a call that the desk refuses.
func refused(status int) fate {
	return fate{never: true, status: status, body: `{"errors":[{"title":"no"}]}`}
}

// writes are the calls that change something.
func (w *wire) writes() (list []string) {
	for _, call := range w.calls {
		if !strings.HasPrefix(call, "GET ") {
			list = append(list, call)
		}
	}
	return list
}

package trengo_test

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
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/stub"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/rules"
	mapped "github.com/deskstream/deskstream/mapping/trengo"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
	"github.com/deskstream/deskstream/sink/keys"
	"github.com/deskstream/deskstream/sink/sinktest"
	"github.com/deskstream/deskstream/sink/trengo"
)

// wire is the way to the stub. It writes down the calls, with the ids of what they are about
// named by the order in which they were seen.
type wire struct {
	mu     sync.Mutex
	desk   http.Handler
	calls  []string
	before func(call string) fate
	takes  time.Duration // each call
}

// fate is what becomes of a call.
type fate struct {
	never  bool   // it takes no effect
	lost   bool   // its answer is
	status int    // of the answer, unless it is 0
	body   string // of that answer
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
	call := strings.TrimSpace(r.Method + " " + r.URL.RequestURI() + " " + string(body))
	w.calls = append(w.calls, call)
	var f fate
	if w.before != nil {
		f = w.before(call)
	}
	arrived := httptest.NewRequestWithContext(context.Background(), r.Method, r.URL.RequestURI(), bytes.NewReader(body))
	arrived.Header = r.Header.Clone()
	answered := httptest.NewRecorder()
	if !f.never {
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

// scene is a desk with one contact, as one process after the other sees it.
type scene struct {
	t       *testing.T
	server  *stub.Server
	wire    *wire
	ids     *sink.IDs
	ledger  *sinktest.Ledger
	contact string

	keys   keys.Store
	offset int64        // of the event
	write  func() error // of a key's record; nil: it is written
	mu     sync.Mutex
	closed []keys.Named // by the last event; under mu, events may go together
}

// onStub runs a test on a desk with the contact ada.
func onStub(t *testing.T, name string, test func(*scene)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			server := stub.New(stub.Config{Seed: 1}, stubtrengo.New(nil))
			s := &scene{t: t, server: server, wire: &wire{desk: server.Desk(stubtrengo.Name)}, ids: newIDs(), ledger: &sinktest.Ledger{}}
			s.contact = id(s.call("POST", "/channels/123456/contacts", `{"identifier":"ada@example.test"}`))
			test(s)
		})
	})
}

// call makes a call that is not the program's.
func (s *scene) call(method, path, body string) mapping.Value {
	s.t.Helper()
	r := httptest.NewRequestWithContext(context.Background(), method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer key-of-the-desk")
	answered := httptest.NewRecorder()
	s.wire.desk.ServeHTTP(answered, r)
	if answered.Code >= 300 {
		s.t.Fatalf("%s %s: %d %s", method, path, answered.Code, answered.Body)
	}
	v, err := mapping.ParseJSON(answered.Body.Bytes())
	if err != nil {
		s.t.Fatal(err)
	}
	return v
}

func id(v mapping.Value) string { return v.Get("id").Text() }

// open opens a ticket of ada's, as an agent.
func (s *scene) open() string {
	return id(s.call("POST", "/tickets", `{"contact_id":`+s.contact+`,"channel_id":123456}`))
}

// ticket is a ticket of the desk.
func (s *scene) ticket(of string) mapping.Value { return s.call("GET", "/tickets/"+of, "") }

// warm lets the process know the lists, the contact, and a ticket and a message.
func (s *scene) warm() {
	s.t.Helper()
	o := s.does(rules.Decision{Actions: []rules.Action{
		rules.SaveContact{Fields: []rules.Named{{Name: "Plan", Value: "pro"}}},
		rules.UseTicket{Open: rules.OpenAlways},
		rules.Assign{Team: "Support", User: "mila@desk.example"},
		rules.Label{Names: []string{"vip"}},
		rules.SetStatus{Closed: true, Result: "Refunded"},
	}})
	if o.Outcome != sink.Delivered || len(o.Warnings) > 0 {
		s.t.Fatalf("%+v with the warnings %q", o.Error, o.Warnings)
	}
	s.wire.calls = nil
}

// does carries a decision out, as one process.
func (s *scene) does(d rules.Decision) sink.Outcome {
	s.t.Helper()
	o, err := s.tries(s.t.Context(), d, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return o
}

// tries carries a decision out as far as ctx lets it.
func (s *scene) tries(ctx context.Context, d rules.Decision, before *sink.Progress) (sink.Outcome, error) {
	s.t.Helper()
	return s.acts(ctx, before, trengo.Actions{
		Contact:  mapped.Contact{Kind: mapped.Email, Identifier: "ada@example.test", Channel: mapping.Str("123456")},
		Decision: d,
	})
}

// destination is the way to the desk.
func (s *scene) destination() *sink.Destination {
	rate := budget.Rate{Requests: 1_000_000, Per: time.Second}
	return sink.NewDestination(sink.Config{
		Name: "support", BaseURL: "http://desk.example", Credential: sink.NewSecret("key-of-the-desk"), MaxInFlight: 4, Rate: rate,
		Timeout: 10 * time.Second, Retry: sink.Policy{Initial: time.Second, Max: time.Second}, Version: "test", Transport: s.wire,
	}, budget.New(rate), slog.New(slog.DiscardHandler))
}

// deliver has a session carry actions out.
func (s *scene) deliver(session *sink.Session, a trengo.Actions) (sink.Outcome, error) {
	route := sink.NewRoute(sink.DestinationInfo{Name: "support", Type: "trengo"}, mapping.Filter{},
		func(mapping.Event) (trengo.Actions, error) { return a, nil }, trengo.New(s.ids).Act)
	return route.Deliver(s.t.Context(), session, []byte(`{"type":"track","messageId":"m-1","userId":"u-1","event":"E"}`))
}

func (s *scene) acts(ctx context.Context, before *sink.Progress, a trengo.Actions) (sink.Outcome, error) {
	s.t.Helper()
	dest := s.destination()
	defer dest.Close()
	pass, err := dest.Gate().Enter(ctx, "u-1")
	if err != nil {
		s.t.Fatal(err)
	}
	session := dest.Session(pass, sink.Stop{Soft: ctx, Hard: ctx})
	session.Ledger, session.Inherited, session.Identity = s.ledger, before, func() string { return "events/0/7" }
	named := &keys.OfEvent{Store: &s.keys, Topic: "events", Lane: "u-1", By: keys.Event{Offset: s.offset, Epoch: -1}, Write: s.writeKey}
	session.Keys = named
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.closed = named.Closed()
	}()
	return s.deliver(session, a)
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

// same compares the calls with what they should be, in which T stands for a ticket's id and C
// for the contact's.
func (s *scene) same(ticket string, want ...string) {
	s.t.Helper()
	for i := range want {
		want[i] = strings.NewReplacer("{T}", ticket, "{C}", s.contact).Replace(want[i])
	}
	if diff := cmp.Diff(want, s.wire.calls); diff != "" {
		s.t.Errorf("calls (-want +got):\n%s", diff)
	}
}

var failedPayment = rules.Decision{Actions: []rules.Action{
	rules.UseTicket{Open: rules.OpenAlways, Subject: "Payment failed"},
	rules.Assign{Team: "Billing"},
	rules.Label{Names: []string{"billing"}},
	rules.SetFields{Fields: []rules.Named{{Name: "Invoice", Value: "I-7"}}},
}}

func TestAct_carriesOutARule(t *testing.T) {
	onStub(t, "with warm caches", func(s *scene) {
		s.warm()
		o := s.does(failedPayment)
		ticket := o.IDs["ticket_id"]
		s.same(ticket,
			`POST /tickets {"contact_id":{C},"channel_id":"123456","subject":"Payment failed"}`,
			`POST /tickets/{T}/assign {"type":"team","team_id":3001}`,
			`POST /tickets/{T}/labels {"label_id":4001}`,
			`POST /tickets/{T}/custom_fields {"custom_field_id":5002,"value":"I-7"}`,
		)
		if diff := cmp.Diff([]string{"ticket done", "assign:team done", "label:billing done", "field:Invoice done"}, stepsOf(o)); diff != "" {
			t.Errorf("steps (-want +got):\n%s", diff)
		}
		shown := s.ticket(ticket)
		if shown.Get("team_id").Text() != "3001" || shown.Get("labels").At(0).Get("name").Str() != "billing" || shown.Get("custom_data", "Invoice").Str() != "I-7" {
			t.Errorf("the ticket is %s", shown.JSON())
		}
	})
	onStub(t, "with cold ones", func(s *scene) {
		o := s.does(failedPayment)
		s.same(o.IDs["ticket_id"],
			"GET /teams?page=1", "GET /labels?page=1", "GET /custom_fields?page=1",
			"GET /contacts?page=1&term=ada%40example.test", "GET /tickets?page=1",
			`POST /tickets {"contact_id":{C},"channel_id":"123456","subject":"Payment failed"}`,
			`POST /tickets/{T}/assign {"type":"team","team_id":3001}`,
			`POST /tickets/{T}/labels {"label_id":4001}`,
			`POST /tickets/{T}/custom_fields {"custom_field_id":5002,"value":"I-7"}`,
		)
	})
	onStub(t, "a paid one", func(s *scene) {
		s.warm()
		ticket := s.open()
		o := s.does(rules.Decision{Actions: []rules.Action{rules.UseTicket{Open: rules.OpenNever}, rules.SetStatus{Closed: true, Result: "Paid"}}})
		s.same(ticket, "GET /tickets?contact_id={C}&page=1", `POST /tickets/{T}/close {"ticket_result_id":6001}`)
		if got := s.ticket(ticket).Get("status").Str(); got != "CLOSED" || o.IDs["ticket_id"] != ticket {
			t.Errorf("the ticket is %s, and the ids are %v", got, o.IDs)
		}
	})
}

func TestAct_usesATicket(t *testing.T) {
	label := rules.Label{Names: []string{"4001"}}
	tests := map[string]struct {
		open    rules.Opening
		there   func(s *scene) string // the ticket that is to be used, "" for a new one
		outcome string
		steps   []string
	}{
		"the newest open one": {rules.OpenOnce, func(s *scene) string {
			s.open()
			ticket := s.open()
			s.call("POST", "/tickets/"+s.open()+"/close", "{}")
			return ticket
		}, "delivered", []string{"ticket skipped", "label:4001 done"}},
		"none that is closed": {rules.OpenOnce, func(s *scene) string {
			s.call("POST", "/tickets/"+s.open()+"/close", "{}")
			return ""
		}, "delivered", []string{"ticket done", "label:4001 done"}},
		"none of another channel": {rules.OpenOnce, func(s *scene) string {
			s.call("POST", "/tickets", `{"contact_id":`+s.contact+`,"channel_id":123457}`)
			return ""
		}, "delivered", []string{"ticket done", "label:4001 done"}},
		"always a new one": {rules.OpenAlways, func(s *scene) string { s.open(); return "" }, "delivered", []string{"ticket done", "label:4001 done"}},
		"never a new one":  {rules.OpenNever, func(*scene) string { return "" }, "skipped ticket_not_found", []string{"ticket skipped"}},
		"never, but there": {rules.OpenNever, (*scene).open, "delivered", []string{"ticket skipped", "label:4001 done"}},
		"one that is merged": {rules.OpenNever, func(s *scene) string {
			target, source := s.open(), s.open()
			s.wire.before = func(call string) fate {
				if strings.HasPrefix(call, "POST /tickets/"+source) {
					s.call("POST", "/tickets/"+target+"/merge", `{"source_ticket_id":`+source+`}`)
				}
				return fate{}
			}
			return target
		}, "delivered", []string{"ticket skipped", "ticket:again skipped", "label:4001 done"}},
		"one that is deleted": {rules.OpenOnce, func(s *scene) string {
			source, target := s.open(), ""
			s.wire.before = func(call string) fate {
				if strings.HasPrefix(call, "POST /tickets/"+source) && target == "" {
					target = s.open()
					s.call("POST", "/tickets/"+target+"/merge", `{"source_ticket_id":`+source+`}`)
					s.call("POST", "/tickets/"+target+"/close", "{}")
				}
				return fate{}
			}
			return ""
		}, "delivered", []string{"ticket skipped", "ticket:again done", "label:4001 done"}},
	}
	for name, tt := range tests {
		onStub(t, name, func(s *scene) {
			want := tt.there(s)
			known := len(s.server.Desk(stubtrengo.Name).Tickets())
			o := s.does(rules.Decision{Actions: []rules.Action{rules.UseTicket{Open: tt.open}, label}})
			if got := verdictOf(o); got != tt.outcome {
				s.t.Fatalf("%s, want %s", got, tt.outcome)
			}
			if diff := cmp.Diff(tt.steps, stepsOf(o)); diff != "" {
				s.t.Errorf("steps (-want +got):\n%s", diff)
			}
			used := o.IDs["ticket_id"]
			if o.Outcome == sink.Skipped {
				return
			}
			if isNew := s.server.Desk(stubtrengo.Name).Tickets()[known:]; want != "" && used != want || want == "" && (len(isNew) == 0 || isNew[len(isNew)-1].ID != used) {
				s.t.Errorf("ticket %s, want %q", used, want)
			}
			if s.ticket(used).Get("labels").Len() != 1 {
				s.t.Error("the ticket has no label")
			}
		})
	}
}

func TestAct_aNameThatTheDeskLacks(t *testing.T) {
	d := rules.Decision{Actions: []rules.Action{
		rules.UseTicket{Open: rules.OpenOnce, Channel: "No channel"},
		rules.Assign{Team: "Nobody", User: "8"},
		rules.Label{Names: []string{"no label", "vip"}},
		rules.SetFields{Fields: []rules.Named{{Name: "Region", Value: "x"}}},
		rules.SetStatus{Closed: true, Result: "No result"},
	}}
	onStub(t, "is left out", func(s *scene) {
		o := s.does(d)
		if diff := cmp.Diff([]string{
			"ticket done", "assign:team skipped", "assign:user done", "label:no label skipped", "label:vip done", "field:Region skipped", "close done",
		}, stepsOf(o)); diff != "" {
			s.t.Errorf("steps (-want +got):\n%s", diff)
		}
		if len(o.Warnings) != 5 || o.Outcome != sink.Delivered {
			s.t.Errorf("%s with the warnings %q, want one for each of five names", verdictOf(o), o.Warnings)
		}
		// A label that is archived has the name as well.
		if got := id(s.ticket(o.IDs["ticket_id"]).Get("labels").At(0)); got != "4004" {
			s.t.Errorf("label %s, want 4004", got)
		}
	})
	onStub(t, "kills where the rule says so, before anything is written", func(s *scene) {
		d.Strict = true
		o := s.does(d)
		if got := verdictOf(o); got != "dead invalid unknown_name" {
			s.t.Error(got)
		}
		if i := slices.IndexFunc(s.wire.calls, func(call string) bool { return !strings.HasPrefix(call, "GET ") }); i >= 0 {
			s.t.Errorf("calls %q", s.wire.calls)
		}
	})
}

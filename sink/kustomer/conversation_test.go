package kustomer_test

import (
	"bytes"
	"context"
	"errors"
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
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
	"github.com/deskstream/deskstream/sink/kustomer"
	"github.com/deskstream/deskstream/sink/sinktest"
)

// wire is the way to the stub, on which answers to creates of conversations get lost.
type wire struct {
	mu   sync.Mutex
	desk http.Handler
	// fates are those of the creates, in turn; then they are answered.
	fates []fate
	calls []string
}

// fate is what becomes of a create.
type fate struct {
	after  time.Duration // when it takes effect, -1 for never
	status int           // of the answer, 0 for none
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	converses := r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/conversations")
	switch {
	case converses:
		w.calls = append(w.calls, "create")
	case strings.Contains(r.URL.Path, "/v1/conversations/externalId="):
		w.calls = append(w.calls, "look")
	}
	arrived := arrives(r)
	if !converses || len(w.fates) == 0 {
		return w.serve(arrived).Result(), nil
	}
	next := w.fates[0]
	w.fates = w.fates[1:]
	switch {
	case next.after == 0:
		w.serve(arrived)
	case next.after > 0:
		time.AfterFunc(next.after, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.serve(arrived)
		})
	}
	if next.status == 0 {
		httptrace.ContextClientTrace(r.Context()).GotConn(httptrace.GotConnInfo{}) // it was sent
		return nil, errors.New("connection reset")
	}
	answered := httptest.NewRecorder()
	answered.WriteHeader(next.status)
	_, _ = answered.WriteString(`{"errors":[{"title":"no"}]}`)
	return answered.Result(), nil
}

// arrives is a request as its server has it.
func arrives(r *http.Request) *http.Request {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	arrived := httptest.NewRequestWithContext(context.Background(), r.Method, r.URL.RequestURI(), bytes.NewReader(body))
	arrived.Header = r.Header.Clone()
	return arrived
}

func (w *wire) serve(r *http.Request) *httptest.ResponseRecorder {
	answered := httptest.NewRecorder()
	w.desk.ServeHTTP(answered, r)
	return answered
}

// conversing opens a conversation with the customer of an event.
func conversing() sink.Route {
	client := kustomer.New(newIDs())
	return sink.NewRoute(sink.DestinationInfo{Name: "crm", Type: "kustomer"}, mapping.Filter{},
		func(ev mapping.Event) (mapper.Message, error) {
			m, err := mapper.New(mapper.Config{}).Map(ev)
			m.Steps = append(m.Steps, mapper.Converse{Conversation: mapping.Obj(mapping.Member{Name: "name", Value: mapping.Str("Order 7")})})
			return m, err
		}, client.Send)
}

func TestConverse_opensAConversationOnce(t *testing.T) {
	const lost, never = 0, -1
	lookedFor := func(n int, more ...string) []string {
		calls := []string{"create"}
		for range n {
			calls = append(calls, "look")
		}
		return append(calls, more...)
	}
	tests := map[string]struct {
		fates   []fate
		dies    bool // the process, with the first create
		calls   []string
		opened  int
		outcome string
	}{
		"answered":                  {nil, false, lookedFor(0), 1, "delivered done"},
		"lost, but there":           {[]fate{{0, lost}}, false, lookedFor(1), 1, "delivered adopted"},
		"lost, and late":            {[]fate{{9 * time.Second, lost}}, false, lookedFor(5), 1, "delivered adopted"},
		"lost, without effect":      {[]fate{{never, lost}}, false, lookedFor(6, "create"), 1, "delivered done"},
		"a gateway's 502":           {[]fate{{0, 502}}, false, lookedFor(1), 1, "delivered adopted"},
		"refused as a duplicate":    {[]fate{{0, 409}}, false, lookedFor(1), 1, "delivered adopted"},
		"refused as bad, though":    {[]fate{{0, 400}}, false, lookedFor(1), 1, "delivered adopted"},
		"refused twice, then there": {[]fate{{never, 409}, {0, 409}}, false, lookedFor(1, "create", "look"), 1, "delivered adopted"},
		"refused as bad":            {[]fate{{never, 400}}, false, lookedFor(1), 0, "dead rejected http_400 failed"},
		"taken over":                {[]fate{{0, lost}}, true, lookedFor(1), 1, "delivered adopted"},
		"taken over, not there":     {[]fate{{never, lost}}, true, lookedFor(6, "create"), 1, "delivered done"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := stub.New(stub.Config{Seed: 1}, stubkustomer.New())
				w := &wire{desk: server.Desk(stubkustomer.Name), fates: tt.fates}
				ledger := &sinktest.Ledger{Follows: errors.New("an effect that is found by its id needs to know nothing of others")}
				if tt.dies {
					ctx, cancel := context.WithCancel(t.Context())
					time.AfterFunc(500*time.Millisecond, cancel)
					if _, err := opens(ctx, t, w, ledger, nil); !errors.Is(err, sink.ErrInterrupted) {
						t.Fatalf("the first owner's delivery ended with %v", err)
					}
				}
				o, err := opens(t.Context(), t, w, ledger, ledger.Last)
				if err != nil {
					t.Fatal(err)
				}
				words := []string{string(o.Outcome)}
				if o.Error != nil {
					words = append(words, string(o.Error.Class), string(o.Error.Code))
				}
				for _, step := range o.Steps {
					words = append(words, string(step.State))
				}
				got := strings.Join(words, " ")
				conversations := server.Desk(stubkustomer.Name).Tickets()
				if got != tt.outcome || len(conversations) != tt.opened {
					t.Errorf("%s with %d conversations, want %s with %d", got, len(conversations), tt.outcome, tt.opened)
				}
				if diff := cmp.Diff(tt.calls, w.calls); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
				if len(conversations) == 1 && (o.IDs["conversation_id"] != conversations[0].ID || conversations[0].Subject != "Order 7" || conversations[0].Contact != o.IDs["customer_id"]) {
					t.Errorf("ids %v, conversation %+v", o.IDs, conversations[0])
				}
			})
		})
	}
}

// opens delivers the event as one process.
func opens(ctx context.Context, t *testing.T, w *wire, ledger sink.Ledger, before *sink.Progress) (sink.Outcome, error) {
	t.Helper()
	rate := budget.Rate{Requests: 1_000_000, Per: time.Second}
	d := sink.NewDestination(sink.Config{
		Name: "crm", BaseURL: "http://desk.example", Credential: sink.NewSecret("key-of-the-desk"), MaxInFlight: 4, Rate: rate,
		Timeout: 10 * time.Second, Retry: sink.Policy{Initial: time.Second, Max: time.Second}, Version: "test", Transport: w,
	}, budget.New(rate), slog.New(slog.DiscardHandler))
	defer d.Close()
	pass, err := d.Gate().Enter(ctx, "u-1")
	if err != nil {
		t.Fatal(err)
	}
	s := d.Session(pass, sink.Stop{Soft: ctx, Hard: ctx})
	s.Ledger, s.Inherited, s.Identity = ledger, before, func() string { return "events/0/7" }
	return conversing().Deliver(t.Context(), s, []byte(`{"type":"identify","messageId":"m-1","userId":"u-1","traits":{"name":"Nora"}}`))
}

package kustomer_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	"github.com/deskstream/deskstream/mapping"
	mapper "github.com/deskstream/deskstream/mapping/kustomer"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
	"github.com/deskstream/deskstream/sink/kustomer"
)

// exchange answers requests without a connection.
type exchange func(*http.Request) answer

func (e exchange) RoundTrip(r *http.Request) (*http.Response, error) {
	a := e(r)
	return &http.Response{
		StatusCode: a.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(a.body)),
	}, nil
}

func newDestination(t testing.TB, c sink.Config) *sink.Destination {
	t.Helper()
	d := sink.NewDestination(c, budget.New(c.Rate), slog.New(slog.DiscardHandler))
	t.Cleanup(d.Close)
	return d
}

// through sends an event the whole way, with a memory of its own.
func through(t *testing.T, d *sink.Destination, lane, event string) sink.Outcome {
	t.Helper()
	o, err := send(t, d, newIDs(), lane, event)
	if err != nil {
		t.Fatalf("sending %s: %v", event, err)
	}
	return o
}

func send(t *testing.T, d *sink.Destination, ids *sink.IDs, lane, event string) (sink.Outcome, error) {
	pass, err := d.Gate().Enter(t.Context(), lane)
	if err != nil {
		return sink.Outcome{}, err
	}
	s := d.Session(pass, sink.Stop{Soft: t.Context(), Hard: t.Context()})
	s.Lane = lane
	route := sink.NewRoute(sink.DestinationInfo{Name: "crm", Type: "kustomer"}, mapping.Filter{}, mapper.New(mapper.Config{}).Map, kustomer.New(ids).Send)
	return route.Deliver(t.Context(), s, []byte(event))
}

// meeting holds the first write of each lane until both are about to be made, so that each
// lane has read what the other one is going to change.
type meeting struct {
	mu   sync.Mutex
	came int
	both chan struct{}
}

func newMeeting() *meeting { return &meeting{both: make(chan struct{})} }

func (m *meeting) wait() {
	m.mu.Lock()
	if m.came++; m.came == 2 {
		close(m.both)
	}
	m.mu.Unlock()
	<-m.both
}

// Two lanes, of two partitions or of two ids of one person, may change one customer at once.
// Each reads, merges and writes; of two who have read the same the second must read again.
func TestSend_twoLanesLoseNoEntry(t *testing.T) {
	const rounds = 1000
	server := stub.New(stub.Config{}, stubkustomer.New())
	var meet *meeting
	serve := func(r *http.Request) answer {
		if r.Method == http.MethodPut {
			meet.wait() // after the first two it does not hold anybody
		}
		if r.Body == nil { // a server's request has one
			r = r.Clone(r.Context())
			r.Body = http.NoBody
		}
		w := httptest.NewRecorder()
		server.Desk(stubkustomer.Name).ServeHTTP(w, r)
		return answer{w.Code, w.Body.String()}
	}
	c := sink.Config{
		Name: "crm", BaseURL: "http://desk.example", Credential: sink.NewSecret("a-key-for-tests"), MaxInFlight: 8,
		Rate: budget.Rate{Requests: 1e9, Per: time.Second}, Timeout: time.Minute,
		Retry: sink.Policy{Initial: time.Millisecond, Max: time.Millisecond}, Transport: exchange(serve),
	}
	dest, ids := newDestination(t, c), newIDs()
	conflicts := 0
	for round := range rounds {
		id := newCustomer(t, server, round)
		meet = newMeeting()
		var lanes sync.WaitGroup
		for _, lane := range []string{"p", "q"} {
			lanes.Go(func() {
				event := fmt.Sprintf(`{"type":"identify","traits":{"phone":%q,"tags":["of-%s"]},"context":{"externalId":[{"type":"kustomerId","id":%q}]}}`,
					map[string]string{"p": "+31612345678", "q": "+31687654321"}[lane], lane, id)
				if o, err := send(t, dest, ids, lane, event); err != nil || o.Outcome != sink.Delivered {
					t.Errorf("round %d, lane %s: outcome %s, %v, %v", round, lane, o.Outcome, o.Error, err)
				}
			})
		}
		lanes.Wait()
		got := entriesOf(shownCustomer(t, server, id))
		if diff := cmp.Diff([]string{"+31612345678", "+31687654321", "of-p", "of-q", "vip"}, got); diff != "" {
			t.Fatalf("round %d: entries (-want +got):\n%s", round, diff)
		}
		for _, call := range server.Desk(stubkustomer.Name).Received() {
			if call.Status == http.StatusConflict {
				conflicts++
			}
		}
		server.Reset()
	}
	if conflicts < rounds {
		t.Errorf("%d conflicts in %d rounds: the lanes did not meet", conflicts, rounds)
	}
}

// newCustomer makes a customer with a tag that no event names, and returns the id.
func newCustomer(t *testing.T, server *stub.Server, number int) string {
	t.Helper()
	data := ask(t, server, http.MethodPost, "/v1/customers", fmt.Sprintf(`{"externalId":"u-%d","tags":["vip"]}`, number))
	return data["id"].(string)
}

func shownCustomer(t *testing.T, server *stub.Server, id string) map[string]any {
	t.Helper()
	return ask(t, server, http.MethodGet, "/v1/customers/"+id, "")["attributes"].(map[string]any)
}

// ask makes a call of the stub and returns the data of the answer.
func ask(t *testing.T, server *stub.Server, method, path, body string) map[string]any {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, bytes.NewBufferString(body))
	r.Header.Set("Authorization", "Bearer a-key-for-tests")
	w := httptest.NewRecorder()
	server.Desk(stubkustomer.Name).ServeHTTP(w, r)
	var answer struct{ Data map[string]any }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code > 299 {
		t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	return answer.Data
}

// entriesOf are a customer's tags and phone numbers, sorted.
func entriesOf(attributes map[string]any) []string {
	var all []string
	for _, list := range []string{"tags", "phones"} {
		entries, _ := attributes[list].([]any)
		for _, e := range entries {
			if entry, ok := e.(map[string]any); ok {
				e = entry["phone"]
			}
			all = append(all, fmt.Sprint(e))
		}
	}
	slices.Sort(all)
	return all
}

package stub_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/sample"
	"github.com/deskstream/deskstream/internal/stub"
)

// answers makes n equal and n different calls and gives what the stub made of each.
func answers(t *testing.T, cfg stub.Config, n int) map[string]int {
	t.Helper()
	d := serve(t, cfg)
	for i := range n {
		// An error is what half of the faults are.
		_, _ = d.try("secret", "GET", trengo+"/contacts?term=same", "")
		_, _ = d.try("secret", "POST", kustomer+"/customers", fmt.Sprintf(`{"externalId":"u-%d"}`, i))
	}
	got := map[string]int{}
	for _, c := range d.server.Received() {
		got[string(c.Fault)+" "+c.Op]++
	}
	return got
}

func TestDesk_failsAShareOfCallsRepeatably(t *testing.T) {
	cfg := stub.Config{Seed: 7, FailRate: 0.3, Silence: time.Millisecond}
	first := answers(t, cfg, 200)
	if diff := cmp.Diff(first, answers(t, cfg, 200)); diff != "" {
		t.Errorf("two runs of one seed differ: %s", diff)
	}
	for _, op := range []string{" GET /contacts", " POST /v1/customers"} {
		if honest := first[op]; honest < 110 || honest > 170 {
			t.Errorf("%d of 200 calls of%s got an honest answer, want about 140", honest, op)
		}
		for _, f := range []stub.Fault{stub.ServerError, stub.Unavailable, stub.Cut, stub.Lost, stub.Silent} {
			if first[string(f)+op] == 0 {
				t.Errorf("no call of%s had the fault %s", op, f)
			}
		}
	}
	cfg.Seed = 8
	if cmp.Equal(first, answers(t, cfg, 200)) {
		t.Error("another seed fails the same calls")
	}
}

func TestDesk_lostAnswerLeavesItsEffect(t *testing.T) {
	d := serve(t, stub.Config{FailRate: 1, Silence: time.Millisecond})
	for i := range 60 {
		_, _ = d.try("secret", "POST", kustomer+"/customers", fmt.Sprintf(`{"externalId":"u-%d"}`, i))
	}
	lost := 0
	for _, c := range d.server.Received() {
		if c.Fault == stub.Lost {
			lost++
		}
		if c.Fault == stub.Honest {
			t.Errorf("call %d got an honest answer", c.Seq)
		}
	}
	if held := d.server.Stats().Holds["kustomer"]["customers"]; held != lost || lost == 0 {
		t.Errorf("%d customers after %d lost answers, want as many, and some", held, lost)
	}
}

func TestDesk_outageLastsUntilItIsCleared(t *testing.T) {
	d := serve(t, stub.Config{})
	d.server.Trengo.SetOutage(func(c stub.Call) int {
		if c.Op == "POST /tickets" {
			return http.StatusServiceUnavailable
		}
		return 0
	})
	d.expect([]refusal{
		{"the op that is out", "POST", trengo + "/tickets", `{}`, 503, "<html>"},
		{"another op", "GET", trengo + "/contacts", "", 200, `"data"`},
		{"another help desk", "GET", kustomer + "/users/current", "", 200, `"data"`},
	})
	d.server.Kustomer.SetOutage(func(stub.Call) int { return stub.DropConnection })
	if _, err := d.try("secret", "GET", kustomer+"/users/current", ""); err == nil {
		t.Error("the connection was not cut")
	}
	d.server.Trengo.SetOutage(nil)
	d.expect([]refusal{{"cleared", "POST", trengo + "/tickets", `{}`, 422, ""}})
	if last := d.server.Trengo.Received(); last[0].Fault != stub.Outage || last[0].Status != 503 || last[2].Fault != stub.Honest {
		t.Errorf("received %+v", last)
	}
}

func TestDesk_countsOpenCallsAndThoseClosedEarly(t *testing.T) {
	d := serve(t, stub.Config{})
	d.server.Trengo.SetOutage(func(stub.Call) int { return stub.NeverAnswer })
	ctx, cancel := context.WithCancel(t.Context())
	var calls sync.WaitGroup
	for range 25 {
		calls.Go(func() {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url+trengo+"/contacts", nil)
			if err != nil {
				t.Error(err)
				return
			}
			req.Header.Set("Authorization", "Bearer secret")
			if resp, err := http.DefaultClient.Do(req); err == nil {
				_ = resp.Body.Close()
				t.Error("a call was answered")
			}
		})
	}
	waitFor(t, "25 open calls", func() bool { return d.server.Open() == 25 })
	cancel()
	calls.Wait()
	waitFor(t, "no open call", func() bool { return d.server.Open() == 0 })
	for _, c := range d.server.Received() {
		if !c.ClosedEarly || c.Open || c.Status != 0 {
			t.Errorf("call %d is %+v, want closed early", c.Seq, c)
		}
	}
}

// waitFor waits for a condition that another goroutine brings about.
func waitFor(t *testing.T, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for tick := time.NewTicker(time.Millisecond); !condition(); <-tick.C {
		if ctx.Err() != nil {
			t.Fatalf("still waiting for %s", what)
		}
	}
}

func TestDesk_latencyPassesBeforeTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stub.New(stub.Config{Latency: 20 * time.Millisecond, Jitter: 10 * time.Millisecond, Limit: 3})
		begin := time.Now()
		var calls sync.WaitGroup
		for range 3 {
			calls.Go(func() { serveDirectly(t, s, http.StatusOK) })
		}
		calls.Wait()
		if took := time.Since(begin); took < 20*time.Millisecond || took > 30*time.Millisecond {
			t.Errorf("three calls at once took %v, want 20ms to 30ms", took)
		}
	})
}

func TestDesk_limitIsFreshInTheNextWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stub.New(stub.Config{Limit: 1, Window: 10 * time.Second})
		serveDirectly(t, s, http.StatusOK)
		serveDirectly(t, s, http.StatusTooManyRequests)
		time.Sleep(10 * time.Second)
		serveDirectly(t, s, http.StatusOK)
	})
}

func TestDesk_slidingWindowCountsEachCallForItsLength(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stub.New(stub.Config{Limit: 2, Window: 10 * time.Second, Sliding: true})
		time.Sleep(9 * time.Second) // two calls at the end of a fixed window, the next one is fresh
		serveDirectly(t, s, http.StatusOK)
		time.Sleep(4 * time.Second)
		serveDirectly(t, s, http.StatusOK)
		serveDirectly(t, s, http.StatusTooManyRequests)
		time.Sleep(6 * time.Second)
		serveDirectly(t, s, http.StatusOK) // the first has left
		serveDirectly(t, s, http.StatusTooManyRequests)
		time.Sleep(4 * time.Second)
		serveDirectly(t, s, http.StatusOK)
	})
}

func serveDirectly(t *testing.T, s *stub.Server, want int) {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), "GET", trengo+"/contacts", nil)
	req.Header.Set("Authorization", "Bearer secret")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, req)
	if w.Code != want {
		t.Errorf("got %d, want %d", w.Code, want)
	}
}

func TestServer_receivedNamesUsersAndEvents(t *testing.T) {
	d := serve(t, stub.Config{KeepBodies: true})
	mark := sample.Mark(12)
	id := must(t, d.call("POST", trengo+"/channels/123456/contacts", `{"identifier":"a@example.com"}`), 201)["id"]
	ticket := must(t, d.call("POST", trengo+"/tickets", fmt.Sprintf(`{"contact_id":%v,"channel_id":"123456","subject":"Paid %s"}`, id, mark)), 201)["id"]
	d.call("POST", fmt.Sprintf("%s/tickets/%v/messages", trengo, ticket), `{"message":"Thanks"}`)
	d.call("GET", fmt.Sprintf("%s/tickets?contact_id=%v", trengo, id), "")
	d.call("GET", trengo+"/contacts?term=b%2Bc%40example.com", "")
	d.call("POST", kustomer+"/tracking/identityEvent", `{"identity":{"externalId":"u-1"},"event":{"name":"Order-Paid","meta":{"eventNo":"`+mark+`"}}}`)
	d.call("GET", kustomer+"/customers/externalId=u-1", "")
	d.call("PUT", kustomer+"/customers/1", `{"externalId":"u-1"}`)

	type short struct {
		Op, User, Mark string
		Status         int
	}
	var got []short
	for i, c := range d.received("") {
		if c.Seq != int64(i+1) || c.At.IsZero() {
			t.Errorf("call %d has the number %d and the time %v", i+1, c.Seq, c.At)
		}
		got = append(got, short{c.Op, c.User, c.Mark, c.Status})
	}
	want := []short{
		{"POST /channels/{id}/contacts", "a@example.com", "", 201},
		{"POST /tickets", "a@example.com", mark, 201},
		{"POST /tickets/{id}/messages", "a@example.com", "", 201},
		{"GET /tickets", "a@example.com", "", 200},
		{"GET /contacts", "b+c@example.com", "", 200},
		{"POST /v1/tracking/identityEvent", "u-1", mark, 201},
		{"GET /v1/customers/externalId={externalId}", "u-1", "", 200},
		{"PUT /v1/customers/{id}", "u-1", "", 404},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if body := string(d.received("trengo")[0].Body); body != `{"identifier":"a@example.com"}` {
		t.Errorf("the first body is %s", body)
	}
	if n := len(d.received("kustomer")); n != 3 {
		t.Errorf("%d calls at Kustomer, want 3", n)
	}
}

// received reads the calls over HTTP.
func (d *desk) received(destination string) []stub.Call {
	d.t.Helper()
	dec := json.NewDecoder(strings.NewReader(d.call("GET", "/_stub/received?destination="+destination, "").body))
	var calls []stub.Call
	for {
		var c stub.Call
		err := dec.Decode(&c)
		if err == io.EOF {
			return calls
		}
		if err != nil {
			d.t.Fatal(err)
		}
		calls = append(calls, c)
	}
}

func TestServer_isControlledOverHTTP(t *testing.T) {
	d := serve(t, stub.Config{})
	d.expect([]refusal{
		{"outage", "POST", "/_stub/outage?destination=trengo&status=503&op=GET+/contacts", "", 204, ""},
		{"call in the outage", "GET", trengo + "/contacts", "", 503, ""},
		{"end of the outage", "POST", "/_stub/outage?destination=trengo&status=0", "", 204, ""},
		{"call after it", "POST", trengo + "/channels/123456/contacts", `{"identifier":"a@example.com"}`, 201, ""},
		{"outage of nobody", "POST", "/_stub/outage?destination=x&status=503", "", 400, "destination"},
		{"outage with 200", "POST", "/_stub/outage?destination=trengo&status=200", "", 400, "status"},
		{"calls of nobody", "GET", "/_stub/received?destination=x", "", 400, "destination"},
	})
	var got stub.Stats
	if err := json.Unmarshal([]byte(d.call("GET", "/_stub/stats", "").body), &got); err != nil {
		t.Fatal(err)
	}
	want := stub.Stats{
		Holds: map[string]map[string]int{"trengo": {"contacts": 1, "tickets": 0}, "kustomer": {"customers": 0, "events": 0}},
		Calls: map[string]map[string]map[int]int{
			"trengo":   {"GET /contacts": {503: 1}, "POST /channels/{id}/contacts": {201: 1}},
			"kustomer": {},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	d.expect([]refusal{{"reset", "POST", "/_stub/reset", "", 204, ""}})
	if d.server.Stats().Holds["trengo"]["contacts"] != 0 || len(d.server.Received()) != 0 {
		t.Error("something is left after a reset")
	}
}

func TestConfig_validateNamesEveryProblem(t *testing.T) {
	err := stub.Config{FailRate: 2, Limit: -1, Latency: -1, Channels: map[string]string{"x": "PIGEON"}}.Validate()
	if err == nil {
		t.Fatal("the configuration is taken as valid")
	}
	for _, want := range []string{"fail rate", "limit", "latency", "PIGEON", "no positive number"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
}

func BenchmarkServer(b *testing.B) {
	s := stub.New(stub.Config{Limit: 1 << 30})
	create := func(i int) *http.Request {
		req := httptest.NewRequestWithContext(b.Context(), "POST", trengo+"/channels/123456/contacts",
			strings.NewReader(fmt.Sprintf(`{"identifier":"user-%06d@example.com","name":"User %d"}`, i, i)))
		req.Header.Set("Authorization", "Bearer secret")
		return req
	}
	for i := range 20000 {
		s.ServeHTTP(httptest.NewRecorder(), create(i))
	}
	i := 0
	for b.Loop() {
		i++
		req := httptest.NewRequestWithContext(b.Context(), "GET", fmt.Sprintf("%s/contacts?page=1&term=user-%06d%%40example.com", trengo, i%20000), nil)
		req.Header.Set("Authorization", "Bearer secret")
		s.ServeHTTP(httptest.NewRecorder(), req)
	}
}

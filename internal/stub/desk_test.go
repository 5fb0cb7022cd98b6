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
	"github.com/deskstream/deskstream/internal/stub/stubtest"
)

// answers makes n equal and n different calls and gives what the stub made of each.
func answers(t *testing.T, cfg stub.Config, n int) map[string]int {
	t.Helper()
	d := serve(t, cfg)
	for i := range n {
		// An error is what half of the faults are.
		_, _ = d.Try("secret", "GET", trengo+"/contacts?term=same", "")
		_, _ = d.Try("secret", "POST", kustomer+"/customers", fmt.Sprintf(`{"externalId":"u-%d"}`, i))
	}
	got := map[string]int{}
	for _, c := range d.Server.Received() {
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
		_, _ = d.Try("secret", "POST", kustomer+"/customers", fmt.Sprintf(`{"externalId":"u-%d"}`, i))
	}
	lost := 0
	for _, c := range d.Server.Received() {
		if c.Fault == stub.Lost {
			lost++
		}
		if c.Fault == stub.Honest {
			t.Errorf("call %d got an honest answer", c.Seq)
		}
	}
	if held := d.Server.Stats().Holds["kustomer"]["customers"]; held != lost || lost == 0 {
		t.Errorf("%d customers after %d lost answers, want as many, and some", held, lost)
	}
}

func TestDesk_outageLastsUntilItIsCleared(t *testing.T) {
	d := serve(t, stub.Config{})
	d.Server.Desk("trengo").SetOutage(func(c stub.Call) int {
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
	d.Server.Desk("kustomer").SetOutage(func(stub.Call) int { return stub.DropConnection })
	if _, err := d.Try("secret", "GET", kustomer+"/users/current", ""); err == nil {
		t.Error("the connection was not cut")
	}
	d.Server.Desk("trengo").SetOutage(nil)
	d.expect([]refusal{{"cleared", "POST", trengo + "/tickets", `{}`, 422, ""}})
	if last := d.Server.Desk("trengo").Received(); last[0].Fault != stub.Outage || last[0].Status != 503 || last[2].Fault != stub.Honest {
		t.Errorf("received %+v", last)
	}
}

func TestDesk_aGatewayAnswersEveryCallInItsPlace(t *testing.T) {
	d := serve(t, stub.Config{Tokens: []string{"secret"}})
	want := map[string]stubtest.Reply{
		"302 other host": {Status: 302}, "302 own host": {Status: 302}, "404 page": {Status: 404, Body: "<html"}, "404 empty": {Status: 404},
		"403 page": {Status: 403, Body: "<html"}, "400 page": {Status: 400, Body: "<html"}, "200 login page": {Status: 200, Body: "<form"}, "404 JSON": {Status: 404, Body: `{"message":`},
	}
	for _, g := range stub.Gateways() {
		d.Server.Desk("kustomer").SetGateway(&g)
		w := want[g.Name]
		for _, token := range []string{"secret", "other"} {
			rec := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, kustomer+"/customers", strings.NewReader(`{"externalId":"u-1"}`))
			r.Header.Set("Authorization", "Bearer "+token)
			d.Server.ServeHTTP(rec, r)
			isJSON := rec.Header().Get("Content-Type") == "application/json"
			if rec.Code != w.Status || !strings.Contains(rec.Body.String(), w.Body) || isJSON != g.Imitates || (rec.Header().Get("Location") != "") != (w.Status == 302) {
				t.Errorf("%s: %d %v %s", g.Name, rec.Code, rec.Header(), rec.Body)
			}
		}
	}
	d.expect([]refusal{
		{"the login page", "GET", "/login", "", 200, "<form"},
		{"another help desk", "GET", trengo + "/contacts", "", 200, `"data"`},
	})
	d.Server.Desk("kustomer").SetGateway(nil)
	d.expect([]refusal{{"nothing took effect", "GET", kustomer + "/customers/externalId=u-1", "", 404, "errors"}})
	if first := d.Server.Desk("kustomer").Received()[0]; first.Fault != stub.Outage || first.Status != 302 || first.Op != "POST /v1/customers" {
		t.Errorf("received %+v", first)
	}
}

func TestDesk_countsOpenCallsAndThoseClosedEarly(t *testing.T) {
	d := serve(t, stub.Config{})
	d.Server.Desk("trengo").SetOutage(func(stub.Call) int { return stub.NeverAnswer })
	ctx, cancel := context.WithCancel(t.Context())
	var calls sync.WaitGroup
	for range 25 {
		calls.Go(func() {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.URL+trengo+"/contacts", nil)
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
	waitFor(t, "25 open calls", func() bool { return d.Server.Open() == 25 })
	cancel()
	calls.Wait()
	waitFor(t, "no open call", func() bool { return d.Server.Open() == 0 })
	for _, c := range d.Server.Received() {
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
		s := newServer(stub.Config{Latency: 20 * time.Millisecond, Jitter: 10 * time.Millisecond, Limit: 3})
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
		s := newServer(stub.Config{Limit: 1, Window: 10 * time.Second})
		serveDirectly(t, s, http.StatusOK)
		serveDirectly(t, s, http.StatusTooManyRequests)
		time.Sleep(10 * time.Second)
		serveDirectly(t, s, http.StatusOK)
	})
}

func TestDesk_slidingWindowCountsEachCallForItsLength(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(stub.Config{Limit: 2, Window: 10 * time.Second, Sliding: true})
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
	id := stubtest.Must(t, d.Call("POST", trengo+"/channels/123456/contacts", `{"identifier":"a@example.com"}`), 201)["id"]
	ticket := stubtest.Must(t, d.Call("POST", trengo+"/tickets", fmt.Sprintf(`{"contact_id":%v,"channel_id":"123456","subject":"Paid %s"}`, id, mark)), 201)["id"]
	d.Call("POST", fmt.Sprintf("%s/tickets/%v/messages", trengo, ticket), `{"message":"Thanks"}`)
	d.Call("GET", fmt.Sprintf("%s/tickets?contact_id=%v", trengo, id), "")
	d.Call("GET", trengo+"/contacts?term=b%2Bc%40example.com", "")
	d.Call("POST", kustomer+"/tracking/identityEvent", `{"identity":{"externalId":"u-1"},"event":{"name":"Order-Paid","meta":{"eventNo":"`+mark+`"}}}`)
	d.Call("GET", kustomer+"/customers/externalId=u-1", "")
	d.Call("PUT", kustomer+"/customers/1", `{"externalId":"u-1"}`)

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
	d.T.Helper()
	dec := json.NewDecoder(strings.NewReader(d.Call("GET", "/_stub/received?destination="+destination, "").Body))
	var calls []stub.Call
	for {
		var c stub.Call
		err := dec.Decode(&c)
		if err == io.EOF {
			return calls
		}
		if err != nil {
			d.T.Fatal(err)
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
		{"a gateway", "POST", "/_stub/outage?destination=trengo&gateway=404-page", "", 204, ""},
		{"its answer", "GET", trengo + "/contacts", "", 404, "<html>"},
		{"end of the gateway", "POST", "/_stub/outage?destination=trengo&gateway=none", "", 204, ""},
		{"an unknown gateway", "POST", "/_stub/outage?destination=trengo&gateway=418", "", 400, "302-own-host"},
		{"a gateway of nobody", "POST", "/_stub/outage?destination=x&gateway=none", "", 400, "destination"},
		{"outage of nobody", "POST", "/_stub/outage?destination=x&status=503", "", 400, "destination"},
		{"outage with 200", "POST", "/_stub/outage?destination=trengo&status=200", "", 400, "status"},
		{"calls of nobody", "GET", "/_stub/received?destination=x", "", 400, "destination"},
	})
	var got stub.Stats
	if err := json.Unmarshal([]byte(d.Call("GET", "/_stub/stats", "").Body), &got); err != nil {
		t.Fatal(err)
	}
	want := stub.Stats{
		Holds: map[string]map[string]int{"trengo": {"contacts": 1, "tickets": 0}, "kustomer": {"customers": 0, "conversations": 0, "events": 0}},
		Calls: map[string]map[string]map[int]int{
			"trengo":   {"GET /contacts": {503: 1, 404: 1}, "POST /channels/{id}/contacts": {201: 1}},
			"kustomer": {},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	d.expect([]refusal{{"reset", "POST", "/_stub/reset", "", 204, ""}})
	if d.Server.Stats().Holds["trengo"]["contacts"] != 0 || len(d.Server.Received()) != 0 {
		t.Error("something is left after a reset")
	}
}

func TestConfig_validateNamesEveryProblem(t *testing.T) {
	err := stub.Config{FailRate: 2, Limit: -1, Latency: -1, Jitter: -1, Silence: -1, Window: -1}.Validate()
	if err == nil {
		t.Fatal("the configuration is taken as valid")
	}
	for _, want := range []string{"fail rate", "limit", "latency", "jitter", "silence", "window"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
}

func BenchmarkServer(b *testing.B) {
	s := newServer(stub.Config{Limit: 1 << 30})
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

package sink_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
	"github.com/deskstream/deskstream/mapping"
	mapkustomer "github.com/deskstream/deskstream/mapping/kustomer"
	maptrengo "github.com/deskstream/deskstream/mapping/trengo"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
	sinkkustomer "github.com/deskstream/deskstream/sink/kustomer"
	sinktrengo "github.com/deskstream/deskstream/sink/trengo"
)

func FuzzResponse_trengo(f *testing.F) {
	mapper, err := maptrengo.New(maptrengo.Config{
		ChannelID: "123456", ChannelIdentifier: maptrengo.Email, Dedup: true, CreateContact: true,
		Templates: []maptrengo.EventTemplate{{Event: "Order Completed", Template: "Order"}},
	})
	if err != nil {
		f.Fatal(err)
	}
	fuzzResponses(f, func(s *stub.Server) http.Handler { return s.Desk(stubtrengo.Name) }, func(ids *sink.IDs) sink.Route {
		return sink.NewRoute(sink.DestinationInfo{Name: stubtrengo.Name, Type: stubtrengo.Name}, mapping.Filter{}, mapper.Map, sinktrengo.New(ids).Send)
	})
}

func FuzzResponse_kustomer(f *testing.F) {
	mapper := mapkustomer.New(mapkustomer.Config{AdvancedTransform: true})
	fuzzResponses(f, func(s *stub.Server) http.Handler { return s.Desk(stubkustomer.Name) }, func(ids *sink.IDs) sink.Route {
		return sink.NewRoute(sink.DestinationInfo{Name: stubkustomer.Name, Type: stubkustomer.Name}, mapping.Filter{}, mapper.Map, sinkkustomer.New(ids).Send)
	})
}

// fuzzResponses answers some of an event's calls with anything at all, and the others as
// the stub does: the event dies only if what answered was in the API's own form.
func fuzzResponses(f *testing.F, deskOf func(*stub.Server) http.Handler, routeOf func(*sink.IDs) sink.Route) {
	for _, body := range []string{"", "{}", `{"message":"no"}`, `{"errors":[]}`, `{"data":[]}`, `{"data":{"id":"x"}}`, "<html>", `["error"]`, `{"a":{"error":1}}`, "\xEF\xBB\xBF{\"error\":1}"} {
		for _, status := range []uint16{200, 204, 302, 400, 403, 404, 409, 413, 422, 429, 503} {
			f.Add(uint8(0), uint8(1), uint8(status), status-100, "Retry-After: 7\n", []byte(body))
			f.Add(uint8(1), uint8(2), uint8(status), status-100, "Location: /elsewhere\nX-Ratelimit-Remaining: 3\n", []byte(body))
		}
	}
	f.Add(uint8(0), uint8(2), uint8(0), uint16(100), "Retry-After: 3600\n", []byte("0"))
	f.Fuzz(func(t *testing.T, from, times, event uint8, status uint16, header string, body []byte) {
		odd := &oddAnswers{from: int(from % 4), until: int(from%4) + int(times%3) + 1, status: int(100 + status%500), header: headerOf(header), body: body}
		synctest.Test(t, func(t *testing.T) {
			server := stub.New(stub.Config{}, stubtrengo.New(nil), stubkustomer.New())
			odd.desk = deskOf(server)
			route, dest := routeOf(new(sink.Accounts).IDs(odd.config())), odd.destination()
			defer dest.Close()
			if event%2 == 1 { // the user is known there
				known := odd.destination()
				defer known.Close()
				odd.honest = true
				odd.deliver(t, routeOf(new(sink.Accounts).IDs(odd.config())), known, 0)
				odd.honest = false
			}
			if o := odd.deliver(t, route, dest, int(event/2%2)); o.Outcome == sink.Dead && (odd.calls <= odd.from || !odd.isOwn()) {
				t.Errorf("%d %v %q kills the event: %s, %s: %s", odd.status, odd.header, body, o.Error.Class, o.Error.Code, o.Error.Message)
			}
		})
	})
}

// oddAnswers is the transport to a help desk whose answers from one call until another
// are of our making.
type oddAnswers struct {
	desk        http.Handler
	from, until int
	status      int
	header      http.Header
	body        []byte

	honest bool // none is odd now
	calls  int  // that were not honest
}

// RoundTrip implements http.RoundTripper.
func (o *oddAnswers) RoundTrip(req *http.Request) (*http.Response, error) {
	if !o.honest {
		if o.calls++; o.calls > o.from && o.calls <= o.until {
			return &http.Response{StatusCode: o.status, Header: o.header.Clone(), Body: io.NopCloser(bytes.NewReader(o.body)), Request: req}, nil
		}
	}
	if req.Body == nil {
		req.Body = http.NoBody // as a server has it
	}
	rec := httptest.NewRecorder()
	o.desk.ServeHTTP(rec, req)
	return rec.Result(), nil
}

func (o *oddAnswers) config() sink.Config {
	return sink.Config{
		Name: "desk", BaseURL: "http://desk.test", Credential: sink.NewSecret("t0k3n-of-the-desk"), MaxInFlight: 8,
		Timeout: 10 * time.Second, Retry: sink.Policy{MaxElapsed: time.Minute, Initial: time.Second, Max: time.Minute},
		Rate: budget.Rate{Requests: 1e6, Per: time.Minute}, Transport: o,
	}
}

func (o *oddAnswers) destination() *sink.Destination {
	c := o.config()
	return sink.NewDestination(c, budget.New(c.Rate), slog.New(slog.DiscardHandler))
}

// deliver gives the event's outcome. Only a 409 may leave it open for long: its write is made
// again when a lookup finds somebody, and dies on what other events show.
func (o *oddAnswers) deliver(t *testing.T, route sink.Route, dest *sink.Destination, event int) sink.Outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Hour) // three answers may each ask for an hour
	defer cancel()
	pass, err := dest.Gate().Enter(t.Context(), "u-1")
	if err != nil {
		t.Fatal(err)
	}
	outcome, err := route.Deliver(t.Context(), dest.Session(pass, sink.Stop{Soft: ctx, Hard: ctx}), []byte([]string{
		`{"type":"identify","messageId":"m-1","userId":"u-1","traits":{"email":"a@example.com","name":"A B","phone":"+31612345678"}}`,
		`{"type":"track","messageId":"m-2","userId":"u-1","event":"Order Completed","context":{"traits":{"email":"a@example.com","name":"A C"}}}`,
	}[event]))
	if err != nil && (o.status != http.StatusConflict || !errors.Is(err, sink.ErrInterrupted)) {
		t.Fatal(err)
	}
	return outcome
}

// isOwn states once more what is in the API's own form: a refusal, or a success that is
// believed.
func (o *oddAnswers) isOwn() bool {
	body := o.body
	if kind := strings.ToLower(strings.TrimSpace(o.header.Get("Content-Encoding"))); strings.Contains(kind, "gzip") {
		if z, err := gzip.NewReader(bytes.NewReader(body)); err == nil {
			body, _ = io.ReadAll(io.LimitReader(z, 1<<20)) // half of it is no JSON
		}
	}
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xEF\xBB\xBF")))
	switch {
	case o.status < 300:
		return json.Valid(body)
	case o.status < 400 || o.status > 499:
		return false
	case len(body) == 0:
		return o.status == http.StatusConflict || o.status == http.StatusUnprocessableEntity
	}
	var object map[string]json.RawMessage
	err := json.Unmarshal(body, &object)
	_, errs := object["errors"]
	_, one := object["error"]
	_, message := object["message"]
	return err == nil && (errs || one || message)
}

// headerOf reads the lines of a header that are some.
func headerOf(text string) http.Header {
	h := make(http.Header)
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			h.Add(name, strings.TrimSpace(value))
		}
	}
	return h
}

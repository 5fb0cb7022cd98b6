package sink_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
)

func deliverValue(t *testing.T, d *sink.Destination, route sink.Route, value []byte) sink.Outcome {
	t.Helper()
	s := d.Session(enter(t, d.Gate(), "l"), forever())
	o, err := route.Deliver(t.Context(), s, value)
	if err != nil {
		t.Fatalf("delivering: %v", err)
	}
	return o
}

func encode(t *testing.T, o sink.Outcome) string {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatalf("encoding the outcome: %v", err)
	}
	return string(text)
}

func TestRoute_checksInOrderAndCallsNothing(t *testing.T) {
	d := destination(t, config(script(func() (*http.Response, error) { t.Error("a call was made"); return answer(200, "") })))
	mapped := errors.New("mapped")
	route := sink.NewRoute(sink.DestinationInfo{Name: "desk", Type: "test"}, mapping.Filter{Types: []string{"track", "page"}, Allow: []string{"E"}},
		func(ev mapping.Event) (mapping.Event, error) {
			if ev.Body.Get("userId").Exists() {
				return ev, &mapping.Error{Code: mapping.InvalidID, Message: "userId holds a slash"}
			}
			return ev, mapping.EventNotConfigured
		},
		func(context.Context, sink.Doer, mapping.Event) (sink.Receipt, error) { return sink.Receipt{}, mapped })
	tests := map[string]struct {
		value   []byte
		outcome sink.Disposition
		why     string
	}{
		"tombstone":         {nil, sink.Skipped, "tombstone"},
		"empty value":       {[]byte{}, sink.Dead, "decode invalid not_json"},
		"no JSON":           {[]byte("{"), sink.Dead, "decode invalid not_json"},
		"no object":         {[]byte("[]"), sink.Dead, "decode invalid not_an_object"},
		"too deep":          {[]byte(`{"a":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "}"), sink.Dead, "decode invalid too_deep"},
		"no type":           {[]byte(`{"event":"other"}`), sink.Dead, "map invalid missing_type"},
		"type of no text":   {[]byte(`{"type":[]}`), sink.Dead, "map invalid wrong_type"},
		"type not taken":    {[]byte(`{"type":"identify","userId":"/"}`), sink.Skipped, "type_not_taken"},
		"filtered":          {[]byte(`{"type":"track","event":"F","userId":"/"}`), sink.Skipped, "filtered"},
		"refused by map":    {[]byte(`{"type":"track","event":"E","userId":"/"}`), sink.Dead, "map invalid invalid_id"},
		"skipped by map":    {[]byte(`{"type":" TRACK ","event":"E"}`), sink.Skipped, "event_not_configured"},
		"a name on no list": {[]byte(`{"type":"page"}`), sink.Skipped, "filtered"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			o := deliverValue(t, d, route, tt.value)
			why := died(o)
			if o.Reason != nil {
				why += string(*o.Reason)
			}
			if o.Outcome != tt.outcome || why != tt.why {
				t.Errorf("outcome = %s because of %q, want %s because of %q", o.Outcome, why, tt.outcome, tt.why)
			}
			if o.Calls == nil || o.IDs == nil || o.Warnings == nil {
				t.Errorf("an empty list is null: %s", encode(t, o))
			}
		})
	}
	if d.Gate().InUse() != 0 {
		t.Error("a place was not given back")
	}
}

func TestRoute_outcomeIsTheObjectOfTheContract(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := destination(t, config(script(
			func() (*http.Response, error) { return answer(200, `{"data":[]}`) },
			func() (*http.Response, error) {
				time.Sleep(41200 * time.Microsecond)
				return answer(201, `{ "id": 42 }`)
			})))
		route := sink.NewRoute(sink.DestinationInfo{Name: "support-inbox", Type: "trengo"}, mapping.Filter{},
			func(ev mapping.Event) (mapping.Event, error) { return ev, nil },
			func(ctx context.Context, do sink.Doer, _ mapping.Event) (sink.Receipt, error) {
				_, _ = do.Do(ctx, find)
				_, err := do.Do(ctx, ticket)
				return sink.Receipt{IDs: map[string]string{"ticket_id": "42"}, Warnings: []string{"w"}}, err
			})
		s := d.Session(enter(t, d.Gate(), "l"), forever())
		s.Lane, s.Round = "user-7", 2
		o, err := route.Deliver(t.Context(), s, []byte(`{"type":"Track","event":"Product Purchased","messageId":7}`))
		if err != nil {
			t.Fatal(err)
		}
		want := `{"event":{"id":"7","type":"track","name":"Product Purchased","lane":"user-7"},` +
			`"destination":{"name":"support-inbox","type":"trengo"},"outcome":"delivered","calls":[` +
			`{"method":"GET","url":"http://desk.example/things?name=x","status":200,"attempts":1,"duration_ms":0,"lookup":true,"response":{"data":[]}},` +
			`{"method":"POST","url":"http://desk.example/tickets","status":201,"attempts":1,"duration_ms":41.2,"request":{},"response":{"id":42}}],` +
			`"ids":{"ticket_id":"42"},"warnings":["w"],"error":null,"reason":null,"dlq_id":null,"round":2,"source":null,` +
			`"at":"2000-01-01T00:00:00.041Z","schema":1}`
		if diff := cmp.Diff(want, encode(t, o)); diff != "" {
			t.Errorf("outcome (-want +got):\n%s", diff)
		}
	})
}

func TestRoute_warningsOfTheEventStandInEveryOutcome(t *testing.T) {
	const warning = "properties is a list and was left out"
	for event, want := range map[string]struct {
		outcome  sink.Disposition
		warnings []string
	}{
		`{"type":"identify","properties":[]}`:             {sink.Skipped, []string{warning}},
		`{"type":"track","event":"E","properties":[]}`:    {sink.Dead, []string{warning}},
		`{"type":"track","event":"F","properties":[]}`:    {sink.Delivered, []string{warning, "w"}},
		`{"type":"track","event":"F","properties":{}}`:    {sink.Delivered, []string{"w"}},
		`{"type":"track","event":"F","properties":[]`:     {sink.Dead, []string{}},
		`{"type":["track"],"event":"F","traits":"n=Eve"}`: {sink.Dead, []string{"traits is text and was left out"}},
	} {
		route := sink.NewRoute(sink.DestinationInfo{Name: "desk", Type: "test"}, mapping.Filter{Types: []string{"track"}},
			func(ev mapping.Event) (mapping.Event, error) {
				if ev.Name() == "E" {
					return ev, &mapping.Error{Code: mapping.MissingIdentity}
				}
				return ev, nil
			},
			func(context.Context, sink.Doer, mapping.Event) (sink.Receipt, error) {
				return sink.Receipt{Warnings: []string{"w"}}, nil
			})
		o := deliverValue(t, destination(t, config(script(status(200)))), route, []byte(event))
		if o.Outcome != want.outcome || cmp.Diff(want.warnings, o.Warnings) != "" {
			t.Errorf("%s = %s, warnings %q; want %s, %q", event, o.Outcome, o.Warnings, want.outcome, want.warnings)
		}
	}
}

func TestRoute_panicIsInvalidOrUnknown(t *testing.T) {
	for name, tt := range map[string]struct {
		calls []sink.Call
		want  string
	}{
		"before any call": {nil, "map invalid panic"},
		"after a lookup":  {[]sink.Call{find}, "map invalid panic"},
		"after a write":   {[]sink.Call{find, update}, "request unknown panic"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			c := config(script(status(200)))
			d := sink.NewDestination(c, budget.New(c.Rate), slog.New(slog.NewJSONHandler(&log, nil)))
			route := sending(func(ctx context.Context, do sink.Doer) error {
				for _, call := range tt.calls {
					_, _ = do.Do(ctx, call)
				}
				panic("eve@example.org")
			})
			o := deliverValue(t, d, route, []byte(track))
			if died(o) != tt.want || d.Gate().InUse() != 0 {
				t.Errorf("died of %q, %d in use; want %q", died(o), d.Gate().InUse(), tt.want)
			}
			if !strings.Contains(log.String(), "event caused a panic") || strings.Contains(log.String()+encode(t, o), "eve@") {
				t.Errorf("log = %s", log.String())
			}
		})
	}
}

func TestRoute_panicOfTheMappingIsInvalid(t *testing.T) {
	d := destination(t, config(script(status(200))))
	route := sink.NewRoute(sink.DestinationInfo{Name: "desk", Type: "test"}, mapping.Filter{}, func(mapping.Event) (int, error) { panic("x") },
		func(context.Context, sink.Doer, int) (sink.Receipt, error) { return sink.Receipt{}, nil })
	if got := died(deliverValue(t, d, route, []byte(track))); got != "map invalid panic" {
		t.Errorf("died of %q", got)
	}
}

func TestRoute_textsAreCut(t *testing.T) {
	long := strings.Repeat("é", 1000)
	o := deliverValue(t, destination(t, config(script(status(200)))), calling(), []byte(`{"type":"track","event":"`+long+`","messageId":"`+long+`"}`))
	if want := strings.Repeat("é", 512); *o.Event.Name != want || *o.Event.ID != want {
		t.Errorf("texts of %d and %d bytes, want 1024", len(*o.Event.Name), len(*o.Event.ID))
	}
}

func TestRoute_bodiesAreCut(t *testing.T) {
	object := func(n int) string { return `{"a":"` + strings.Repeat("x", n-8) + `"}` }
	for name, tt := range map[string]struct {
		request, response int
		truncated         bool
	}{"both fit": {16 << 10, 16 << 10, false}, "the request is longer": {16<<10 + 1, 9, true}, "the answer is longer": {9, 16<<10 + 1, true}} {
		t.Run(name, func(t *testing.T) {
			call := update
			call.Body, _ = mapping.ParseJSON([]byte(object(tt.request)))
			d := destination(t, config(script(func() (*http.Response, error) { return answer(200, object(tt.response)) })))
			c := deliverValue(t, d, calling(call), []byte(track)).Calls[0]
			if c.Truncated != tt.truncated {
				t.Errorf("truncated = %v, want %v", c.Truncated, tt.truncated)
			}
			for _, b := range []struct {
				body sink.RawJSON
				n    int
			}{{c.Request, tt.request}, {c.Response, tt.response}} {
				want := object(b.n)
				var got string
				if b.n > 16<<10 {
					if err := json.Unmarshal([]byte(b.body.String()), &got); err != nil || got != want[:16<<10] {
						t.Errorf("a body of %d bytes is %d bytes of text, %v", b.n, len(got), err)
					}
				} else if b.body.String() != want {
					t.Errorf("a body of %d bytes came as %d", b.n, len(b.body.String()))
				}
			}
		})
	}
}

func TestRoute_truncatedIsOfTheAnswerThatStands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		long := func() (*http.Response, error) { return answer(500, `"`+strings.Repeat("x", 20<<10)+`"`) }
		o := deliverValue(t, destination(t, config(script(long, status(200)))), calling(update), []byte(track))
		if c := o.Calls[0]; c.Attempts != 2 || c.Truncated || !c.Response.IsZero() {
			t.Errorf("call = %+v", c)
		}
	})
}

func TestRoute_answerThatIsNoJSONIsRecordedAsText(t *testing.T) {
	deep := strings.Repeat("[", 2000) + strings.Repeat("]", 2000)
	for _, body := range []string{"<html>\x00é</html>", deep, "\xff"} {
		c := config(script(func() (*http.Response, error) { return answer(422, body) }))
		c.Alone, c.Retry.MaxAttempts = true, 1
		d := destination(t, c)
		var got string
		o := deliverValue(t, d, calling(update), []byte(track))
		if err := json.Unmarshal([]byte(o.Calls[0].Response.String()), &got); err != nil || got != strings.ToValidUTF8(body, "\uFFFD") {
			t.Errorf("response = %.60q, %v", got, err)
		}
		encode(t, o)
	}
}

func TestRoute_vendorsTextStandsInTheOutcomeButInNoError(t *testing.T) {
	d := destination(t, config(script(func() (*http.Response, error) { return answer(422, `{"message":"eve@example.org is taken"}`) })))
	route := sending(func(ctx context.Context, do sink.Doer) error {
		_, err := do.Do(ctx, update)
		if err == nil || strings.Contains(err.Error(), "eve") {
			t.Errorf("error = %v, want one without the text", err)
		}
		return err
	})
	if o := deliverValue(t, d, route, []byte(track)); o.Error.Message != "the API answered 422 Unprocessable Entity: eve@example.org is taken" {
		t.Errorf("message = %q", o.Error.Message)
	}
}

func TestRoute_planSendsNoWrite(t *testing.T) {
	byID := find
	byID.Op, byID.Answers = "GET /things/{id}", []int{404}
	for name, tt := range map[string]struct {
		plan    sink.Plan
		status  int
		asked   int
		outcome string
	}{
		"with lookups":          {sink.PlanWithLookup, 200, 2, "planned"},
		"a lookup is refused":   {sink.PlanWithLookup, 422, 1, "dead"},
		"a lookup finds naught": {sink.PlanWithLookup, 404, 1, "dead"},
		"offline":               {sink.PlanOffline, 200, 0, "planned"},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			d := destination(t, config(exchange(func(req *http.Request) (*http.Response, error) {
				if asked++; req.Method != http.MethodGet {
					t.Errorf("%s was sent", req.Method)
				}
				return answer(tt.status, `{"data":[{"id":1}]}`)
			})))
			o, err := calling(find, byID, ticket).Deliver(t.Context(), d.PlanSession(t.Context(), tt.plan, nil), []byte(track))
			if err != nil || string(o.Outcome) != tt.outcome || asked != tt.asked {
				t.Fatalf("outcome = %s %s, %v, %d lookups", o.Outcome, died(o), err, asked)
			}
			if text := encode(t, o); tt.outcome == "planned" &&
				(strings.Contains(text, `"status"`) || strings.Contains(text, `"attempts"`) || !strings.Contains(text, `"request":{}`)) {
				t.Errorf("outcome = %s", text)
			}
		})
	}
}

func ExampleNewRoute() {
	c := config(script(func() (*http.Response, error) { return answer(201, `{"id":42}`) }))
	desk := sink.NewDestination(c, budget.New(c.Rate), slog.New(slog.DiscardHandler))
	defer desk.Close()

	route := sink.NewRoute(sink.DestinationInfo{Name: "support-inbox", Type: "mydesk"}, mapping.Filter{Types: []string{"track"}},
		func(ev mapping.Event) (string, error) { return ev.Name(), nil },
		func(ctx context.Context, do sink.Doer, subject string) (sink.Receipt, error) {
			reply, err := do.Do(ctx, sink.Call{
				Op: "POST /tickets", Method: http.MethodPost, Path: "/tickets", Unrepeatable: true,
				Body: mapping.Obj(mapping.Member{Name: "subject", Value: mapping.Str(subject)}),
			})
			return sink.Receipt{IDs: map[string]string{"ticket_id": reply.JSON().Get("id").Text()}}, err
		})

	ctx := context.Background()
	pass, err := desk.Gate().Enter(ctx, "user-7")
	if err != nil {
		fmt.Println(err)
		return
	}
	session := desk.Session(pass, sink.Stop{Soft: ctx, Hard: ctx})
	outcome, err := route.Deliver(ctx, session, []byte(`{"type":"track","event":"Product Purchased"}`))
	fmt.Println(outcome.Outcome, outcome.IDs, err)
	// Output: delivered map[ticket_id:42] <nil>
}

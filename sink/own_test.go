package sink_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/hold"
	"github.com/deskstream/deskstream/sink/sinktest"
)

// asking is a route whose records are calls: those of the record's type, with its parameters.
func asking() sink.Route {
	route := calling(ticket)
	route.Calls = &sink.Calls{
		Read: func(ev mapping.Event) (sink.Asked, error) {
			asked := sink.Asked{CorrelationID: ev.Body.Get("correlationId").Str(), To: "elsewhere", Query: ev.Body.Get("query")}
			call := sink.Call{Op: ev.Type, Path: "/things"}
			switch ev.Type {
			case "get":
				call.Method = http.MethodGet
			case "put":
				call.Method, call.Body = http.MethodPut, mapping.Obj()
			case "post":
				call.Method, call.Body, call.Unrepeatable = http.MethodPost, mapping.Obj(), true
			case "elsewhere":
				return asked, mapping.OtherDestination
			default:
				return asked, &mapping.Error{Code: mapping.NotAllowed, Message: "the call is on no list"}
			}
			asked.Call = call
			return asked, nil
		},
		NextPage: func(answer mapping.Value) string { return answer.Get("next").Str() },
	}
	return route
}

// ask carries a call through the route.
func ask(t *testing.T, d *sink.Destination, value string) sink.Outcome {
	t.Helper()
	s := d.Session(enter(t, d.Gate(), "l"), forever())
	s.Call = true
	o, err := asking().Deliver(t.Context(), s, []byte(value))
	if err != nil {
		t.Fatalf("delivering: %v", err)
	}
	return o
}

// answered is what an outcome says of the answer to a call.
func answered(o sink.Outcome) string {
	text := string(o.Outcome)
	if o.Reason != nil {
		text += " " + string(*o.Reason)
	}
	if why := died(o); why != "" {
		text += " " + why
	}
	if o.Status != nil {
		text += " " + http.StatusText(*o.Status)
	}
	if !o.Result.IsZero() {
		text += " " + o.Result.String()
	}
	if o.Truncated {
		text += " truncated"
	}
	if !o.Cursor.IsZero() {
		text += " then " + o.Cursor.String()
	}
	return text
}

func TestCall(t *testing.T) {
	const refusal = `{"message":"no such thing"}`
	moved := status(302, "Location", "/elsewhere")
	for name, tt := range map[string]struct {
		value   string
		answers []scripted
		want    string
		calls   int
	}{
		"an answer":                               {`{"type":"get"}`, []scripted{says(200, `{"a":1.50}`)}, `delivered OK {"a":1.50}`, 1},
		"a write without a body in its answer":    {`{"type":"post"}`, []scripted{status(204)}, `delivered No Content`, 1},
		"a list that goes on":                     {`{"type":"get","query":{"a":1,"page":1,"b":[2,3]}}`, []scripted{says(200, `{"next":"page=2&l%5B%5D=x&l%5B%5D=y"}`)}, `delivered OK {"next":"page=2&l%5B%5D=x&l%5B%5D=y"} then {"a":1,"b":[2,3],"page":"2","l[]":["x","y"]}`, 1},
		"a link that echoes the credential":       {`{"type":"get"}`, []scripted{says(200, `{"next":"page=2&k=`+url.QueryEscape(credential)+`"}`)}, `delivered OK {"next":"page=2&k=[redacted]"} then {"page":"2","k":"[redacted]"}`, 1},
		"a link that is none":                     {`{"type":"get"}`, []scripted{says(200, `{"next":"%zz"}`)}, `delivered OK {"next":"%zz"}`, 1},
		"a refusal":                               {`{"type":"get"}`, []scripted{says(404, refusal)}, `dead request rejected http_404 Not Found ` + refusal, 1},
		"a fault of the desk's":                   {`{"type":"post"}`, []scripted{says(500, refusal), says(200, `[]`)}, `delivered OK []`, 2},
		"a page that is no JSON":                  {`{"type":"get"}`, []scripted{says(200, "<html>")}, `dead request exhausted bad_answer OK "<html>"`, 1},
		"a page that is no JSON, to a write":      {`{"type":"post"}`, []scripted{says(200, "<html>")}, `dead request unknown bad_answer OK "<html>"`, 1},
		"a page that is no JSON, to a safe write": {`{"type":"put"}`, []scripted{says(200, "<html>")}, `dead request exhausted bad_answer OK "<html>"`, 1},
		"nothing for a GET":                       {`{"type":"get"}`, []scripted{status(200)}, `dead request exhausted bad_answer OK`, 1},
		"no answer to a GET":                      {`{"type":"get"}`, []scripted{lost, says(200, `{}`)}, `delivered OK {}`, 2},
		"no answer to a safe write":               {`{"type":"put"}`, []scripted{lost, says(200, `{}`)}, `delivered OK {}`, 2},
		"no answer to a write":                    {`{"type":"post"}`, []scripted{lost}, `dead request unknown connection`, 1},
		"an answer, then none":                    {`{"type":"post"}`, []scripted{says(503, refusal), lost}, `dead request unknown connection`, 2},
		"a redirect":                              {`{"type":"get"}`, []scripted{moved, says(200, `{}`)}, `delivered OK {}`, 2},
		"another destination's":                   {`{"type":"elsewhere"}`, nil, `skipped other_destination`, 0},
		"one on no list":                          {`{"type":"delete"}`, nil, `dead map invalid not_allowed`, 0},
		"no JSON":                                 {`{`, nil, `dead decode invalid not_json`, 0},
	} {
		bubble(t, name, func(t *testing.T) {
			made := 0
			d := destination(t, config(exchange(func(req *http.Request) (*http.Response, error) {
				if made++; made > len(tt.answers) || req.URL.Path != "/things" {
					t.Errorf("call %d went to %s", made, req.URL)
					return answer(200, "{}")
				}
				return tt.answers[made-1]()
			})))
			o := ask(t, d, `{"correlationId":"c-1",`+tt.value[1:])
			if got := answered(o); got != tt.want || made != tt.calls {
				t.Errorf("after %d calls: %s\nwant after %d: %s", made, got, tt.calls, tt.want)
			}
			if o.CorrelationID == nil && name != "no JSON" || o.CorrelationID != nil && *o.CorrelationID != "c-1" {
				t.Errorf("correlation id = %v", o.CorrelationID)
			}
			if (name == "another destination's") != (o.Event.To == "elsewhere") {
				t.Errorf("to = %q", o.Event.To)
			}
			if d.Gate().InUse() != 0 {
				t.Error("the place was not given back")
			}
		})
	}
}

func TestCall_longAnswersAreCut(t *testing.T) {
	list := func(n int) string { return `{"next":"page=2","data":"` + strings.Repeat("x", n) + `"}` }
	for name, tt := range map[string]struct {
		body      string
		size      int
		truncated bool
		cursor    string
	}{
		"512 KiB":   {list(sink.MaxResult - len(list(0))), sink.MaxResult, false, `{"page":"2"}`},
		"more":      {list(sink.MaxResult - len(list(0)) + 1), sink.MaxResult, true, `{"page":"2"}`},
		"over 1MiB": {list(sink.MaxBody), sink.MaxResult, true, ""},
	} {
		bubble(t, name, func(t *testing.T) {
			o := ask(t, destination(t, config(script(says(200, tt.body)))), `{"type":"get"}`)
			v, err := mapping.ParseJSON([]byte(o.Result.String()))
			if err != nil || o.Outcome != sink.Delivered || o.Truncated != tt.truncated || o.Cursor.String() != tt.cursor {
				t.Fatalf("outcome = %s, truncated %v, cursor %s, %v", o.Outcome, o.Truncated, o.Cursor, err)
			}
			size := len(o.Result.String())
			if tt.truncated {
				size = len(v.Str())
			}
			if size != tt.size || (tt.cursor == "") != (len(o.Warnings) > 0) {
				t.Errorf("result of %d bytes, want %d; warnings %q", size, tt.size, o.Warnings)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		o := ask(t, destination(t, config(script(says(200, "<html>"+strings.Repeat("x", sink.MaxBody))))), `{"type":"post"}`)
		if got := died(o); got != "request unknown bad_answer" {
			t.Errorf("a long page: %q", got)
		}
	})
}

// TestCall_badAnswersHoldNothing delivers more of them than it takes for a hold, of a breaker too.
func TestCall_badAnswersHoldNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := config(script(says(200, "<html>")))
		c.Breaker = hold.Breaker{Share: 0.1, Of: 10}
		d := destination(t, c)
		for range 40 {
			s := d.Session(enter(t, d.Gate(), ""), forever())
			s.Call = true
			if o, err := asking().Deliver(t.Context(), s, []byte(`{"type":"post"}`)); err != nil || o.Error == nil {
				t.Fatalf("outcome = %+v, %v", o, err)
			}
		}
		if held := d.Gate().Held(); held.Active() {
			t.Errorf("the destination is on hold: %+v", held)
		}
	})
}

// TestCall_endsAHold shows that a GET is a probe like any write, and that what holds is no attempt.
func TestCall_endsAHold(t *testing.T) {
	for reason, first := range map[string]scripted{"http_401": status(401), "http_429": status(429)} {
		bubble(t, reason, func(t *testing.T) {
			c := config(script(first, first, says(200, `{}`)))
			c.Retry.MaxAttempts = 1
			d := destination(t, c)
			began := time.Now()
			o := ask(t, d, `{"type":"get"}`)
			if got := answered(o); got != "delivered OK {}" || d.Gate().Held().Active() || time.Since(began) < time.Second {
				t.Errorf("%s, on hold: %v, after %v", got, d.Gate().Held().Active(), time.Since(began))
			}
		})
	}
}

func TestCall_planSendsNothing(t *testing.T) {
	d := destination(t, config(script(func() (*http.Response, error) { t.Error("a call was made"); return answer(200, "{}") })))
	for _, typ := range []string{"get", "post"} {
		s := d.PlanSession(t.Context(), sink.PlanWithLookup, nil)
		s.Call = true
		o, err := asking().Deliver(t.Context(), s, []byte(`{"type":"`+typ+`","correlationId":"c-1"}`))
		if err != nil || answered(o) != "planned" || len(o.Calls) != 1 || o.Calls[0].Status != nil || o.Calls[0].Lookup || *o.CorrelationID != "c-1" {
			t.Errorf("%s: %+v, %v", typ, o, err)
		}
	}
}

func TestCall_theAnswerHoldsNoCredential(t *testing.T) {
	d := destination(t, config(script(says(200, `{"token":`+mapping.Str(credential).JSON()+`}`))))
	if o := ask(t, d, `{"type":"get"}`); strings.Contains(o.Result.String(), "of-a-desk") || o.Outcome != sink.Delivered {
		t.Errorf("result = %s", o.Result)
	}
}

// TestCall_onlyFromItsTopic: what the caller does not mark as a call is an event.
func TestCall_onlyFromItsTopic(t *testing.T) {
	d := destination(t, config(script(status(200))))
	s := d.Session(enter(t, d.Gate(), "l"), forever())
	if o, err := asking().Deliver(t.Context(), s, []byte(`{"type":"get"}`)); err != nil || o.Status != nil || len(o.Calls) != 1 || !strings.HasSuffix(o.Calls[0].URL, "/tickets") {
		t.Errorf("outcome = %+v, %v", o, err)
	}
}

// TestCall_isNotSentTwiceByTwoProcesses: a write that is not safe to repeat is on record before it
// is sent, and dies where another process may have sent it. Others are sent again.
func TestCall_isNotSentTwiceByTwoProcesses(t *testing.T) {
	left := &sink.Progress{Next: &sink.Announcement{Step: "call", At: sink.Time{Time: time.Now()}}}
	for _, unknown := range []sink.Unknowns{sink.UnknownProbed, sink.UnknownRetried, sink.UnknownDies} {
		for value, want := range map[string]string{
			`{"type":"post"}`: "dead request unknown connection", `{"type":"put"}`: "delivered OK {}", `{"type":"get"}`: "delivered OK {}",
		} {
			bubble(t, value, func(t *testing.T) {
				made, onRecord := 0, new(sinktest.Ledger)
				c := config(exchange(func(*http.Request) (*http.Response, error) {
					if made++; onRecord.Last != nil && onRecord.Last.Next == nil {
						t.Error("the call is not on record")
					}
					return answer(200, "{}")
				}))
				c.Unknown = unknown
				d := destination(t, c)
				for _, before := range []*sink.Progress{nil, left} {
					s := d.Session(enter(t, d.Gate(), "l"), forever())
					s.Call, s.Ledger, s.Inherited = true, onRecord, before
					o, err := asking().Deliver(t.Context(), s, []byte(value))
					if got := answered(o); err != nil || before == nil && got != "delivered OK {}" || before != nil && got != want {
						t.Errorf("%s, unknown %d: %s, %v, want %s", value, unknown, got, err, want)
					}
					if p := s.Progress(); before != nil && want != "delivered OK {}" && p != nil && p.Next != nil {
						t.Errorf("%s: %+v stays on record, so that no apply would send it", value, p.Next)
					}
				}
				if unsafe := value == `{"type":"post"}`; unsafe != (onRecord.Last != nil) || unsafe != (made == 1) {
					t.Errorf("%s: sent %d times, on record: %v", value, made, onRecord.Last != nil)
				}
			})
		}
	}
}

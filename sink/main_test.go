package sink_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
	"github.com/deskstream/deskstream/sink/hold"
	"github.com/deskstream/deskstream/sink/sinktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// credential has what JSON, HTML and URLs escape.
const credential = `tok"en/<&+\42-of-a-desk`

// The calls that tests make, in the words of no vendor.
var (
	find   = sink.Call{Op: "GET /things", Method: http.MethodGet, Path: "/things", Query: "name=x", Lookup: true}
	update = sink.Call{Op: "PUT /things/{id}", Method: http.MethodPut, Path: "/things/7", Body: mapping.Obj(mapping.Member{Name: "a", Value: mapping.Int(1)})}
	ticket = sink.Call{Op: "POST /tickets", Method: http.MethodPost, Path: "/tickets", Body: mapping.Obj(), Unrepeatable: true}
)

// exchange is a help desk without sockets. It may run on several goroutines.
type exchange func(req *http.Request) (*http.Response, error)

func (e exchange) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer req.Body.Close()
	}
	if trace := httptrace.ContextClientTrace(req.Context()); trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
	return e(req)
}

// answer is an answer with header given as name, value, name, value.
func answer(status int, body string, header ...string) (*http.Response, error) {
	resp := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
	for i := 0; i+1 < len(header); i += 2 {
		resp.Header.Set(header[i], header[i+1])
	}
	return resp, nil
}

// config is a destination that repeats quickly and has budget without end.
func config(transport http.RoundTripper) sink.Config {
	return sink.Config{
		Name: "desk", BaseURL: "http://desk.example", Credential: sink.NewSecret(credential), CredentialSetting: "desk.token", MaxInFlight: 4,
		Rate: budget.Rate{Requests: 1_000_000, Per: time.Second}, Timeout: 10 * time.Second,
		Retry:   sink.Policy{Initial: time.Second, Max: 8 * time.Second},
		Version: "test", Transport: transport,
	}
}

func destination(t *testing.T, c sink.Config) *sink.Destination {
	t.Helper()
	spend := budget.New(c.Rate)
	if c.Priorities {
		spend.Prioritise()
	}
	d := sink.NewDestination(c, spend, slog.New(slog.DiscardHandler))
	t.Cleanup(d.Close)
	return d
}

// calling is a route whose events need these calls, in order.
func calling(calls ...sink.Call) sink.Route {
	return sending(func(ctx context.Context, do sink.Doer) error {
		for _, call := range calls {
			if _, err := do.Do(ctx, call); err != nil {
				return err
			}
		}
		return nil
	})
}

func sending(send func(context.Context, sink.Doer) error) sink.Route {
	return sink.NewRoute(sink.DestinationInfo{Name: "desk", Type: "test"}, mapping.Filter{},
		func(ev mapping.Event) (mapping.Event, error) { return ev, nil },
		func(ctx context.Context, do sink.Doer, _ mapping.Event) (sink.Receipt, error) {
			return sink.Receipt{}, send(ctx, do)
		})
}

// alone is the Doer of a caller that has no place to give back.
var alone = sinktest.DoerFunc(nil)

const track = `{"type":"track","event":"E","messageId":"m-1","userId":"u"}`

// forever is a Stop that never comes.
func forever() sink.Stop {
	return sink.Stop{Soft: context.Background(), Hard: context.Background()}
}

// deliver carries one event of the lane through the route.
func deliver(ctx context.Context, d *sink.Destination, route sink.Route, lane string, stop sink.Stop) (sink.Outcome, error) {
	pass, err := d.Gate().Enter(ctx, lane)
	if err != nil {
		return sink.Outcome{}, err
	}
	s := d.Session(pass, stop)
	s.Lane = lane
	return route.Deliver(ctx, s, []byte(track))
}

// died is what an outcome says of its death, "" for none.
func died(o sink.Outcome) string {
	if o.Error == nil {
		return ""
	}
	return string(o.Error.Stage) + " " + string(o.Error.Class) + " " + string(o.Error.Code)
}

func bubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

func enter(t *testing.T, g *hold.Gate, lane string) *hold.Pass {
	t.Helper()
	p, err := g.Enter(t.Context(), lane)
	if err != nil {
		t.Fatalf("entering: %v", err)
	}
	return p
}

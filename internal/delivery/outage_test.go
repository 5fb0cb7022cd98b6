package delivery_test

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/internal/config/configtest"
	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
	"github.com/deskstream/deskstream/sink"
)

// The caller has the input, so what a gateway answers in the API's place leaves the events open;
// one that imitates the API is believed, because nothing tells it from the API.
func TestDeliver_anOutageLeavesEventsOpen(t *testing.T) {
	t.Parallel()
	const events, users = 200, 50
	for _, g := range stub.Gateways() {
		t.Run(g.Name, func(t *testing.T) {
			t.Parallel()
			desk := stub.New(stub.Config{}, stubtrengo.New(nil), stubkustomer.New())
			server := httptest.NewServer(desk)
			t.Cleanup(server.Close)
			desk.Desk(stubtrengo.Name).SetGateway(&g)
			desk.Desk(stubkustomer.Name).SetGateway(&g)
			settings := `
    delivery:
      timeout: 5s
      rate_limit: {requests: 1000000}
      retry: {max_elapsed: 2s, initial: 50ms, max: 200ms}
`
			cfg := configtest.Parse(t, `destinations:
  - name: inbox
    type: trengo
    trengo: {api_token: t, channel_id: "123456", create_contact: true, base_url: %q}%s
  - name: crm
    type: kustomer
    kustomer: {api_key: k, base_url: %q}%s`, server.URL+stubtrengo.Path, settings, server.URL+stubkustomer.Path, settings)
			var input strings.Builder
			for i := range events {
				fmt.Fprintf(&input, `{"type":"identify","messageId":"m-%d","userId":"u-%d","traits":{"email":"u%d@example.com","name":"N %d"}}`+"\n",
					i, i%users, i%users, i)
			}
			got := deliver(t, cfg, input.String())
			if g.Imitates {
				genuine := slices.DeleteFunc(got.outcomes, func(o sink.Outcome) bool { return o.Error != nil && o.Error.Class == sink.Rejected })
				if got.err != nil || got.dead != 2*events || len(genuine)+len(got.notes) != 0 {
					t.Errorf("%d dead, %d not rejected and %d open, error %v, want %d, and no other", got.dead, len(genuine), len(got.notes), got.err, 2*events)
				}
				return
			}
			if got.err == nil || len(got.outcomes) != 0 || len(got.notes) != 2*events {
				t.Errorf("%d outcomes and %d open, error %v, want none, %d and one", len(got.outcomes), len(got.notes), got.err, 2*events)
			}
			// Each event in flight, at 64 for a destination, finds out, with a redirect; then one probe at a time does.
			if calls := len(desk.Received()); calls > 2*2*(64+20) {
				t.Errorf("%d calls", calls)
			}
		})
	}
}

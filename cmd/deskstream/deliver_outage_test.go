package main

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
)

// deliver has the input, so what a gateway answers in the API's place leaves the events
// open there; one that imitates the API is believed, since nothing tells it from the API.
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
			delivery := `
    delivery:
      timeout: 5s
      rate_limit: {requests: 1000000}
      retry: {max_elapsed: 2s, initial: 50ms, max: 200ms}
`
			path := writeFile(t, "c.yaml", fmt.Sprintf(`destinations:
  - name: %s
    type: trengo
    trengo: {api_token: t, channel_id: "123456", create_contact: true, base_url: %q}%s
  - name: %s
    type: kustomer
    kustomer: {api_key: k, base_url: %q}%s`, inbox, server.URL+stubtrengo.Path, delivery, crm, server.URL+stubkustomer.Path, delivery))
			var input strings.Builder
			for i := range events {
				fmt.Fprintf(&input, `{"type":"identify","messageId":"m-%d","userId":"u-%d","traits":{"email":"u%d@example.com","name":"N %d"}}`+"\n",
					i, i%users, i%users, i)
			}
			got := runCommand(t, input.String(), "deliver", "-c", path)
			open, ended := strings.Count(got.stderr, "open: line"), outcomes(t, got.stdout)
			if g.Imitates {
				if n := strings.Count(got.stdout, `"class":"rejected"`); got.code != exitDead || n != 2*events || open != 0 {
					t.Errorf("exit code %d, %d rejected and %d open, want %d, %d and none", got.code, n, open, exitDead, 2*events)
				}
				return
			}
			if got.code != exitFault || len(ended) != 0 || open != 2*events {
				t.Errorf("exit code %d, %d ended and %d open, want %d, none and %d", got.code, len(ended), open, exitFault, 2*events)
			}
			// Each event in flight, at 64 for a destination, finds out, with a redirect; then one probe at a time does.
			if calls := len(desk.Received()); calls > 2*2*(64+20) {
				t.Errorf("%d calls", calls)
			}
		})
	}
}

package trengo_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/desk/trengo"
	"github.com/deskstream/deskstream/internal/desktest"
	"github.com/deskstream/deskstream/internal/stub"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
	"github.com/deskstream/deskstream/sink"
)

func settings(baseURL string) desk.Settings {
	return &trengo.Settings{
		APIToken: sink.NewSecret(desktest.Token), BaseURL: baseURL, ChannelID: "123456", ChannelIdentifier: "email", EnableDedup: true, CreateContact: true,
		EventTemplates: []trengo.EventTemplate{{Event: "Order Completed", Template: "{{ event }} {{ properties.order_id }}"}},
	}
}

func TestDesk(t *testing.T) {
	desktest.Run(t, desktest.Desk{
		Kind: trengo.Kind(), Settings: settings, Write: "/tickets",
		Events: map[string]string{
			"identify": `{"type":"identify","messageId":"m-1","userId":"u-1","traits":{"email":"nora1@example.com","name":"Nora Vos"}}`,
			"track":    `{"type":"track","event":"Order Completed","messageId":"m-2","userId":"u-1","properties":{"order_id":"A-1001"},"context":{"traits":{"email":"nora1@example.com"}}}`,
		},
		Paging: laterPages,
	})
}

// laterPages has the contact of an address on a page after the first of those whose address
// contains it.
func laterPages(t *testing.T) {
	for n := range 20 {
		api, address := stubtrengo.New(nil), fmt.Sprintf("nora%d@example.com", n)
		handler := stub.New(stub.Config{}, api).Desk(stubtrengo.Name)
		for i := range 60 {
			identifier := address
			if i != 30 {
				identifier = fmt.Sprintf("%02d.%s", i, address)
			}
			ask(t, handler, http.MethodPost, "/channels/123456/contacts", `{"name":"Somebody","identifier":"`+identifier+`","channel_id":123456}`)
		}
		if first := ask(t, handler, http.MethodGet, "/contacts?page=1&term="+address, ""); strings.Contains(first, `"identifier":"`+address+`"`) {
			continue // the stub lists by id, and ids are hashes
		}
		kind := trengo.Kind()
		kind.Stub = func() stub.API { return api }
		o := desktest.Deliver(t, desktest.Desk{Kind: kind, Settings: settings}, `{"type":"identify","messageId":"m-1","userId":"u-1","traits":{"email":"`+address+`","name":"Nora Vos"}}`)
		if o.Outcome != sink.Delivered || len(o.Calls) < 3 {
			t.Errorf("outcome %s, error %+v, %d calls", o.Outcome, o.Error, len(o.Calls))
		}
		for _, c := range o.Calls {
			if c.Method == http.MethodPost {
				t.Errorf("a second contact was created: %s %s", c.Method, c.URL)
			}
		}
		return
	}
	t.Fatal("no address is on a later page")
}

// ask makes one request of the stub and returns the body of its answer.
func ask(t *testing.T, handler http.Handler, method, path, body string) string {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+desktest.Token)
	w := httptest.NewRecorder()
	if handler.ServeHTTP(w, r); w.Code >= 300 {
		t.Fatalf("%s %s is answered %d %s", method, path, w.Code, w.Body)
	}
	return w.Body.String()
}

package trengo_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/deskstream/deskstream/internal/stub"
	"github.com/deskstream/deskstream/internal/stub/stubtest"
)

// What an export needs: a rising order of tickets, those that changed, and what is deleted.
func TestTrengo_listsForExport(t *testing.T) {
	d := serve(t, stub.Config{Quirks: stub.Quirks{ClockOffset: -30 * 24 * time.Hour}})
	ids := func(path string) (ids []string) {
		data, _ := stubtest.Must(t, d.Call("GET", api+path, ""), http.StatusOK)["data"].([]any)
		for _, e := range data {
			ids = append(ids, fmt.Sprint(e.(map[string]any)["id"]))
		}
		return ids
	}
	contact := fmt.Sprint(stubtest.Must(t, d.Call("POST", api+"/channels/123456/contacts", `{"identifier":"ada@example.test"}`), http.StatusCreated)["id"])
	var tickets []string
	for range 3 {
		made := stubtest.Must(t, d.Call("POST", api+"/tickets", `{"contact_id":`+contact+`,"channel_id":123456,"subject":"x"}`), http.StatusCreated)
		tickets = append(tickets, fmt.Sprint(made["id"]))
	}
	desk := d.Server.Desk("trengo")
	desk.SetQuirks(stub.Quirks{})
	stubtest.Must(t, d.Call("POST", api+"/tickets/"+tickets[0]+"/messages", `{"message":"hello"}`), http.StatusCreated)
	if got, want := fmt.Sprint(ids("/tickets?sort=date")), fmt.Sprint(tickets[1:], tickets[:1]); got != "["+tickets[1]+" "+tickets[2]+" "+tickets[0]+"]" {
		t.Errorf("by date they are %s, want %s", got, want)
	}
	since := url.QueryEscape(time.Now().Add(-time.Hour).Format(time.DateTime))
	if got := ids("/tickets?updated_at_gt=" + since); len(got) != 1 || got[0] != tickets[0] {
		t.Errorf("changed are %v, want %s", got, tickets[0])
	}
	for _, path := range []string{"/tickets/" + tickets[1], "/contacts/" + contact} {
		if r := d.Call("DELETE", api+path, ""); r.Status != http.StatusOK || r.Body != "" {
			t.Errorf("deleting %s: %d %s", path, r.Status, r.Body)
		}
		for _, method := range []string{"GET", "DELETE"} {
			if r := d.Call(method, api+path, ""); r.Status != http.StatusNotFound {
				t.Errorf("%s of the deleted %s: %d", method, path, r.Status)
			}
		}
	}
	if got := ids("/contacts?term=ada%40example.test"); len(got) != 0 {
		t.Errorf("a deleted contact is found: %v", got)
	}
	for _, path := range []string{"/users/8", "/teams/3001", "/labels/4001", "/custom_fields/5001", "/contact_groups/7001"} {
		stubtest.Must(t, d.Call("GET", api+path, ""), http.StatusOK)
		if r := d.Call("GET", api+path+"999", ""); r.Status != http.StatusNotFound {
			t.Errorf("%s999: %d", path, r.Status)
		}
	}
}

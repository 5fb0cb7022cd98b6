package trengo_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/deskstream/deskstream/internal/stub"
	"github.com/deskstream/deskstream/internal/stub/stubtest"
)

func TestTrengo_webhooksAreRegistered(t *testing.T) {
	d := serve(t, stub.Config{})
	const path = api + "/webhooks"
	for _, body := range []string{`{}`, `{"name":"h","type":"NOTE"}`, `{"name":"h","url":"https://hooks.example.com","type":"TICKET_CREATED"}`} {
		if got := d.Call(http.MethodPost, path, body); got.Status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", body, got.Status)
		}
	}
	secrets := make(map[any]bool)
	var id string
	for _, event := range []string{"NOTE", "TICKET_CLOSED"} {
		made := stubtest.Must(t, d.Call(http.MethodPost, path, `{"name":"h","url":"https://hooks.example.com","type":"`+event+`"}`), http.StatusCreated)
		secrets[made["signing_secret"]] = true
		if id = fmt.Sprint(made["id"]); made["type"] != event || made["title"] != "h" {
			t.Errorf("registered: %v", made)
		}
	}
	if len(secrets) != 2 {
		t.Error("two registrations have one secret")
	}
	list := stubtest.Must(t, d.Call(http.MethodGet, path, ""), http.StatusOK)
	if len(list["data"].([]any)) != 2 || list["meta"].(map[string]any)["last_page"] == nil {
		t.Errorf("the list is %v", list)
	}
	changed := stubtest.Must(t, d.Call(http.MethodPut, path+"/"+id, `{"url":"https://other.example.com"}`), http.StatusOK)
	if changed["url"] != "https://other.example.com" || changed["type"] != "TICKET_CLOSED" {
		t.Errorf("changed: %v", changed)
	}
	if got := d.Call(http.MethodDelete, path+"/"+id, ""); got.Status != http.StatusOK {
		t.Errorf("removing it: %d", got.Status)
	}
	if got := d.Call(http.MethodGet, path+"/"+id, ""); got.Status != http.StatusNotFound {
		t.Errorf("a removed one: %d", got.Status)
	}
}

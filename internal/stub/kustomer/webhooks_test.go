package kustomer_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/deskstream/deskstream/internal/stub"
	"github.com/deskstream/deskstream/internal/stub/stubtest"
)

func TestKustomer_webhooksAreRegistered(t *testing.T) {
	d := serve(t, stub.Config{})
	hook := func(url, events string) string {
		return fmt.Sprintf(`{"name":"h","url":%q,"events":%s}`, url, events)
	}
	const path, one = api + "/outbound-webhooks", `["kustomer.conversation.update"]`
	for name, body := range map[string]string{
		"plain http": hook("http://hooks.example.com", one), "no event": `{"name":"h","url":"https://hooks.example.com"}`,
		"an event that is none": hook("https://hooks.example.com", `["kustomer.note.create"]`), "one more member": `{"name":"h","url":"https://hooks.example.com","events":` + one + `,"secret":"x"}`,
	} {
		if got := d.Call(http.MethodPost, path, body); got.Status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, got.Status, got.Body)
		}
	}
	var id string
	for range 5 {
		data := stubtest.Must(t, d.Call(http.MethodPost, path, hook("https://hooks.example.com", one)), http.StatusCreated)["data"].(map[string]any)
		id = data["id"].(string)
		if attributes := data["attributes"].(map[string]any); attributes["token"] == "" || attributes["enabled"] != true {
			t.Errorf("attributes %v", attributes)
		}
	}
	if got := d.Call(http.MethodPost, path, hook("https://hooks.example.com", one)); got.Status != http.StatusBadRequest {
		t.Errorf("a sixth: %d", got.Status)
	}
	if list := stubtest.Must(t, d.Call(http.MethodGet, path, ""), http.StatusOK)["data"].([]any); len(list) != 5 {
		t.Errorf("%d are listed", len(list))
	}
	off := `{"name":"h","url":"https://hooks.example.com","events":` + one + `,"enabled":false}`
	shown := stubtest.Must(t, d.Call(http.MethodPut, path+"/"+id, off), http.StatusOK)["data"].(map[string]any)
	if shown["attributes"].(map[string]any)["enabled"] != false {
		t.Errorf("switched off it is %v", shown)
	}
	if got := d.Call(http.MethodDelete, path+"/"+id, ""); got.Status != http.StatusNoContent {
		t.Errorf("removing it: %d", got.Status)
	}
	if got := d.Call(http.MethodGet, path+"/"+id, ""); got.Status != http.StatusNotFound {
		t.Errorf("a removed one: %d", got.Status)
	}
	if got := stubtest.Must(t, d.Call(http.MethodGet, path+"/events", ""), http.StatusOK)["events"].([]any); len(got) != 12 {
		t.Errorf("%d events", len(got))
	}
}

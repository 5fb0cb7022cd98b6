package kustomer_test

import (
	"fmt"
	"testing"

	"github.com/deskstream/deskstream/internal/stub"
	"github.com/deskstream/deskstream/internal/stub/kustomer"
)

func TestKustomer_conversationsAreOpenedOnceForAnExternalID(t *testing.T) {
	d := serve(t, stub.Config{})
	customer := func(id string) string {
		r, err := d.Try("t", "POST", api+"/customers", fmt.Sprintf(`{"externalId":%q}`, id))
		if err != nil || r.Status != 201 {
			t.Fatalf("%d %s, %v", r.Status, r.Body, err)
		}
		data, _ := r.JSON(t)["data"].(map[string]any)
		return fmt.Sprint(data["id"])
	}
	ada, bob := customer("ada"), customer("bob")
	d.expect([]refusal{
		{"of nobody", "POST", api + "/customers/5f0000000000000000000000/conversations", `{}`, 404, "notfound"},
		{"snoozed", "POST", api + "/customers/" + ada + "/conversations", `{"status":"snoozed"}`, 400, "/data/attributes/status"},
		{"a member that is not known", "POST", api + "/customers/" + ada + "/conversations", `{"subject":"x"}`, 400, "not allowed"},
		{"the first", "POST", api + "/customers/" + ada + "/conversations", `{"externalId":"ds-1","name":"Order 7"}`, 201, `"name":"Order 7"`},
		{"the same again", "POST", api + "/customers/" + ada + "/conversations", `{"externalId":"ds-1"}`, 409, "conflict"},
		{"the same of another customer", "POST", api + "/customers/" + bob + "/conversations", `{"externalId":"ds-1"}`, 409, "conflict"},
		{"without an external id", "POST", api + "/customers/" + ada + "/conversations", `{}`, 201, ada},
		{"looked up", "GET", api + "/conversations/externalId=ds-1", "", 200, `"name":"Order 7"`},
		{"looked up, and not there", "GET", api + "/conversations/externalId=ds-2", "", 404, "notfound"},
		{"by an id that is none", "GET", api + "/conversations/ds-1", "", 404, "notfound"},
	})
	made := d.Server.Desk(kustomer.Name).Tickets()
	if len(made) != 2 || made[0].Subject != "Order 7" || made[0].Contact != ada || made[1].Subject != "" {
		t.Errorf("made %+v", made)
	}
}

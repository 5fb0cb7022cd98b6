package kustomer_test

import (
	"fmt"
	"testing"

	"github.com/deskstream/deskstream/internal/stub"
	"github.com/deskstream/deskstream/internal/stub/kustomer"
	"github.com/deskstream/deskstream/internal/stub/stubtest"
)

// made makes an object and returns its id.
func (d *desk) made(path, body string) string {
	d.T.Helper()
	data, _ := stubtest.Must(d.T, d.Call("POST", api+path, body), 201)["data"].(map[string]any)
	return fmt.Sprint(data["id"])
}

func TestKustomer_conversationsAreOpenedOnceForAnExternalID(t *testing.T) {
	d := serve(t, stub.Config{})
	ada, bob := d.made("/customers", `{"externalId":"ada"}`), d.made("/customers", `{"externalId":"bob"}`)
	d.expect([]refusal{
		{"of nobody", "POST", api + "/customers/5f0000000000000000000000/conversations", `{}`, 404, "notfound"},
		{"snoozed", "POST", api + "/customers/" + ada + "/conversations", `{"status":"snoozed"}`, 400, "/data/attributes/status"},
		{"a member that is not known", "POST", api + "/customers/" + ada + "/conversations", `{"subject":"x"}`, 400, "not allowed"},
		{"the first", "POST", api + "/customers/" + ada + "/conversations", `{"externalId":"ds-1","name":"Order 7"}`, 201, `"name":"Order 7"`},
		{"the same again", "POST", api + "/customers/" + ada + "/conversations", `{"externalId":"ds-1"}`, 409, "conflict"},
		{"the same of another customer", "POST", api + "/customers/" + bob + "/conversations", `{"externalId":"ds-1"}`, 409, "conflict"},
		{"a tag by name", "POST", api + "/customers/" + ada + "/conversations", `{"tags":["vip"]}`, 400, "/data/attributes/tags/0"},
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

func TestKustomer_conversationsAreChanged(t *testing.T) {
	d := serve(t, stub.Config{})
	ada := d.made("/customers", `{"externalId":"ada"}`)
	c := "/conversations/" + d.made("/customers/"+ada+"/conversations", `{"name":"Order 7","custom":{"orderStr":"A-7"}}`)
	d.expect([]refusal{
		{"fields one by one", "PATCH", api + c, `{"status":"done","custom":{"sumNum":7},"assignedTeams":["t"],"priority":5}`, 200, `"custom":{"orderStr":"A-7","sumNum":7}`},
		{"a stale revision", "PATCH", api + c, `{"rev":1,"name":"x"}`, 409, "conflict"},
		{"the present one", "PATCH", api + c, `{"rev":2,"name":"Order 8"}`, 200, `"rev":3`},
		{"the customer", "PATCH", api + c, `{"customer":"x"}`, 400, "not allowed"},
		{"a snooze", "PUT", api + c, `{"status":"snoozed","snooze":{"time":"2026-01-01T00:00:00Z","status":"scheduled"}}`, 200, `"status":"snoozed"`},
		{"a tag by name in an update", "PATCH", api + c, `{"tags":["vip"]}`, 400, "/data/attributes/tags/0"},
		{"tags that are no list", "POST", api + c + "/tags", `{"tags":["vip"]}`, 400, ""},
		{"a tag that may not be", "POST", api + c + "/tags", `["a&b"]`, 400, ""},
		{"tags on", "POST", api + c + "/tags", `["vip","brand new"]`, 200, `"tags":["`},
		{"the tag is there", "GET", api + "/tags?deleted=false", "", 200, `"name":"brand new"`},
		{"tags off", "DELETE", api + c + "/tags", `["VIP"]`, 204, ""},
		{"gone", "PATCH", api + "/conversations/5f0000000000000000000000", `{}`, 404, "notfound"},
		{"of the customer", "GET", api + "/customers/" + ada + "/conversations", "", 200, `"name":"Order 8"`},
		{"of nobody", "GET", api + "/customers/5f0000000000000000000000/conversations", "", 404, "notfound"},
		{"an empty note", "POST", api + c + "/notes", `{"body":""}`, 400, "/data/attributes/body"},
		{"a note", "POST", api + c + "/notes", `{"body":"Hello","externalId":"ds-2"}`, 201, `"type":"note"`},
		{"the same note", "POST", api + c + "/notes", `{"body":"Hello","externalId":"ds-2"}`, 201, ""},
		{"a page of notes", "GET", api + c + "/notes?page=2&pageSize=1", "", 200, `"next":null`},
		{"a message without an app", "POST", api + c + "/messages", `{"channel":"email"}`, 400, "app"},
		{"a message", "POST", api + c + "/messages", `{"channel":"email","app":"shop","preview":"Hi","direction":"out","externalId":"ds-3"}`, 201, `"type":"message"`},
		{"the same message", "POST", api + c + "/messages", `{"channel":"email","app":"shop","externalId":"ds-3"}`, 409, "conflict"},
		{"the message", "GET", api + "/messages/externalid=ds-3", "", 200, `"preview":"Hi"`},
		{"no message", "GET", api + "/messages/externalid=ds-4", "", 404, "notfound"},
		{"the customer goes", "DELETE", api + "/customers/" + ada, "", 204, ""},
		{"once", "DELETE", api + "/customers/" + ada, "", 404, "notfound"},
	})
}

func TestKustomer_companiesAndObjects(t *testing.T) {
	d := serve(t, stub.Config{})
	ada, acme := d.made("/customers", `{"externalId":"ada"}`), d.made("/companies", `{"name":"Acme","externalId":"ds-1"}`)
	order := d.made("/customers/"+ada+"/klasses/order", `{"title":"Order 7","externalId":"A-7","data":{"sum":7}}`)
	d.expect([]refusal{
		{"a short name", "POST", api + "/companies", `{"name":"IT"}`, 400, "/data/attributes/name"},
		{"by a part of its name", "GET", api + "/companies?filter=acm", "", 200, acme},
		{"by its externalId", "GET", api + "/companies?externalId=ds-1", "", 200, acme},
		{"by another one", "GET", api + "/companies?externalId=ds-2", "", 200, `"data":[]`},
		{"changed", "PUT", api + "/companies/" + acme, `{"custom":{"tierStr":"gold"}}`, 200, `"tierStr":"gold"`},
		{"an object without a title", "POST", api + "/klasses/order", `{}`, 400, "title"},
		{"of no klass", "POST", api + "/klasses/invoice", `{"title":"x"}`, 404, "notfound"},
		{"of nobody", "POST", api + "/customers/5f0000000000000000000000/klasses/order", `{"title":"x"}`, 404, "notfound"},
		{"the same object", "POST", api + "/klasses/order", `{"title":"x","externalId":"A-7"}`, 409, "conflict"},
		{"of another klass", "POST", api + "/klasses/shipment", `{"title":"x","externalId":"A-7"}`, 201, `"type":"kobject.shipment"`},
		{"found", "GET", api + "/klasses/order/externalId=A-7", "", 200, order},
		{"changed in place", "PUT", api + "/klasses/order/" + order, `{"title":"Order 7b"}`, 200, `"sum":7`},
		{"its customer", "PUT", api + "/klasses/order/" + order, `{"customer":"x"}`, 400, "not allowed"},
		{"the customer's", "GET", api + "/customers/" + ada + "/klasses/order", "", 200, order},
		{"deleted", "DELETE", api + "/klasses/order/" + order, "", 204, ""},
		{"gone", "GET", api + "/klasses/order/externalId=A-7", "", 404, "notfound"},
		{"klasses", "GET", api + "/klasses?name=order", "", 200, `"name":"order"`},
		{"teams", "GET", api + "/teams", "", 200, `"name":"Billing"`},
		{"a user", "GET", api + "/users?email=mila@desk.example", "", 200, `"name":"Mila Jansen"`},
		{"queues", "GET", api + "/routing/queues", "", 200, `"name":"Payments"`},
	})
}

package kustomer

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/deskstream/deskstream/internal/stub"
)

// hookEvents are the events that a webhook can be registered for, and no more.
var hookEvents = []string{
	"kustomer.conversation.create", "kustomer.conversation.update", "kustomer.customer.create", "kustomer.customer.update",
	"kustomer.message.create", "kustomer.message.update", "kustomer.tag.create", "kustomer.tag.update",
	"kustomer.team.create", "kustomer.team.update", "kustomer.user.create", "kustomer.user.update",
}

// hookRetries is what passes before a webhook is sent again. After the last the registration is
// switched off.
var hookRetries = []time.Duration{
	time.Minute, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
}

// maxHooks is how many registrations an organization has at most.
const maxHooks = 5

// Hooks implements stub.Hooked.
func (k *kustomer) Hooks() *stub.Hooks { return k.hooks }

// Announce implements stub.Hooked: the content is the event's data.
func (k *kustomer) Announce(event string, content map[string]any, q stub.Quirks) bool {
	if !slices.Contains(hookEvents, event) {
		return false
	}
	k.announce(event, content, nil, q)
	return true
}

// announce sends an event. changes are what an update changed, nil for a create.
func (k *kustomer) announce(event string, data, changes map[string]any, q stub.Quirks) {
	id := stub.ScalarText(data["id"])
	at := q.Clock()
	number := k.sent.Add(1)
	body, err := json.Marshal(map[string]any{
		"id": objectID("event", id, strconv.FormatInt(number, 10)), "name": event, "org": objectID("org"), "partition": objectID("org"), "orgName": "stub",
		"data": data, "createdAt": at.Format(kustomerTime), "changes": changes, "persist": true, "client": "api-gw", "dataId": id,
		"meta": map[string]any{"customChanged": false},
	})
	if err != nil {
		panic("stub: encoding an event: " + err.Error()) // it came from JSON
	}
	k.hooks.Send(event, q, func(h stub.Hook) stub.Webhook {
		mac := hmac.New(sha256.New, []byte(h.Secret))
		mac.Write(body)
		return stub.Webhook{ContentType: "application/json", Body: body, Headers: map[string]string{
			"X-Kustomer-Webhook-Event": event, "X-Kustomer-Webhook-Signature": hex.EncodeToString(mac.Sum(nil)),
		}}
	})
}

// told are the events that calls which take effect are told by.
var told = map[string]string{
	"POST /v1/customers":                    "kustomer.customer.create",
	"PUT /v1/customers/{id}":                "kustomer.customer.update",
	"PATCH /v1/customers/{id}":              "kustomer.customer.update",
	"POST /v1/customers/{id}/conversations": "kustomer.conversation.create",
	"PUT /v1/conversations/{id}":            "kustomer.conversation.update",
	"PATCH /v1/conversations/{id}":          "kustomer.conversation.update",
	"POST /v1/conversations/{id}/tags":      "kustomer.conversation.update",
	"DELETE /v1/conversations/{id}/tags":    "kustomer.conversation.update",
	"POST /v1/conversations/{id}/messages":  "kustomer.message.create",
}

// tell sends what a call that took effect is told by, with the whole object.
func (k *kustomer) tell(r stub.Request, next func(stub.Request) stub.Answer) stub.Answer {
	event := told[r.Op]
	if event == "" || k.hooks.None() {
		return next(r)
	}
	update := strings.HasSuffix(event, ".update")
	var before map[string]any
	if update {
		before = k.dataOf(event, r.Params[0])
	}
	answer := next(r)
	if answer.Status < 200 || answer.Status > 299 {
		return answer
	}
	if update {
		after := k.dataOf(event, r.Params[0])
		if changed := difference(before, after); len(changed) > 0 {
			k.announce(event, after, map[string]any{"attributes": changed, "relationships": map[string]any{}}, r.Quirks)
		}
		return answer
	}
	var made struct{ Data map[string]any }
	if json.Unmarshal(answer.Body, &made) == nil {
		k.announce(event, made.Data, nil, r.Quirks)
	}
	return answer
}

// dataOf is the object that an event is about, as answers show it.
func (k *kustomer) dataOf(event, id string) map[string]any {
	if strings.HasPrefix(event, "kustomer.customer.") {
		c, _ := k.customers.get(id)
		data, _ := c.envelope()["data"].(map[string]any)
		return data
	}
	c, _ := k.records.get(conversationKind, id)
	return conversationData(c)
}

// difference is what differs between the attributes of an object, with the values before and after.
func difference(before, after map[string]any) map[string]any {
	old, _ := before["attributes"].(map[string]any)
	now, _ := after["attributes"].(map[string]any)
	changed := make(map[string]any)
	for name, value := range now {
		if !reflect.DeepEqual(old[name], value) {
			changed[name] = map[string]any{"op": "replace", "before": old[name], "after": value}
		}
	}
	return changed
}

// hookBody is what a registration takes.
var hookBody = object(map[string]rule{
	"name": text(1, 255), "url": text(1, 2048), "events": unique(12, oneOf(hookEvents...)), "enabled": anything,
	"headers": unique(100, object(map[string]rule{"name": text(1, 256), "value": text(0, 4096)}, "name", "value")),
}, "name", "url", "events")

// hookOf is a registration as answers show it.
func hookOf(h stub.Hook) map[string]any {
	headers := []any{}
	for name, value := range h.Headers {
		headers = append(headers, map[string]any{"name": name, "value": value})
	}
	return map[string]any{"type": "outbound_webhook", "id": h.ID, "attributes": map[string]any{
		"name": h.Name, "url": h.URL, "events": h.Events, "headers": headers, "token": h.Secret, "enabled": !h.Disabled,
	}}
}

func (k *kustomer) listHooks(r stub.Request) stub.Answer {
	list := []map[string]any{}
	for _, h := range k.hooks.All() {
		list = append(list, hookOf(h))
	}
	return paged(r, "/v1/outbound-webhooks", maxPage, list)
}

// hookIn is the registration that a body asks for. An address has to be https; that one of this
// machine need not be is the stub's own, for tests.
func hookIn(r stub.Request) (stub.Hook, error) {
	body, err := checked(r, hookBody)
	if err != nil {
		return stub.Hook{}, err
	}
	h := stub.Hook{Name: stub.ScalarText(body["name"]), URL: stub.ScalarText(body["url"]), Headers: make(map[string]string)}
	at, err := url.Parse(h.URL)
	if err != nil || at.Scheme != "https" && at.Hostname() != "127.0.0.1" {
		return h, below("url", errors.New("must be https"))
	}
	for _, e := range body["events"].([]any) {
		h.Events = append(h.Events, stub.ScalarText(e))
	}
	headers, _ := body["headers"].([]any)
	for _, e := range headers {
		header := e.(map[string]any)
		h.Headers[stub.ScalarText(header["name"])] = stub.ScalarText(header["value"])
	}
	h.Disabled = body["enabled"] == false
	return h, nil
}

func (k *kustomer) addHook(r stub.Request) stub.Answer {
	h, err := hookIn(r)
	if err != nil {
		return customerError(err)
	}
	if len(k.hooks.All()) >= maxHooks {
		return shortError(http.StatusBadRequest, "an organization has at most 5 webhooks")
	}
	made := k.hooks.Add(func(n int) stub.Hook {
		h.ID = objectID("outbound_webhook", strconv.Itoa(n))
		h.Secret = fmt.Sprintf("%016x%016x", stub.Mix(uint64(n)), stub.Mix(uint64(n)+1<<32))
		return h
	})
	return stub.JSON(http.StatusCreated, map[string]any{"data": hookOf(made)})
}

func (k *kustomer) showHook(r stub.Request) stub.Answer {
	return shownHook(k.hooks.Get(r.Params[0]))
}

func shownHook(h stub.Hook, ok bool) stub.Answer {
	if !ok {
		return notFound("id")
	}
	return stub.JSON(http.StatusOK, map[string]any{"data": hookOf(h)})
}

func (k *kustomer) changeHook(r stub.Request) stub.Answer {
	wanted, err := hookIn(r)
	if err != nil {
		return customerError(err)
	}
	return shownHook(k.hooks.Change(r.Params[0], func(h *stub.Hook) {
		h.Name, h.URL, h.Events, h.Headers, h.Disabled = wanted.Name, wanted.URL, wanted.Events, wanted.Headers, wanted.Disabled
	}))
}

func (k *kustomer) removeHook(r stub.Request) stub.Answer {
	if !k.hooks.Remove(r.Params[0]) {
		return notFound("id")
	}
	return stub.Answer{Status: http.StatusNoContent}
}

// hookRoutes are the endpoints of registrations.
func (k *kustomer) hookRoutes() []stub.Route {
	return []stub.Route{
		stub.NewRoute("GET /v1/outbound-webhooks", k.listHooks),
		stub.NewRoute("POST /v1/outbound-webhooks", k.addHook),
		stub.NewRoute("GET /v1/outbound-webhooks/events", func(stub.Request) stub.Answer {
			return stub.JSON(http.StatusOK, map[string]any{"events": hookEvents})
		}),
		stub.NewRoute("GET /v1/outbound-webhooks/{id}", k.showHook),
		stub.NewRoute("PUT /v1/outbound-webhooks/{id}", k.changeHook),
		stub.NewRoute("DELETE /v1/outbound-webhooks/{id}", k.removeHook),
	}
}

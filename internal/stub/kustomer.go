package stub

import (
	"cmp"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// kustomer is the Kustomer API, version 1. Bodies are strict: a member that a
// document does not name is refused.
type kustomer struct {
	customers *customers
}

func newKustomer() *kustomer { return &kustomer{customers: newCustomers()} }

func (*kustomer) name() string { return KustomerName }

func (k *kustomer) routes() []route {
	return []route{
		newRoute("POST /v1/customers", k.create),
		newRoute("GET /v1/customers/email={email}", k.lookUp(byEmail)),
		newRoute("GET /v1/customers/externalId={externalId}", k.lookUp(byExternalID)),
		newRoute("GET /v1/customers/phone={phone}", k.lookUp(byPhone)),
		newRoute("GET /v1/customers/{id}", k.show),
		newRoute("PUT /v1/customers/{id}", k.update),
		newRoute("PATCH /v1/customers/{id}", k.update),
		newRoute("POST /v1/tracking/identityEvent", k.track),
		newRoute("GET /v1/users/current", k.currentUser),
	}
}

func (k *kustomer) stats() map[string]int { return k.customers.count() }
func (k *kustomer) reset()                { k.customers.clear() }

// headers: all three stand on every answer, the reset in Unix seconds. The vendor
// mentions no Retry-After, so there is none.
func (*kustomer) headers(h http.Header, b budget, _ time.Time) {
	h.Set("X-Ratelimit-Limit", strconv.Itoa(b.limit))
	h.Set("X-Ratelimit-Remaining", strconv.Itoa(b.remaining))
	h.Set("X-Ratelimit-Reset", epoch(b.reset))
}

var kustomerCodes = map[int]string{
	http.StatusBadRequest:      "bad_request",
	http.StatusUnauthorized:    "unauthorized",
	http.StatusForbidden:       "forbidden",
	http.StatusNotFound:        "notfound",
	http.StatusConflict:        "conflict",
	http.StatusTooManyRequests: "rate_limit_exceeded",
}

func kustomerCode(status int) string {
	if code, ok := kustomerCodes[status]; ok {
		return code
	}
	return "internal"
}

// refuse gives the shorter of the two shapes that errors have.
func (*kustomer) refuse(status int) answer { return shortError(status, http.StatusText(status)) }

// shortError is the shape with code and message: what tracking and everything that
// is no matter of one endpoint give. Where each shape belongs is not documented; this
// division is ours.
func shortError(status int, message string) answer {
	return jsonAnswer(status, map[string]any{"errors": []any{map[string]any{
		"code": kustomerCode(status), "message": message, "meta": map[string]any{},
	}}})
}

// longError is JSON:API's shape: what the endpoints of customers give.
func longError(status int, detail, pointer string) answer {
	e := map[string]any{
		"status": strconv.Itoa(status), "code": kustomerCode(status),
		"title": http.StatusText(status), "detail": detail,
	}
	if pointer != "" {
		e["source"] = map[string]any{"pointer": pointer}
	}
	return jsonAnswer(status, map[string]any{"errors": []any{e}})
}

func customerError(err error) answer {
	if e, ok := errors.AsType[*ruleError](err); ok {
		return longError(http.StatusBadRequest, e.message, "/data/attributes"+e.path)
	}
	return longError(http.StatusBadRequest, err.Error(), "")
}

// checked is the body if it follows a rule.
func (r request) checked(follow rule) (map[string]any, error) {
	if r.notObject != nil {
		return nil, errors.New("the body is not a JSON object")
	}
	return r.object, follow(r.object)
}

func (k *kustomer) create(r request) answer {
	body, err := r.checked(customerBody)
	if err != nil {
		return customerError(err)
	}
	c, err := k.customers.create(body)
	return written(c, err, http.StatusCreated)
}

// update serves PUT and PATCH, which are the same unless replace is true.
func (k *kustomer) update(r request) answer {
	body, err := r.checked(customerBody)
	if err != nil {
		return customerError(err)
	}
	c, err := k.customers.update(r.params[0], body, r.query.Get("replace") == "true")
	return written(c, err, http.StatusOK)
}

func written(c customer, err error, status int) answer {
	switch {
	case errors.Is(err, errConflict):
		return longError(http.StatusConflict, "the value belongs to another customer or the revision is stale", "")
	case errors.Is(err, errNoCustomer):
		return longError(http.StatusNotFound, "no such customer", "")
	}
	return jsonAnswer(status, c.envelope())
}

func (k *kustomer) show(r request) answer {
	c, ok := k.customers.get(r.params[0])
	return found(c, ok)
}

func (k *kustomer) lookUp(by field) func(request) answer {
	return func(r request) answer {
		c, ok := k.customers.find(by, r.params[0])
		return found(c, ok)
	}
}

func found(c customer, ok bool) answer {
	if !ok {
		return longError(http.StatusNotFound, "no such customer", "")
	}
	return jsonAnswer(http.StatusOK, c.envelope())
}

func (*kustomer) currentUser(request) answer {
	return jsonAnswer(http.StatusOK, map[string]any{"data": map[string]any{
		"type": "user", "id": objectID("user"), "attributes": map[string]any{"name": "Stub", "userType": "machine"},
	}})
}

// track takes an identity and an event: it finds or creates the customer and keeps
// the event on the timeline.
func (k *kustomer) track(r request) answer {
	body, err := r.checked(identityEvent)
	if err != nil {
		return shortError(http.StatusBadRequest, err.Error())
	}
	identity, _ := body["identity"].(map[string]any)
	event, _ := body["event"].(map[string]any)
	id := k.customers.identify(identity)
	tracking := scalarText(event["trackingId"])
	if tracking == "" {
		tracking = objectID("tracking", id)
	}
	data := map[string]any{
		"type": "tracking_identity", "id": objectID("identity", id),
		"attributes": map[string]any{"trackingId": tracking, "email": identity["email"], "status": "identified"},
	}
	if id != "" {
		data["relationships"] = map[string]any{"customer": map[string]any{"data": map[string]any{"type": "customer", "id": id}}}
	}
	return jsonAnswer(http.StatusCreated, map[string]any{"data": data})
}

// user is the sender's id of a customer, else the e-mail address.
func (k *kustomer) user(r request) string {
	switch {
	case strings.HasPrefix(r.op, "GET /v1/customers/") && r.op != "GET /v1/customers/{id}":
		return r.params[0]
	case r.op == "POST /v1/tracking/identityEvent":
		identity, _ := r.object["identity"].(map[string]any)
		return cmp.Or(scalarText(identity["externalId"]), scalarText(identity["email"]))
	case strings.HasPrefix(r.op, "P"):
		if keys := valuesOf(r.object); len(keys) > 0 {
			return keys[0].value
		}
	}
	return ""
}

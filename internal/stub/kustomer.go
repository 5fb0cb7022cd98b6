package stub

import (
	"cmp"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// kustomer is the Kustomer API, version 1. Bodies are strict: a member that the
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

// maxBody is 100 kB, of the smaller kind: which one is meant is not said.
func (*kustomer) maxBody() int { return 100_000 }

// budgetOf: one budget is everybody's, since the limits are the organization's.
func (*kustomer) budgetOf(string) string { return "organization" }

// headers: limit and remaining stand on every answer, the reset, in Unix seconds, only
// once the budget is spent, as it was recorded. The vendor mentions no Retry-After, so
// there is none.
func (*kustomer) headers(h http.Header, b budget, _ time.Time) {
	h.Set("X-Ratelimit-Limit", strconv.Itoa(b.limit))
	h.Set("X-Ratelimit-Remaining", strconv.Itoa(b.remaining))
	if b.remaining == 0 {
		h.Set("X-Ratelimit-Reset", epoch(b.reset))
	}
}

// refuse gives the shorter of the two documented shapes of an error.
func (*kustomer) refuse(status int) answer { return shortError(status, http.StatusText(status)) }

func (k *kustomer) unrouted(request) answer { return k.refuse(http.StatusNotFound) }

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
		return notFound("id")
	}
	return jsonAnswer(status, c.envelope())
}

func (k *kustomer) show(r request) answer {
	c, ok := k.customers.get(r.params[0])
	if !ok {
		return notFound("id")
	}
	return jsonAnswer(http.StatusOK, c.envelope())
}

func (k *kustomer) lookUp(by field) func(request) answer {
	return func(r request) answer {
		c, ok := k.customers.find(by, r.params[0])
		if !ok {
			return notFound(string(by))
		}
		return jsonAnswer(http.StatusOK, c.envelope())
	}
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
		return trackingError(err)
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
		"attributes": map[string]any{
			"trackingId": tracking, "email": identity["email"],
			"status": "identified", "statusAt": time.Now().UTC().Format(kustomerTime),
		},
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

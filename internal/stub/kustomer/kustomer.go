package kustomer

import (
	"cmp"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/deskstream/deskstream/internal/stub"
)

// kustomer is the Kustomer API, version 1. Bodies are strict: a member that the
// document does not name is refused.
type kustomer struct {
	customers *customers
	records   *records
	tags      tagList
	hooks     *stub.Hooks
	sent      atomic.Int64 // events, for their ids
}

// Name and Path are those of the desk; see stub.API.
const (
	Name = "kustomer"
	Path = "/kustomer"
)

// New returns the API.
func New() stub.API {
	k := &kustomer{customers: newCustomers(), records: newRecords(), hooks: stub.NewHooks(hookRetries...)}
	k.tags.clear()
	return k
}

func (*kustomer) Name() string { return Name }
func (*kustomer) Path() string { return Path }

func (k *kustomer) Routes() []stub.Route {
	routes := []stub.Route{
		stub.NewRoute("GET /v1/customers", k.listCustomers),
		stub.NewRoute("POST /v1/customers", k.create),
		stub.NewRoute("GET /v1/customers/email={email}", k.lookUp(byEmail)),
		stub.NewRoute("GET /v1/customers/externalId={externalId}", k.lookUp(byExternalID)),
		stub.NewRoute("GET /v1/customers/phone={phone}", k.lookUp(byPhone)),
		stub.NewRoute("GET /v1/customers/{id}", k.show),
		stub.NewRoute("PUT /v1/customers/{id}", k.update),
		stub.NewRoute("PATCH /v1/customers/{id}", k.update),
		stub.NewRoute("DELETE /v1/customers/{id}", k.deleteCustomer),
		stub.NewRoute("GET /v1/customers/{id}/conversations", k.listConversations),
		stub.NewRoute("POST /v1/customers/{id}/conversations", k.converse),
		stub.NewRoute("GET /v1/conversations", k.listAllConversations),
		stub.NewRoute("GET /v1/conversations/externalId={externalId}", k.lookUpConversation),
		stub.NewRoute("GET /v1/conversations/{id}", k.showConversation),
		stub.NewRoute("PATCH /v1/conversations/{id}", k.updateConversation),
		stub.NewRoute("PUT /v1/conversations/{id}", k.updateConversation),
		stub.NewRoute("POST /v1/conversations/{id}/tags", k.changeTags(false)),
		stub.NewRoute("DELETE /v1/conversations/{id}/tags", k.changeTags(true)),
		stub.NewRoute("GET /v1/conversations/{id}/notes", k.listNotes),
		stub.NewRoute("POST /v1/conversations/{id}/notes", k.note),
		stub.NewRoute("POST /v1/conversations/{id}/messages", k.message),
		stub.NewRoute("GET /v1/messages/externalid={externalId}", k.lookUpMessage),
		stub.NewRoute("GET /v1/companies", k.listCompanies),
		stub.NewRoute("POST /v1/companies", k.createCompany),
		stub.NewRoute("PUT /v1/companies/{id}", k.updateCompany),
		stub.NewRoute("GET /v1/klasses", listKlasses),
		stub.NewRoute("POST /v1/klasses/{name}", k.createObject),
		stub.NewRoute("GET /v1/klasses/{name}/externalId={externalId}", k.lookUpObject),
		stub.NewRoute("GET /v1/klasses/{name}/{id}", k.showObject),
		stub.NewRoute("PUT /v1/klasses/{name}/{id}", k.updateObject),
		stub.NewRoute("DELETE /v1/klasses/{name}/{id}", k.deleteObject),
		stub.NewRoute("GET /v1/customers/{id}/klasses/{name}", k.listObjects),
		stub.NewRoute("POST /v1/customers/{id}/klasses/{name}", k.createObject),
		stub.NewRoute("GET /v1/teams", listed("/v1/teams", maxPageWide, teams)),
		stub.NewRoute("GET /v1/teams/{id}", showTeam),
		stub.NewRoute("GET /v1/routing/queues", listed("/v1/routing/queues", maxPage, queues)),
		stub.NewRoute("GET /v1/tags", k.tags.serve),
		stub.NewRoute("POST /v1/tracking/identityEvent", k.track),
		stub.NewRoute("GET /v1/users/current", k.currentUser),
		stub.NewRoute("GET /v1/users", listUsers),
	}
	for i, route := range routes {
		routes[i] = route.Around(k.tell)
	}
	return append(routes, k.hookRoutes()...)
}

func (k *kustomer) Stats() map[string]int {
	stats := k.customers.count()
	stats["conversations"] = len(k.Tickets())
	return stats
}

func (k *kustomer) Reset() {
	k.customers.clear()
	k.records.clear()
	k.hooks.Clear()
	k.tags.clear()
}

// maxBody is 100 kB, of the smaller kind: which one is meant is not said.
func (*kustomer) MaxBody() int { return 100_000 }

// budgetOf: one budget is everybody's, since the limits are the organization's.
func (*kustomer) BudgetOf(string) string { return "organization" }

// headers: limit and remaining stand on every answer, the reset, in Unix seconds, only
// once the budget is spent, as it was recorded. The vendor mentions no Retry-After, so
// there is none.
func (*kustomer) Headers(h http.Header, b stub.Budget, _ time.Time) {
	h.Set("X-Ratelimit-Limit", strconv.Itoa(b.Limit))
	h.Set("X-Ratelimit-Remaining", strconv.Itoa(b.Remaining))
	if b.Remaining == 0 {
		h.Set("X-Ratelimit-Reset", stub.Epoch(b.Reset))
	}
}

// refuse gives the shorter of the two documented shapes of an error.
func (*kustomer) Refuse(status int) stub.Answer { return shortError(status, http.StatusText(status)) }

func (k *kustomer) Unrouted(stub.Request) stub.Answer { return k.Refuse(http.StatusNotFound) }

// checked returns the body if it follows a rule.
func checked(r stub.Request, follow rule) (map[string]any, error) {
	if r.NotObject != nil {
		return nil, errors.New("the body is not a JSON object")
	}
	return r.Object, follow(r.Object)
}

func (k *kustomer) create(r stub.Request) stub.Answer {
	body, err := checked(r, customerBody)
	if err != nil {
		return customerError(err)
	}
	c, err := k.customers.create(body, r.Now)
	return written(c, err, http.StatusCreated)
}

// update serves PUT and PATCH, which are the same unless replace is true.
func (k *kustomer) update(r stub.Request) stub.Answer {
	body, err := checked(r, customerBody)
	if err != nil {
		return customerError(err)
	}
	c, err := k.customers.update(r.Params[0], body, r.Query.Get("replace") == "true", r.Now)
	return written(c, err, http.StatusOK)
}

func written(c customer, err error, status int) stub.Answer {
	switch {
	case errors.Is(err, errConflict):
		return longError(http.StatusConflict, "the value belongs to another customer or the revision is stale", "")
	case errors.Is(err, errNoCustomer):
		return notFound("id")
	}
	return stub.JSON(status, c.envelope())
}

func (k *kustomer) show(r stub.Request) stub.Answer {
	c, ok := k.customers.get(r.Params[0])
	if !ok {
		return notFound("id")
	}
	return stub.JSON(http.StatusOK, c.envelope())
}

func (k *kustomer) lookUp(by field) func(stub.Request) stub.Answer {
	return func(r stub.Request) stub.Answer {
		c, ok := k.customers.find(by, r.Params[0])
		if !ok {
			return notFound(string(by))
		}
		return stub.JSON(http.StatusOK, c.envelope())
	}
}

func (*kustomer) currentUser(stub.Request) stub.Answer {
	return stub.JSON(http.StatusOK, map[string]any{"data": map[string]any{
		"type": "user", "id": objectID("user"), "attributes": map[string]any{"name": "Stub", "userType": "machine"},
	}})
}

// track takes an identity and an event: it finds or creates the customer and keeps
// the event on the timeline.
func (k *kustomer) track(r stub.Request) stub.Answer {
	body, err := checked(r, identityEvent)
	if err != nil {
		return trackingError(err)
	}
	identity, _ := body["identity"].(map[string]any)
	event, _ := body["event"].(map[string]any)
	id := k.customers.identify(identity, r.Now)
	tracking := stub.ScalarText(event["trackingId"])
	if tracking == "" {
		tracking = objectID("tracking", id)
	}
	data := map[string]any{
		"type": "tracking_identity", "id": objectID("identity", id),
		"attributes": map[string]any{
			"trackingId": tracking, "email": identity["email"],
			"status": "identified", "statusAt": r.Now.Format(kustomerTime),
		},
	}
	if id != "" {
		data["relationships"] = map[string]any{"customer": map[string]any{"data": map[string]any{"type": "customer", "id": id}}}
	}
	return stub.JSON(http.StatusCreated, map[string]any{"data": data})
}

// User is the sender's id of a customer, else the e-mail address. Calls about anything but
// customers name ids of the desk's only.
func (k *kustomer) User(r stub.Request) string {
	method, path, _ := strings.Cut(r.Op, " ")
	switch {
	case path == "/v1/tracking/identityEvent":
		identity, _ := r.Object["identity"].(map[string]any)
		return cmp.Or(stub.ScalarText(identity["externalId"]), stub.ScalarText(identity["email"]))
	case method == http.MethodGet && strings.HasPrefix(path, "/v1/customers/") && !strings.HasPrefix(path, "/v1/customers/{id}"):
		return r.Params[0]
	case path == "/v1/customers", path == "/v1/customers/{id}":
		if keys := valuesOf(r.Object); len(keys) > 0 {
			return keys[0].value
		}
	}
	return ""
}

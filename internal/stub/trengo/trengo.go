package trengo

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/deskstream/deskstream/internal/stub"
)

// trengo is the Trengo API, version 2. It answers as a Laravel application: unknown keys
// of a body are ignored, and a body that is no JSON object counts as an empty one.
type trengo struct {
	channels map[string]string
	contacts *contacts
	tickets  *tickets
	profiles *profiles
	hooks    *stub.Hooks
}

// Name and Path are those of the desk; see stub.API.
const (
	Name = "trengo"
	Path = "/trengo/api/v2"
)

// Types of channels as Trengo names them. EMAIL takes e-mail addresses, the others phone
// numbers.
const (
	EMAIL      = "EMAIL"
	WABusiness = "WA_BUSINESS"
	SMS        = "SMS"
	VOIP       = "VOIP"
)

// DefaultChannels are the channels of a desk that is given none.
var DefaultChannels = map[string]string{"123456": EMAIL, "123457": WABusiness}

// New returns the API with channels, which CheckChannels accepts, id to type; nil means
// DefaultChannels.
func New(channels map[string]string) stub.API {
	if channels == nil {
		channels = DefaultChannels
	}
	return &trengo{channels: channels, contacts: newContacts(), tickets: newTickets(), profiles: newProfiles(), hooks: stub.NewHooks()}
}

func (*trengo) Name() string { return Name }
func (*trengo) Path() string { return Path }

func (t *trengo) Routes() []stub.Route {
	routes := []stub.Route{
		stub.NewRoute("GET /contacts", t.search),
		stub.NewRoute("GET /contacts/{id}", t.show),
		stub.NewRoute("PUT /contacts/{id}", t.update),
		stub.NewRoute("POST /channels/{id}/contacts", t.findOrCreate),
		stub.NewRoute("DELETE /contacts/{id}", t.deleteContact),
		stub.NewRoute("GET /tickets", t.listTickets),
		stub.NewRoute("POST /tickets", t.openTicket),
		stub.NewRoute("GET /tickets/{id}", t.showTicket),
		stub.NewRoute("DELETE /tickets/{id}", t.deleteTicket),
		stub.NewRoute("POST /tickets/{id}/assign", t.assign),
		stub.NewRoute("POST /tickets/{id}/close", t.setState(stateClosed)),
		stub.NewRoute("POST /tickets/{id}/reopen", t.setState(stateOpen)),
		stub.NewRoute("POST /tickets/{id}/merge", t.merge),
		stub.NewRoute("GET /tickets/{id}/messages", t.listMessages),
		stub.NewRoute("POST /tickets/{id}/messages", t.say),
		stub.NewRoute("GET /tickets/{id}/labels", t.listTicketLabels),
		stub.NewRoute("POST /tickets/{id}/labels", t.putLabelOn),
		stub.NewRoute("DELETE /tickets/{id}/labels/{label_id}", t.takeLabelOff),
		stub.NewRoute("POST /tickets/{id}/custom_fields", t.setTicketField),
		stub.NewRoute("POST /contacts/{id}/custom_fields", t.setContactField),
		stub.NewRoute("POST /contacts/{id}/notes", t.noteContact),
		stub.NewRoute("GET /profiles", t.listProfiles),
		stub.NewRoute("POST /profiles", t.makeProfile),
		stub.NewRoute("GET /profiles/{id}", t.showProfile),
		stub.NewRoute("POST /profiles/{id}/contacts", t.joinProfile),
		stub.NewRoute("POST /messages", t.send),
		stub.NewRoute("POST /wa_sessions", t.startSession),
		stub.NewRoute("GET /teams", listed("/teams", teams)),
		stub.NewRoute("GET /users", listed("/users", users)),
		stub.NewRoute("GET /labels", listLabels),
		stub.NewRoute("GET /custom_fields", listed("/custom_fields", customFields)),
		stub.NewRoute("GET /ticket_results", listed("/ticket_results", results)),
		stub.NewRoute("GET /contact_groups", listed("/contact_groups", contactGroups)),
		stub.NewRoute("GET /channels", t.listChannels),
		stub.NewRoute("GET /teams/{id}", t.entryOf(teams)),
		stub.NewRoute("GET /users/{id}", t.entryOf(users)),
		stub.NewRoute("GET /labels/{id}", t.entryOf(labels)),
		stub.NewRoute("GET /custom_fields/{id}", t.entryOf(customFields)),
		stub.NewRoute("GET /contact_groups/{id}", t.entryOf(contactGroups)),
	}
	for i, route := range routes {
		routes[i] = route.Around(t.tell)
	}
	return append(routes, t.hookRoutes()...)
}

func (t *trengo) Stats() map[string]int {
	return map[string]int{"contacts": t.contacts.count(), "tickets": t.tickets.count()}
}

// Tickets implements stub.TicketKeeper.
func (t *trengo) Tickets() []stub.Ticket {
	var list []stub.Ticket
	for _, k := range t.tickets.history() {
		list = append(list, stub.Ticket{
			ID: strconv.FormatInt(k.id, 10), Contact: k.contact, Person: t.contacts.identifier(k.contact),
			Channel: k.channel, Subject: k.subject, Maker: k.origin.user, Assignee: k.user, State: k.state,
			Merged: k.merged, At: k.madeAt, Call: k.origin.call, Mark: k.origin.mark,
		})
	}
	return list
}

func (t *trengo) Reset() {
	t.contacts.clear()
	t.tickets.clear()
	t.hooks.Clear()
	t.profiles.clear()
}

// maxBody: no limit is documented.
func (*trengo) MaxBody() int { return stub.MaxBody }

// budgetOf: each token has a budget of its own.
func (*trengo) BudgetOf(token string) string { return token }

// unrouted answers a path that the API does not have with the web application, which
// takes every GET, and a method that a path does not have with 405.
func (t *trengo) Unrouted(r stub.Request) stub.Answer {
	if r.Method == http.MethodGet && !r.OtherMethod {
		return stub.HTML(http.StatusOK, `<!DOCTYPE html><html><head><title>Trengo</title></head><body><div id="app"></div></body></html>`)
	}
	return t.Refuse(http.StatusMethodNotAllowed)
}

// headers: limit and remaining stand on every answer, Retry-After and the reset, in
// Unix seconds, only on a 429, as the vendor documents it.
func (*trengo) Headers(h http.Header, b stub.Budget, now time.Time) {
	h.Set("X-Ratelimit-Limit", strconv.Itoa(b.Limit))
	h.Set("X-Ratelimit-Remaining", strconv.Itoa(b.Remaining))
	if b.Exceeded {
		wait := b.Reset.Sub(now) + time.Second - 1
		h.Set("Retry-After", strconv.Itoa(int(wait/time.Second)))
		h.Set("X-Ratelimit-Reset", stub.Epoch(b.Reset))
	}
}

var trengoMessages = map[int]string{
	http.StatusUnauthorized:    "Unauthenticated.",
	http.StatusForbidden:       "This action is unauthorized.",
	http.StatusNotFound:        "Not found.",
	http.StatusTooManyRequests: "Too Many Attempts.",
}

// refuse gives the status with a message; a server error comes as HTML.
func (*trengo) Refuse(status int) stub.Answer {
	text := http.StatusText(status)
	if status >= http.StatusInternalServerError {
		return stub.HTML(status, "<html><body><h1>"+text+"</h1></body></html>")
	}
	if m, ok := trengoMessages[status]; ok {
		text = m
	}
	return stub.JSON(status, map[string]any{"message": text})
}

// invalid is a 422 whose errors are a map of lists: what the endpoints of contacts give.
func invalid(field, message string) stub.Answer {
	return stub.JSON(http.StatusUnprocessableEntity, map[string]any{
		"message": "The given data was invalid.",
		"errors":  map[string][]string{field: {message}},
	})
}

// invalidFlat is a 422 whose errors are a flat list: what the endpoint of tickets
// gives. Both shapes were seen, not where each belongs: this division is ours.
func invalidFlat(message string) stub.Answer {
	return stub.JSON(http.StatusUnprocessableEntity, map[string]any{
		"message": "The given data was invalid.",
		"errors":  []string{message},
	})
}

// user is the identifier that a search looks for or a contact has.
func (t *trengo) User(r stub.Request) string {
	switch r.Op {
	case "GET /contacts":
		return r.Query.Get("term")
	case "POST /channels/{id}/contacts":
		return stub.ScalarText(r.Object["identifier"])
	case "POST /tickets":
		return t.contacts.identifier(stub.ScalarText(r.Object["contact_id"]))
	case "GET /contacts/{id}", "PUT /contacts/{id}", "DELETE /contacts/{id}", "POST /contacts/{id}/custom_fields", "POST /contacts/{id}/notes":
		return t.contacts.identifier(r.Params[0])
	case "GET /tickets":
		return t.contacts.identifier(r.Query.Get("contact_id"))
	case "POST /profiles/{id}/contacts":
		return t.contacts.identifier(stub.ScalarText(r.Object["contact_id"]))
	case "POST /messages":
		return stub.ScalarText(r.Object["contact_identifier"])
	case "POST /wa_sessions":
		return t.recipient(r)
	case "", "GET /profiles/{id}", "GET /teams/{id}", "GET /users/{id}", "GET /labels/{id}", "GET /custom_fields/{id}", "GET /contact_groups/{id}":
		return ""
	default: // of one ticket
		if len(r.Params) == 0 {
			return "" // of the account
		}
		ticket, _ := t.tickets.get(r.Params[0])
		return t.contacts.identifier(ticket.contact)
	}
}

// recipient is the number that a template goes to, or the identifier of its ticket's contact.
func (t *trengo) recipient(r stub.Request) string {
	if number := stub.ScalarText(r.Object["recipient_phone_number"]); number != "" {
		return number
	}
	ticket, _ := t.tickets.get(stub.ScalarText(r.Object["ticket_id"]))
	return t.contacts.identifier(ticket.contact)
}

// laravelString is a text field that may be missing or null, and false when it is
// something else.
func laravelString(body map[string]any, field string) (string, bool) {
	switch v := body[field].(type) {
	case nil:
		return "", true
	case string:
		return v, true
	default:
		return "", false
	}
}

// CheckChannels returns all errors in the channels, joined.
func CheckChannels(channels map[string]string) error {
	var errs []error
	for id, kind := range channels {
		if n, err := strconv.ParseInt(id, 10, 64); err != nil || n <= 0 {
			errs = append(errs, fmt.Errorf("channel %q is no positive number", id))
		}
		switch kind {
		case EMAIL, WABusiness, SMS, VOIP:
		default:
			errs = append(errs, fmt.Errorf("channel %s has the unknown type %q", id, kind))
		}
	}
	return errors.Join(errs...)
}

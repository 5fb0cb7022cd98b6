package stub

import (
	"net/http"
	"strconv"
	"time"
)

// trengo is the Trengo API, version 2. It answers as a Laravel application: unknown keys
// of a body are ignored, and a body that is no JSON object counts as an empty one.
type trengo struct {
	channels map[string]string
	contacts *contacts
	tickets  *tickets
}

func newTrengo(channels map[string]string) *trengo {
	return &trengo{channels: channels, contacts: newContacts(), tickets: newTickets()}
}

func (*trengo) name() string { return TrengoName }

func (t *trengo) routes() []route {
	return []route{
		newRoute("GET /contacts", t.search),
		newRoute("GET /contacts/{id}", t.show),
		newRoute("PUT /contacts/{id}", t.update),
		newRoute("POST /channels/{id}/contacts", t.findOrCreate),
		newRoute("GET /tickets", t.listTickets),
		newRoute("POST /tickets", t.openTicket),
		newRoute("GET /tickets/{id}", t.showTicket),
		newRoute("POST /tickets/{id}/close", t.setState(stateClosed)),
		newRoute("POST /tickets/{id}/reopen", t.setState(stateOpen)),
		newRoute("POST /tickets/{id}/merge", t.merge),
		newRoute("GET /tickets/{id}/messages", t.listMessages),
		newRoute("POST /tickets/{id}/messages", t.say),
	}
}

func (t *trengo) stats() map[string]int {
	return map[string]int{"contacts": t.contacts.count(), "tickets": t.tickets.count()}
}

func (t *trengo) reset() {
	t.contacts.clear()
	t.tickets.clear()
}

// maxBody: no limit is documented.
func (*trengo) maxBody() int { return readLimit }

// budgetOf: each token has a budget of its own.
func (*trengo) budgetOf(token string) string { return token }

// unrouted answers a path that the API does not have with the web application, which
// takes every GET, and a method that a path does not have with 405.
func (t *trengo) unrouted(r request) answer {
	if r.method == http.MethodGet && !r.otherMethod {
		return htmlAnswer(http.StatusOK, `<!DOCTYPE html><html><head><title>Trengo</title></head><body><div id="app"></div></body></html>`)
	}
	return t.refuse(http.StatusMethodNotAllowed)
}

// headers: limit and remaining stand on every answer, Retry-After and the reset, in
// Unix seconds, only on a 429, as the vendor documents it.
func (*trengo) headers(h http.Header, b budget, now time.Time) {
	h.Set("X-Ratelimit-Limit", strconv.Itoa(b.limit))
	h.Set("X-Ratelimit-Remaining", strconv.Itoa(b.remaining))
	if b.exceeded {
		wait := b.reset.Sub(now) + time.Second - 1
		h.Set("Retry-After", strconv.Itoa(int(wait/time.Second)))
		h.Set("X-Ratelimit-Reset", epoch(b.reset))
	}
}

var trengoMessages = map[int]string{
	http.StatusUnauthorized:    "Unauthenticated.",
	http.StatusForbidden:       "This action is unauthorized.",
	http.StatusNotFound:        "Not found.",
	http.StatusTooManyRequests: "Too Many Attempts.",
}

// refuse gives the status with a message; a server error comes as HTML.
func (*trengo) refuse(status int) answer {
	text := http.StatusText(status)
	if status >= http.StatusInternalServerError {
		return htmlAnswer(status, "<html><body><h1>"+text+"</h1></body></html>")
	}
	if m, ok := trengoMessages[status]; ok {
		text = m
	}
	return jsonAnswer(status, map[string]any{"message": text})
}

func htmlAnswer(status int, page string) answer {
	return answer{status: status, html: true, body: []byte(page)}
}

// invalid is a 422 whose errors are a map of lists: what the endpoints of contacts give.
func invalid(field, message string) answer {
	return jsonAnswer(http.StatusUnprocessableEntity, map[string]any{
		"message": "The given data was invalid.",
		"errors":  map[string][]string{field: {message}},
	})
}

// invalidFlat is a 422 whose errors are a flat list: what the endpoint of tickets
// gives. Both shapes were seen, not where each belongs: this division is ours.
func invalidFlat(message string) answer {
	return jsonAnswer(http.StatusUnprocessableEntity, map[string]any{
		"message": "The given data was invalid.",
		"errors":  []string{message},
	})
}

// user is the identifier that a search looks for or a contact has.
func (t *trengo) user(r request) string {
	switch r.op {
	case "GET /contacts":
		return r.query.Get("term")
	case "POST /channels/{id}/contacts":
		return scalarText(r.object["identifier"])
	case "POST /tickets":
		return t.contacts.identifier(scalarText(r.object["contact_id"]))
	case "GET /contacts/{id}", "PUT /contacts/{id}":
		return t.contacts.identifier(r.params[0])
	case "GET /tickets":
		return t.contacts.identifier(r.query.Get("contact_id"))
	case "":
		return ""
	default: // of one ticket
		ticket, _ := t.tickets.get(r.params[0])
		return t.contacts.identifier(ticket.contact)
	}
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

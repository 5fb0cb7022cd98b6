package stub

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// trengoPage is how many contacts a page holds.
const trengoPage = 25

// trengo is the Trengo API, version 2. It answers as a Laravel application: unknown keys
// of a body are ignored, and a body that is no JSON object counts as an empty one.
type trengo struct {
	channels map[string]string
	contacts *contacts
}

func newTrengo(channels map[string]string) *trengo {
	return &trengo{channels: channels, contacts: newContacts()}
}

func (*trengo) name() string { return TrengoName }

func (t *trengo) routes() []route {
	return []route{
		newRoute("GET /contacts", t.search),
		newRoute("GET /contacts/{id}", t.show),
		newRoute("PUT /contacts/{id}", t.update),
		newRoute("POST /channels/{id}/contacts", t.findOrCreate),
		newRoute("POST /tickets", t.openTicket),
	}
}

func (t *trengo) stats() map[string]int { return t.contacts.count() }
func (t *trengo) reset()                { t.contacts.clear() }

// maxBody: no limit is documented.
func (*trengo) maxBody() int { return readLimit }

// budgetOf: each token has a budget of its own.
func (*trengo) budgetOf(token string) string { return token }

func (t *trengo) unrouted(request) answer { return t.refuse(http.StatusNotFound) }

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
		return answer{status: status, html: true, body: []byte("<html><body><h1>" + text + "</h1></body></html>")}
	}
	if m, ok := trengoMessages[status]; ok {
		text = m
	}
	return jsonAnswer(status, map[string]any{"message": text})
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

// search finds contacts by part of a name, e-mail address or phone number, with the
// simple paginator: links.last is null and meta has no total.
func (t *trengo) search(r request) answer {
	page, err := strconv.Atoi(r.query.Get("page"))
	if err != nil || page < 1 {
		page = 1
	}
	term := r.query.Get("term")
	hits, more := t.contacts.search(term, (page-1)*trengoPage, trengoPage)
	link := func(n int, exists bool) any {
		if !exists {
			return nil
		}
		return "https://app.trengo.com/api/v2/contacts?" + url.Values{"page": {strconv.Itoa(n)}, "term": {term}}.Encode()
	}
	meta := map[string]any{
		"current_page": page, "per_page": trengoPage, "path": "https://app.trengo.com/api/v2/contacts",
		"from": nil, "to": nil,
	}
	if len(hits) > 0 {
		meta["from"], meta["to"] = (page-1)*trengoPage+1, (page-1)*trengoPage+len(hits)
	}
	return jsonAnswer(http.StatusOK, map[string]any{
		"data": hits, "meta": meta,
		"links": map[string]any{"first": link(1, true), "last": nil, "prev": link(page-1, page > 1), "next": link(page+1, more)},
	})
}

func (t *trengo) show(r request) answer {
	c, ok := t.contacts.get(r.params[0])
	if !ok {
		return t.refuse(http.StatusNotFound)
	}
	return jsonAnswer(http.StatusOK, c)
}

func (t *trengo) update(r request) answer {
	name, ok := laravelString(r.object, "name")
	if !ok {
		return invalid("name", "The name must be a string.")
	}
	c, ok := t.contacts.rename(r.params[0], name)
	if !ok {
		return t.refuse(http.StatusNotFound)
	}
	return jsonAnswer(http.StatusOK, c)
}

// findOrCreate gives the contact of an identifier. An existing one is returned as it
// is, its name untouched, and joins the channel.
func (t *trengo) findOrCreate(r request) answer {
	channel := r.params[0]
	kind, ok := t.channels[channel]
	if !ok {
		return t.refuse(http.StatusNotFound)
	}
	body := r.object
	identifier, ok := laravelString(body, "identifier")
	if !ok || strings.TrimSpace(identifier) == "" {
		return invalid("identifier", "The identifier field is required.")
	}
	name, ok := laravelString(body, "name")
	if !ok {
		return invalid("name", "The name must be a string.")
	}
	if repeated, ok := body["channel_id"]; ok && scalarText(repeated) != channel {
		return invalid("channel_id", "The selected channel id is invalid.")
	}
	key, ok := contactKey(kind, identifier)
	if !ok {
		return invalid("identifier", "The identifier is invalid for this channel.")
	}
	c, created := t.contacts.findOrCreate(kind, channel, key, name)
	if created {
		return jsonAnswer(http.StatusCreated, c)
	}
	return jsonAnswer(http.StatusOK, c)
}

// openTicket makes a ticket of a known contact in a known channel.
func (t *trengo) openTicket(r request) answer {
	body := r.object
	channel := scalarText(body["channel_id"])
	kind, ok := t.channels[channel]
	if !ok {
		return invalidFlat("The selected channel id is invalid.")
	}
	subject, ok := laravelString(body, "subject")
	if !ok {
		return invalidFlat("The subject must be a string.")
	}
	contact := scalarText(body["contact_id"])
	id, ok := t.contacts.openTicket(contact, subject)
	if !ok {
		return invalidFlat("The selected contact id is invalid.")
	}
	now := time.Now().UTC()
	return jsonAnswer(http.StatusCreated, map[string]any{
		"id": id, "status": "ASSIGNED", "subject": nullable(subject), "contact_id": json.Number(contact),
		"channel_id": json.Number(channel), "user_id": 7, "latest_message": nil,
		"created_at": now.Format(time.DateTime), "updated_at": now.Format(time.DateTime),
		"channel": channelOf(channel, kind),
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
	default:
		return ""
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

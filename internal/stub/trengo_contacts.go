package stub

import (
	"net/http"
	"strings"
)

// search finds contacts by part of a name or e-mail address, or by a phone number as it
// is stored. channel_id and per_page are sent by some clients and change nothing.
func (t *trengo) search(r request) answer {
	p := pager{path: "/contacts", query: r.query, size: listPage}
	hits, more := t.contacts.search(r.query.Get("term"), p.skip(), p.size)
	return p.answer(hits, len(hits), more)
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

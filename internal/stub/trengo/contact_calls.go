package trengo

import (
	"net/http"
	"strings"

	"github.com/deskstream/deskstream/internal/stub"
)

// search finds contacts by part of a name or e-mail address, or by a phone number as it
// is stored. channel_id and per_page are sent by some clients and change nothing.
func (t *trengo) search(r stub.Request) stub.Answer {
	p := pager{path: "/contacts", query: r.Query, size: listPage}
	hits, more := t.contacts.search(r.Query.Get("term"), p.skip(), p.size)
	return p.answer(hits, len(hits), more)
}

func (t *trengo) show(r stub.Request) stub.Answer {
	c, ok := t.contacts.get(r.Params[0])
	if !ok {
		return t.Refuse(http.StatusNotFound)
	}
	if r.Query.Get("include") == "notes" {
		return stub.JSON(http.StatusOK, withNotes{c, c.shownNotes()})
	}
	return stub.JSON(http.StatusOK, c)
}

// deleteContact deletes a contact. What becomes of its tickets is not documented: they stay.
func (t *trengo) deleteContact(r stub.Request) stub.Answer {
	if !t.contacts.remove(r.Params[0]) {
		return t.Refuse(http.StatusNotFound)
	}
	return stub.Answer{Status: http.StatusOK}
}

func (t *trengo) update(r stub.Request) stub.Answer {
	name, ok := laravelString(r.Object, "name")
	if !ok {
		return invalid("name", "The name must be a string.")
	}
	if _, ok := t.contacts.get(r.Params[0]); !ok {
		return t.Refuse(http.StatusNotFound)
	}
	if given, asked := r.Object["contact_group_ids"]; asked {
		groups, problem := groupsOf(given)
		if problem != "" {
			return invalid("contact_group_ids", problem)
		}
		t.contacts.change(r.Params[0], func(c *contact) { c.Groups = groups })
	}
	c, ok := t.contacts.rename(r.Params[0], name)
	if !ok {
		return t.Refuse(http.StatusNotFound)
	}
	return stub.JSON(http.StatusOK, c)
}

// findOrCreate gives the contact of an identifier. An existing one is returned as it
// is, its name untouched, and joins the channel.
func (t *trengo) findOrCreate(r stub.Request) stub.Answer {
	channel := r.Params[0]
	kind, ok := t.channels[channel]
	if !ok {
		return t.Refuse(http.StatusNotFound)
	}
	body := r.Object
	identifier, ok := laravelString(body, "identifier")
	if !ok || strings.TrimSpace(identifier) == "" {
		return invalid("identifier", "The identifier field is required.")
	}
	name, ok := laravelString(body, "name")
	if !ok {
		return invalid("name", "The name must be a string.")
	}
	if repeated, ok := body["channel_id"]; ok && stub.ScalarText(repeated) != channel {
		return invalid("channel_id", "The selected channel id is invalid.")
	}
	key, ok := contactKey(kind, identifier)
	if !ok {
		return invalid("identifier", "The identifier is invalid for this channel.")
	}
	c, created := t.contacts.findOrCreate(kind, channel, key, name)
	if created {
		return stub.JSON(http.StatusCreated, c)
	}
	return stub.JSON(http.StatusOK, c)
}

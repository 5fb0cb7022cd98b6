package trengo

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/deskstream/deskstream/internal/stub"
)

// fieldValue is the value of a custom field.
type fieldValue struct{ id, title, value string }

// with returns values with one more, or another one, in a list of its own.
func with(values []fieldValue, v fieldValue) []fieldValue {
	kept := slices.DeleteFunc(slices.Clone(values), func(other fieldValue) bool { return other.id == v.id })
	return append(kept, v)
}

// valuesOf are values as tickets and contacts list them.
func valuesOf(values []fieldValue) []any {
	list := []any{}
	for _, v := range values {
		list = append(list, map[string]any{"custom_field_id": withID(customFields, v.id)["id"], "field_name": v.title, "value": v.value})
	}
	return list
}

// dataOf are values by title, nil for none.
func dataOf(values []fieldValue) map[string]any {
	if len(values) == 0 {
		return nil
	}
	data := make(map[string]any)
	for _, v := range values {
		data[v.title] = v.value
	}
	return data
}

// fieldOf is the value that a body gives a field of a type, or what is wrong with it.
func fieldOf(body map[string]any, kind string) (v fieldValue, member, problem string) {
	id := stub.ScalarText(body["custom_field_id"])
	field := withID(customFields, id)
	if field == nil || field["type"] != kind {
		return fieldValue{}, "custom_field_id", "The selected custom field id is invalid."
	}
	text, ok := laravelString(body, "value")
	if !ok {
		return fieldValue{}, "value", "The value must be a string."
	}
	return fieldValue{id, field["title"].(string), text}, "", ""
}

func (t *trengo) setTicketField(r stub.Request) stub.Answer {
	if _, ok := t.tickets.get(r.Params[0]); !ok {
		return t.Refuse(http.StatusNotFound)
	}
	value, _, problem := fieldOf(r.Object, ticketField)
	if problem != "" {
		return invalidFlat(problem)
	}
	return t.changed(r, func(k *ticket) { k.fields = with(k.fields, value) })
}

// changed changes the ticket of a request's path. Its answer is not documented.
func (t *trengo) changed(r stub.Request, change func(*ticket)) stub.Answer {
	if _, ok := t.tickets.change(r.Params[0], r.Now, change); !ok {
		return t.Refuse(http.StatusNotFound)
	}
	return stub.JSON(http.StatusOK, map[string]any{})
}

func (t *trengo) setContactField(r stub.Request) stub.Answer {
	if _, ok := t.contacts.get(r.Params[0]); !ok {
		return t.Refuse(http.StatusNotFound)
	}
	value, member, problem := fieldOf(r.Object, contactField)
	if problem != "" {
		return invalid(member, problem)
	}
	c, ok := t.contacts.change(r.Params[0], func(c *contact) {
		c.fields = with(c.fields, value)
		c.CustomData, c.Values = dataOf(c.fields), valuesOf(c.fields)
	})
	if !ok {
		return t.Refuse(http.StatusNotFound)
	}
	return stub.JSON(http.StatusOK, c)
}

// labelsOf are the labels of a ticket as it shows them.
func labelsOf(k ticket) []entry {
	list := []entry{}
	for _, id := range k.labels {
		list = append(list, withID(labels, id))
	}
	return list
}

func (t *trengo) listTicketLabels(r stub.Request) stub.Answer {
	k, ok := t.tickets.get(r.Params[0])
	if !ok {
		return t.Refuse(http.StatusNotFound)
	}
	return stub.JSON(http.StatusOK, map[string]any{"data": labelsOf(k)})
}

func (t *trengo) putLabelOn(r stub.Request) stub.Answer {
	id := stub.ScalarText(r.Object["label_id"])
	if _, ok := t.tickets.get(r.Params[0]); !ok {
		return t.Refuse(http.StatusNotFound)
	}
	if withID(labels, id) == nil {
		return invalidFlat("The selected label id is invalid.")
	}
	return t.changed(r, func(k *ticket) {
		if !slices.Contains(k.labels, id) {
			k.labels = append(slices.Clone(k.labels), id)
		}
	})
}

func (t *trengo) takeLabelOff(r stub.Request) stub.Answer {
	return t.changed(r, func(k *ticket) {
		k.labels = slices.DeleteFunc(slices.Clone(k.labels), func(id string) bool { return id == r.Params[1] })
	})
}

// contactNote is a note of a contact. It is never changed.
type contactNote struct {
	id, user int64
	text     string
	at       time.Time
}

// withNotes is a contact that was asked for with its notes.
type withNotes struct {
	contact
	Notes []any `json:"notes"`
}

func (c contact) shownNotes() []any {
	list := []any{}
	for _, n := range c.notes {
		list = append(list, n.shown())
	}
	return list
}

func (n contactNote) shown() map[string]any {
	return map[string]any{"id": n.id, "user": agent(n.user), "body": n.text, "created_at": zoneless(n.at, amsterdam())}
}

func (t *trengo) noteContact(r stub.Request) stub.Answer {
	if _, ok := t.contacts.get(r.Params[0]); !ok {
		return t.Refuse(http.StatusNotFound)
	}
	text, ok := laravelString(r.Object, "note")
	if !ok || strings.TrimSpace(text) == "" {
		return invalid("note", "The note field is required.")
	}
	var made contactNote
	c, ok := t.contacts.change(r.Params[0], func(c *contact) {
		made = contactNote{id: t.contacts.noteIDs.next(), user: userOf(r), text: text, at: r.Now}
		c.notes = append(slices.Clip(c.notes), made)
	})
	if !ok {
		return t.Refuse(http.StatusNotFound)
	}
	shown := map[string]any{"contact": c}
	maps.Copy(shown, made.shown())
	return stub.JSON(http.StatusCreated, shown)
}

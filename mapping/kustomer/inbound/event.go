package inbound

import (
	"strings"
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/unified"
)

// utc is the zone of all moments.
var utc = time.UTC

// Reader reads for one destination.
type Reader struct{ desk, destination string }

// New returns a Reader.
func New(desk, destination string) *Reader { return &Reader{desk: desk, destination: destination} }

// prefix begins the names of all events.
const prefix = "kustomer."

// kinds are the types of events, by the name of the event without its prefix. An update of a
// conversation is told by what changed, and a message by its direction. No type is for the update
// of a message.
var kinds = map[string]unified.Type{
	"conversation.create": unified.TicketCreated,
	"conversation.update": unified.TicketUpdated,
	"customer.create":     unified.ContactCreated,
	"customer.update":     unified.ContactUpdated,
	"message.create":      unified.MessageInbound,
	"user.create":         unified.UserCreated,
	"user.update":         unified.UserUpdated,
	"team.create":         unified.TeamCreated,
	"team.update":         unified.TeamUpdated,
	"tag.create":          unified.LabelCreated,
	"tag.update":          unified.LabelUpdated,
}

// Subscriptions are the events to subscribe to, by the type that they bring. Notes, companies,
// objects of the owner's classes and deletions have none.
func Subscriptions() map[unified.Type][]string {
	update := []string{prefix + "conversation.update"}
	subscriptions := map[unified.Type][]string{
		unified.TicketClosed: update, unified.TicketReopened: update, unified.TicketAssigned: update,
		unified.TicketLabelled: update, unified.TicketUnlabelled: update, unified.TicketSpam: update, unified.TicketUnspam: update,
		unified.MessageOutbound: {prefix + "message.create"},
		unified.Unknown:         {prefix + "message.update"},
	}
	for name, kind := range kinds {
		subscriptions[kind] = []string{prefix + name}
	}
	return subscriptions
}

// Event reads a webhook. One that cannot be read, or is of no kind that is known, is Unknown.
func (r *Reader) Event(w unified.Webhook) unified.Event {
	w = w.In()
	defer w.Room.Read()
	read := w.Room.JSONBody(w.Body)
	v := read.Value
	e := unified.Event{
		Schema: unified.Version, Type: unified.Unknown, ID: unified.Text(v, "id"), At: created(v),
		Desk: r.desk, Destination: r.destination, DeskEvent: unified.Text(v, "name"), Raw: read.Raw,
	}
	name := strings.TrimPrefix(e.DeskEvent, prefix)
	e.Changes = changes(v.Get("changes"))
	data := v.Get("data")
	if r.fill(&e, data, w.Room) {
		if kind, known := kinds[name]; known {
			e.Type = kind
		}
	}
	if e.Type == unified.TicketUpdated {
		e.Type = whatBecame(e.Changes)
	}
	if e.Type == unified.MessageInbound && e.Comment.Direction == unified.Out {
		e.Type = unified.MessageOutbound
	}
	e.Actor = actorOf(data, strings.HasSuffix(name, ".create"))
	if name == "message.create" && e.Comment != nil {
		e.Actor = e.Comment.Author
	}
	return e
}

// fill sets the object that an event is about, and reports whether there is one.
func (r *Reader) fill(e *unified.Event, data mapping.Value, room *unified.Room) bool {
	meta := r.meta(data)
	if meta.ID == "" {
		return false
	}
	switch kind, _, _ := strings.Cut(strings.TrimPrefix(e.DeskEvent, prefix), "."); kind {
	case "conversation":
		e.Ticket = room.Ticket()
		readTicket(e.Ticket, data, meta)
		e.Contact = r.contactOf(e.Ticket.ContactID, room)
	case "message":
		e.Comment = r.message(data, meta).(*unified.Comment)
		if e.Comment.TicketID != "" {
			e.Ticket = room.Ticket()
			e.Ticket.Meta, e.Ticket.ContactID = r.metaOf(e.Comment.TicketID), e.Comment.ContactID
		}
		e.Contact = r.contactOf(e.Comment.ContactID, room)
	case "customer":
		e.Contact = r.contact(data, meta).(*unified.Contact)
	case "user":
		e.User = r.user(data, meta).(*unified.User)
	case "team":
		e.Team = r.team(data, meta).(*unified.Team)
	case "tag":
		e.Label = r.label(data, meta).(*unified.Label)
	default:
		return false
	}
	return true
}

// contactOf is a contact of which the id alone is known, nil for none.
func (r *Reader) contactOf(id string, room *unified.Room) *unified.Contact {
	if id == "" {
		return nil
	}
	contact := room.Contact()
	contact.Meta = r.metaOf(id)
	return contact
}

// actorOf is the user who made or changed an object last.
func actorOf(data mapping.Value, created bool) *unified.Actor {
	name := "modifiedBy"
	if created {
		name = "createdBy"
	}
	by := data.Get("relationships", name, "data")
	id := unified.Text(by, "id")
	switch kind := unified.Text(by, "type"); {
	case id == "":
		return nil
	case kind == "user":
		return &unified.Actor{Type: unified.ActorUser, ID: id}
	case kind == "customer":
		return &unified.Actor{Type: unified.ActorContact, ID: id}
	default:
		return &unified.Actor{Type: unified.UnknownWord, ID: id}
	}
}

// changes are the attributes and relationships that changed.
func changes(v mapping.Value) (list []unified.Change) {
	for _, part := range []string{"attributes", "relationships"} {
		changed := v.Get(part)
		if changed.Kind() != mapping.Object {
			continue
		}
		for _, m := range changed.Members() {
			c := unified.Change{Field: m.Name}
			if before := m.Value.Get("before"); before.Exists() {
				c.Before = before.AppendJSON(nil)
			}
			if after := m.Value.Get("after"); after.Exists() {
				c.After = after.AppendJSON(nil)
			}
			list = append(list, c)
		}
	}
	return list
}

// whatBecame is the type of a conversation's update. Where several things changed the first of
// this order counts: closed, reopened, spam, assigned, labelled, updated.
func whatBecame(list []unified.Change) unified.Type {
	var status, spam, tags unified.Change
	var assigned, tagged bool
	for _, c := range list {
		switch c.Field {
		case "status":
			status = c
		case "spam":
			spam = c
		case "assignedUsers", "assignedTeams":
			assigned = true
		case "tags":
			tags, tagged = c, true
		}
	}
	switch {
	case string(status.After) == `"done"`:
		return unified.TicketClosed
	case string(status.Before) == `"done"`:
		return unified.TicketReopened
	case string(spam.After) == "true":
		return unified.TicketSpam
	case string(spam.Before) == "true":
		return unified.TicketUnspam
	case assigned:
		return unified.TicketAssigned
	case tagged && added(tags):
		return unified.TicketLabelled
	case tagged:
		return unified.TicketUnlabelled
	}
	return unified.TicketUpdated
}

// added reports whether a list has an element after a change that it did not have before.
func added(c unified.Change) bool {
	before, after := idsIn(c.Before), idsIn(c.After)
	for id := range after {
		if !before[id] {
			return true
		}
	}
	return false
}

func idsIn(list unified.Raw) map[string]bool {
	v, err := mapping.ParseJSON(list)
	if err != nil {
		return nil
	}
	ids := make(map[string]bool)
	for _, e := range unified.Elements(v) {
		ids[e.Text()] = true
	}
	return ids
}

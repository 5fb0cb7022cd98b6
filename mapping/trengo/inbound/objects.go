package inbound

import (
	"cmp"
	"errors"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/unified"
)

// ErrNoObject is an entry of a list that is no object with an id.
var ErrNoObject = errors.New("the entry is no JSON object with an id")

// Objects returns how an entry of each list is read. Trengo has no list of queues or objects of
// the owner's classes; roles and attachments stand inside users and messages.
func (r *Reader) Objects() map[unified.Entity]func(entry []byte) (unified.Object, error) {
	object := func(fill func(mapping.Value, unified.Meta) unified.Object) func([]byte) (unified.Object, error) {
		return func(entry []byte) (unified.Object, error) {
			body := unified.JSONBody(entry)
			v := body.Value
			if inner := v.Get("data"); inner.Kind() == mapping.Object && !v.Get("id").Exists() {
				v = inner // some answers wrap the object
			}
			meta := r.meta(unified.Text(v, "id"))
			if meta.ID == "" {
				return nil, ErrNoObject
			}
			meta.CreatedAt, meta.UpdatedAt, meta.Raw = r.when(v, "created_at"), r.when(v, "updated_at"), body.Raw
			return fill(v, meta), nil
		}
	}
	return map[unified.Entity]func([]byte) (unified.Object, error){
		unified.Contacts: object(r.contact), unified.Accounts: object(r.account), unified.Groups: object(r.group),
		unified.Tickets: object(r.ticket), unified.Comments: object(r.comment), unified.Attachments: object(r.attachment),
		unified.Users: object(r.agent), unified.Roles: object(r.role), unified.Teams: object(r.team), unified.Labels: object(r.label),
		unified.Fields: object(r.field), unified.Channels: object(r.channel), unified.Statuses: object(r.result),
	}
}

func (r *Reader) contact(v mapping.Value, meta unified.Meta) unified.Object {
	c := &unified.Contact{
		Meta: meta, Name: unified.Text(v, "full_name", "name"), Groups: unified.Refs(v, "groups"), Channels: unified.Refs(v, "channels"),
		Fields: unified.ValuesOf(v.Get("custom_field_data")), Private: unified.Flag(v, "is_private"),
	}
	if email := unified.Text(v, "email"); email != "" {
		c.Emails = []unified.Address{{Value: email}}
	}
	if phone := unified.Text(v, "phone"); phone != "" {
		c.Phones = []unified.Address{{Value: phone}}
	}
	if profiles := unified.IDs(v, "profile"); len(profiles) > 0 {
		c.AccountID = profiles[0]
	}
	return c
}

func (r *Reader) account(v mapping.Value, meta unified.Meta) unified.Object {
	return &unified.Account{Meta: meta, Name: unified.Text(v, "name"), Fields: unified.ValuesOf(v.Get("custom_field_data"))}
}

func (r *Reader) group(v mapping.Value, meta unified.Meta) unified.Object {
	return &unified.Group{Meta: meta, Name: unified.Text(v, "name")}
}

// statuses are a ticket's. INVALID, which lists can be filtered by, is not documented.
var statuses = map[string]string{"OPEN": unified.StatusOpen, "ASSIGNED": unified.StatusOpen, "CLOSED": unified.StatusClosed}

func (r *Reader) ticket(v mapping.Value, meta unified.Meta) unified.Object {
	t := &unified.Ticket{
		Meta: meta, Subject: unified.Text(v, "subject"), StatusRaw: unified.Text(v, "status"),
		AssignedAt: r.when(v, "assigned_at"), ClosedAt: r.when(v, "closed_at"), ClosedBy: idOf(v, "closed_by"),
		ContactID: cmp.Or(unified.Text(v, "contact_id"), idOf(v, "contact")), Labels: unified.Refs(v, "labels"),
		Fields: unified.ValuesOf(v.Get("custom_data")), LastMessageAt: r.when(v, "latest_message_at"), Messages: unified.Count(v, "messages_count"),
	}
	if t.StatusRaw != "" {
		t.Status = cmp.Or(statuses[t.StatusRaw], unified.UnknownWord)
	}
	if results := unified.Refs(v, "results"); len(results) > 0 {
		t.Result = &results[len(results)-1]
	}
	if channel := refOf(v, "channel"); channel != nil {
		t.Channel = channel
	} else if id := unified.Text(v, "channel_id"); id != "" {
		t.Channel = &unified.Ref{ID: id}
	}
	if id := unified.Text(v, "user_id"); id != "" {
		t.UserIDs = []string{id}
	}
	if id := unified.Text(v, "team_id"); id != "" {
		t.TeamIDs = []string{id}
	}
	if profiles := unified.IDs(v.Get("contact"), "profile"); len(profiles) > 0 {
		t.AccountID = profiles[0]
	}
	return t
}

// comment reads a message. Lines that tell of events, as a label that was set, stand among them.
func (r *Reader) comment(v mapping.Value, meta unified.Meta) unified.Object {
	c := &unified.Comment{
		Meta: meta, Kind: unified.KindSystem, TicketID: unified.Text(v, "ticket_id"), ContactID: cmp.Or(unified.Text(v, "contact_id"), idOf(v, "contact")),
		Subject: unified.Text(v.Get("email_message"), "subject"), Body: unified.Text(v, "message", "body"),
		HTML: unified.Text(v.Get("email_message"), "html"), SentAt: meta.CreatedAt,
	}
	agent := &unified.Actor{Type: unified.ActorUser, ID: unified.Text(v, "user_id"), Name: unified.Text(v.Get("agent"), "full_name", "name")}
	switch unified.Text(v, "type") {
	case "INBOUND":
		c.Kind, c.Direction = unified.KindMessage, unified.In
		c.Author = &unified.Actor{Type: unified.ActorContact, ID: c.ContactID, Name: unified.Text(v.Get("contact"), "full_name", "name")}
	case "OUTBOUND":
		c.Kind, c.Direction, c.Author = unified.KindMessage, unified.Out, agent
	case "NOTE":
		c.Kind, c.Private, c.Author = unified.KindNote, true, agent
	default:
		c.Private, c.Author = true, &unified.Actor{Type: unified.ActorSystem}
	}
	for _, a := range unified.Elements(v.Get("attachments")) {
		attachment := r.attachment(a, r.meta(unified.Text(a, "id"))).(*unified.Attachment)
		attachment.CommentID, attachment.TicketID = c.ID, c.TicketID
		c.Attachments = append(c.Attachments, *attachment)
	}
	return c
}

// attachment reads an element of a message's attachments. That it has a name and a url is known
// of those that are sent.
func (r *Reader) attachment(v mapping.Value, meta unified.Meta) unified.Object {
	return &unified.Attachment{
		Meta: meta, CommentID: unified.Text(v, "message_id"), TicketID: unified.Text(v, "ticket_id"),
		Name: unified.Text(v, "name"), Link: unified.Text(v, "url"),
	}
}

// refOf is an object in a member, nil for none.
func refOf(v mapping.Value, name string) *unified.Ref {
	inner := v.Get(name)
	id := unified.Text(inner, "id")
	if id == "" {
		return nil
	}
	return &unified.Ref{ID: id, Name: unified.Text(inner, "title", "full_name", "name"), Type: unified.Text(inner, "type")}
}

// idOf is the id of an object in a member, or the member itself where it is an id.
func idOf(v mapping.Value, name string) string {
	return cmp.Or(unified.Text(v.Get(name), "id"), unified.Text(v, name))
}

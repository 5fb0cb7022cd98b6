package inbound

import (
	"strings"
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/unified"
)

// Reader reads for one destination.
type Reader struct {
	desk, destination string
	zone              *time.Location
	fixed             bool // zone is that of all fields
}

// New returns a Reader. amsterdam is the zone of moments without one; with fixed, that of all
// fields, whatever their table says.
func New(desk, destination string, amsterdam *time.Location, fixed bool) *Reader {
	return &Reader{desk: desk, destination: destination, zone: amsterdam, fixed: fixed}
}

// Names are the events of Trengo's webhooks by their names, which the address of each has
// (vendor documentation, webhooks). VOICE_CALL_ROUTE_NUMBER asks for an answer, which is not
// given; it is Unknown.
var Names = map[string]unified.Type{
	"INBOUND":                 unified.MessageInbound,
	"OUTBOUND":                unified.MessageOutbound,
	"NOTE":                    unified.NoteCreated,
	"TICKET_LABEL_ADDED":      unified.TicketLabelled,
	"TICKET_LABEL_DELETED":    unified.TicketUnlabelled,
	"TICKET_ASSIGNED":         unified.TicketAssigned,
	"TICKET_CLOSED":           unified.TicketClosed,
	"TICKET_REOPENED":         unified.TicketReopened,
	"TICKET_MARKED_AS_SPAM":   unified.TicketSpam,
	"TICKET_UNMARKED_AS_SPAM": unified.TicketUnspam,
	"VOICE_CALL_STARTED":      unified.VoiceStarted,
	"VOICE_CALL_ENDED":        unified.VoiceEnded,
	"VOICE_CALL_RECORDED":     unified.VoiceRecorded,
	"VOICE_CALL_MISSED":       unified.VoiceMissed,
	"VOICE_CALL_ROUTE_NUMBER": unified.Unknown,
}

// Event reads a webhook. One that cannot be read, or names no ticket or contact, is Unknown.
func (r *Reader) Event(w unified.Webhook) unified.Event {
	w = w.In()
	defer w.Room.Read()
	read := r.body(w)
	e := unified.Event{
		Schema: unified.Version, Type: unified.Unknown, At: unified.At(w.At),
		Desk: r.desk, Destination: r.destination, DeskEvent: w.Name, Raw: read.Raw,
	}
	v := read.Value
	if v.Kind() != mapping.Object {
		return e
	}
	if id := unified.Text(v, "message_id"); id != "" {
		e.ID = w.Name + "-" + id // TICKET_ events have nothing of their own
	}
	r.about(&e, v, w.Room)
	if kind, known := Names[w.Name]; known && (e.Ticket != nil || e.Contact != nil) {
		e.Type = kind
	}
	r.detail(&e, v, w.Room)
	return e
}

func (r *Reader) body(w unified.Webhook) unified.Body {
	if w.Form {
		return w.Room.FormBody(w.Body)
	}
	return w.Room.JSONBody(w.Body)
}

// about fills in the ticket and the contact that an event names.
func (r *Reader) about(e *unified.Event, v mapping.Value, room *unified.Room) {
	contact := unified.Text(v, "contact_id")
	if id := unified.Text(v, "ticket_id"); id != "" {
		e.Ticket = room.Ticket()
		e.Ticket.Meta, e.Ticket.ContactID = r.meta(id), contact
		if channel := unified.Text(v, "channel_id"); channel != "" {
			e.Ticket.Channel = &unified.Ref{ID: channel}
		}
	}
	if contact == "" {
		return
	}
	e.Contact = room.Contact()
	e.Contact.Meta, e.Contact.Name = r.meta(contact), unified.Text(v, "contact_name")
	email, identifier := unified.Text(v, "contact_email"), unified.Text(v, "contact_identifier")
	switch {
	case email != "":
		e.Contact.Emails = []unified.Address{{Value: email}}
	case strings.Contains(identifier, "@"):
		e.Contact.Emails = []unified.Address{{Value: identifier}}
	}
	if strings.HasPrefix(identifier, "+") {
		e.Contact.Phones = []unified.Address{{Value: identifier}}
	}
}

// detail fills in what only events of the type have.
func (r *Reader) detail(e *unified.Event, v mapping.Value, room *unified.Room) {
	switch e.Type {
	case unified.MessageInbound, unified.MessageOutbound, unified.NoteCreated:
		r.said(e, v, room.Comment())
	case unified.TicketLabelled, unified.TicketUnlabelled:
		e.Label = &unified.Label{Meta: r.meta(unified.Text(v, "label_id")), Name: unified.Text(v, "label_name")}
	case unified.TicketAssigned:
		r.assigned(e, v)
	case unified.TicketClosed:
		e.Ticket.Status = unified.StatusClosed
	case unified.TicketReopened:
		e.Ticket.Status, e.Ticket.StatusRaw = unified.StatusOpen, unified.Text(v, "status")
	case unified.TicketSpam:
		e.Ticket.Status = unified.StatusSpam
	case unified.VoiceStarted, unified.VoiceEnded, unified.VoiceRecorded, unified.VoiceMissed:
		e.Voice = &unified.Voice{
			Direction: unified.Direction(unified.Text(v, "direction")), From: unified.Text(v, "from"), To: unified.Text(v, "to"),
			Duration: unified.Text(v, "duration"), RecordingURL: unified.Text(v, "recording_url"),
		}
	default: // there is nothing more
	}
}

// said fills in c, the message or note of an event.
func (r *Reader) said(e *unified.Event, v mapping.Value, c *unified.Comment) {
	c.Meta, c.Kind = r.meta(unified.Text(v, "message_id")), unified.KindMessage
	c.TicketID, c.ContactID, c.Body = unified.Text(v, "ticket_id"), unified.Text(v, "contact_id"), unified.Text(v, "message")
	if e.Ticket != nil {
		c.Channel = e.Ticket.Channel
	}
	if user := r.user(v); user != nil {
		e.User = user
		c.Author = &unified.Actor{Type: unified.ActorUser, ID: user.ID, Name: user.Name}
	}
	switch e.Type {
	case unified.NoteCreated:
		c.Kind, c.Private = unified.KindNote, true
	case unified.MessageOutbound:
		c.Direction = unified.Out
	default:
		c.Direction = unified.In
		c.Author = &unified.Actor{Type: unified.ActorContact, ID: c.ContactID, Name: unified.Text(v, "contact_name")}
	}
	e.Comment, e.Actor = c, c.Author
}

// assigned fills in who got a ticket. Who gave it is not said.
func (r *Reader) assigned(e *unified.Event, v mapping.Value) {
	to := unified.Text(v, "assigned_to")
	if id := unified.Text(v, "team_id"); id != "" && to != "USER" {
		e.Team = &unified.Team{Meta: r.meta(id), Name: unified.Text(v, "team_name")}
		e.Ticket.TeamIDs = []string{id}
	}
	if user := r.user(v); user != nil && to != "TEAM" {
		e.User, e.Ticket.UserIDs = user, []string{user.ID}
	}
}

// user is the user that an event names, nil for none.
func (r *Reader) user(v mapping.Value) *unified.User {
	id := unified.Text(v, "user_id")
	if id == "" {
		return nil
	}
	return &unified.User{Meta: r.meta(id), Name: unified.Text(v, "user_name"), Email: unified.Text(v, "user_email")}
}

func (r *Reader) meta(id string) unified.Meta {
	return unified.Meta{Schema: unified.Version, Desk: r.desk, Destination: r.destination, ID: id}
}

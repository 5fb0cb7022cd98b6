package unified

import (
	"slices"
	"strings"
)

// Version is the version of the model, in each event and object. It grows when a field changes
// its meaning; new fields do not change it.
const Version = 1

// Type is what happened, in the model's words.
type Type string

// The types of events. A desk's event that is none of them is Unknown.
const (
	TicketCreated    Type = "ticket.created"
	TicketAssigned   Type = "ticket.assigned"
	TicketLabelled   Type = "ticket.labelled"
	TicketUnlabelled Type = "ticket.unlabelled"
	TicketClosed     Type = "ticket.closed"
	TicketReopened   Type = "ticket.reopened"
	TicketUpdated    Type = "ticket.updated"
	TicketSpam       Type = "ticket.spam"
	TicketUnspam     Type = "ticket.unspam"
	MessageInbound   Type = "message.inbound"
	MessageOutbound  Type = "message.outbound"
	NoteCreated      Type = "note.created"
	VoiceStarted     Type = "voice.started"
	VoiceEnded       Type = "voice.ended"
	VoiceRecorded    Type = "voice.recorded"
	VoiceMissed      Type = "voice.missed"
	ContactCreated   Type = "contact.created"
	ContactUpdated   Type = "contact.updated"
	UserCreated      Type = "user.created"
	UserUpdated      Type = "user.updated"
	TeamCreated      Type = "team.created"
	TeamUpdated      Type = "team.updated"
	LabelCreated     Type = "label.created"
	LabelUpdated     Type = "label.updated"
	Unknown          Type = "unknown"
)

// Types are all types of events.
func Types() []Type {
	return []Type{
		TicketCreated, TicketAssigned, TicketLabelled, TicketUnlabelled, TicketClosed, TicketReopened, TicketUpdated, TicketSpam, TicketUnspam,
		MessageInbound, MessageOutbound, NoteCreated, VoiceStarted, VoiceEnded, VoiceRecorded, VoiceMissed,
		ContactCreated, ContactUpdated, UserCreated, UserUpdated, TeamCreated, TeamUpdated, LabelCreated, LabelUpdated, Unknown,
	}
}

// TypeNames are all types of events, as text.
func TypeNames() []string {
	var names []string
	for _, t := range Types() {
		names = append(names, string(t))
	}
	return names
}

// IsType reports whether an event of a type is one of a help desk.
func IsType(name string) bool {
	if name != string(Unknown) && !strings.Contains(name, ".") {
		return false // a customer event: this is asked of each that a rule takes
	}
	return slices.Contains(Types(), Type(name))
}

// Event is one thing that happened at a help desk.
//
//easyjson:json
type Event struct {
	Schema      int      `json:"schema" doc:"The version of the model."`
	Type        Type     `json:"type" doc:"What happened; unknown for what the model has no word for."`
	ID          string   `json:"id" doc:"The event's id: that of the desk, or one made of what the desk sent. A repeat has the same."`
	At          Time     `json:"at" doc:"When it happened, or else when the desk signed it, or else when it was received."`
	Desk        string   `json:"desk" doc:"The kind of help desk, as trengo."`
	Destination string   `json:"destination" doc:"The destination's name in the configuration."`
	DeskEvent   string   `json:"desk_event" doc:"The desk's own name of the event, as TICKET_CLOSED."`
	Repeat      bool     `json:"repeat" doc:"Whether this instance received the event before."`
	Late        bool     `json:"late" doc:"Whether it was received more than 300 seconds after it was signed."`
	Enriched    *bool    `json:"enriched,omitempty" doc:"With webhooks.enrich: whether ticket and contact were read from the desk."`
	Truncated   bool     `json:"truncated,omitempty" doc:"Whether texts were left out that raw has, because the topic takes no more."`
	Actor       *Actor   `json:"actor,omitempty" doc:"Who did it, where the desk says so."`
	Changes     []Change `json:"changes,omitempty" doc:"What changed, where the desk says so."`
	Ticket      *Ticket  `json:"ticket,omitempty" doc:"The ticket that it is about, with what the desk sent of it."`
	Contact     *Contact `json:"contact,omitempty" doc:"The contact that it is about."`
	Comment     *Comment `json:"comment,omitempty" doc:"The message or note that it is about."`
	User        *User    `json:"user,omitempty" doc:"The user that it is about: of ticket.assigned the one that got it."`
	Team        *Team    `json:"team,omitempty" doc:"The team that it is about: of ticket.assigned the one that got it."`
	Label       *Label   `json:"label,omitempty" doc:"The label that it is about."`
	Voice       *Voice   `json:"voice,omitempty" doc:"The call by phone that it is about."`
	Raw         Raw      `json:"raw" doc:"What the desk sent: a JSON object, or the fields of a form. {text} or {base64} for a body that is neither, {body} for JSON that is no object."`
}

// Change is one field that changed.
type Change struct {
	Field  string `json:"field" doc:"The desk's name of the field."`
	Before Raw    `json:"before,omitempty" doc:"The value before, missing for none."`
	After  Raw    `json:"after,omitempty" doc:"The value after, missing for none."`
}

// Voice is a call by phone.
type Voice struct {
	Direction    string `json:"direction,omitempty" doc:"in, out or unknown."`
	From         string `json:"from,omitempty" doc:"The number that called."`
	To           string `json:"to,omitempty" doc:"The number that was called."`
	Duration     string `json:"duration,omitempty" doc:"How long it took, as the desk writes it."`
	RecordingURL string `json:"recording_url,omitempty" doc:"Where its recording is."`
}

// Key is the record key of the event on a topic: events of one ticket have the same, else those
// of one contact, and so on. Events with nothing to tell them by share the destination's name.
func (e *Event) Key() string { return string(e.AppendKey(nil)) }

// AppendKey appends Key to a list of bytes.
func (e *Event) AppendKey(to []byte) []byte {
	to = append(to, e.Destination...)
	of := func(kind, id string) []byte { return append(append(to, kind...), id...) }
	switch {
	case e.Ticket != nil && e.Ticket.ID != "":
		return of("/ticket/", e.Ticket.ID)
	case e.Comment != nil && e.Comment.TicketID != "":
		return of("/ticket/", e.Comment.TicketID)
	case e.Contact != nil && e.Contact.ID != "":
		return of("/contact/", e.Contact.ID)
	case e.User != nil && e.User.ID != "":
		return of("/user/", e.User.ID)
	case e.Team != nil && e.Team.ID != "":
		return of("/team/", e.Team.ID)
	case e.Label != nil && e.Label.ID != "":
		return of("/label/", e.Label.ID)
	}
	return to
}

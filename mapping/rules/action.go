package rules

import (
	"time"

	"github.com/deskstream/deskstream/mapping"
)

// Action is one thing that a rule asks a help desk for, with its texts made from the event.
type Action interface{ action() }

// SaveContact gives the person of the event values in fields.
type SaveContact struct {
	// Create says to create a contact that is not there; else the event dies.
	Create bool
	Fields []Named
}

// JoinGroups adds the person to groups, by name or id; it leaves none.
type JoinGroups struct{ Names []string }

// SetProfile makes the person one of a profile or company, by name, which is made if there is none.
type SetProfile struct{ Name string }

// NoteContact leaves a note at the contact, for agents.
type NoteContact struct{ Text string }

// UseTicket makes a ticket of the contact the one that the actions after it are about.
type UseTicket struct {
	Find Finding
	// ID is the desk's id of the ticket, with ByID.
	ID string
	// Key names the contact's ticket, with ByKey, for as long as it is open; KeyTTL is how long an
	// unused key is kept.
	Key    string
	KeyTTL time.Duration
	// KeepClosed says that the key of a closed ticket is kept as well: a rule opens it again.
	KeepClosed bool
	// Reopen opens the closed ticket of the key again instead of a new one.
	Reopen bool
	Open   Opening
	// Subject is that of a ticket that is opened, "" for none.
	Subject string
	// Channel overrides the destination's, "" for none.
	Channel string
}

// Finding is how a ticket is found.
type Finding string

// The ways to find a ticket.
const (
	ByKey    Finding = "key"
	ByNewest Finding = "newest" // the contact's newest open one
	ByID     Finding = "id"
)

// Opening is when a ticket is opened.
type Opening string

// The openings.
const (
	OpenAlways Opening = "always"
	OpenOnce   Opening = "once"  // if none is found
	OpenNever  Opening = "never" // the event is skipped if none is found
)

// Assign gives the ticket to a team, a user, or both, by name or id.
type Assign struct{ Team, User string }

// Label puts labels on the ticket, by name or id, or takes them off.
type Label struct {
	Names []string
	Off   bool
}

// SetFields gives the ticket values in fields.
type SetFields struct{ Fields []Named }

// SetQueue moves the ticket to a queue, by name or id.
type SetQueue struct{ Name string }

// SetUrgency sets the ticket's priority, 1 to 5.
type SetUrgency struct{ Level int }

// Note leaves a note at the ticket, for agents.
type Note struct{ Text string }

// Message is sent to the contact in the ticket, or recorded there as sent.
type Message struct {
	// Text is the message, "" with Template.
	Text string
	// Template is an approved template instead, nil for none.
	Template *Approved
	// App and Channel say by what a recorded message was sent.
	App, Channel string
}

// Approved is an approved template of a message, by its id, with the values of its places in the
// order of their names.
type Approved struct {
	ID     string
	Params []Named
}

// SendMessage sends the contact a message without a ticket.
type SendMessage struct {
	// Channel overrides the destination's, "" for none.
	Channel, Subject string
	// Text is the message, "" with Template.
	Text     string
	Template *Approved
}

// UpsertObject makes an object of the customer's own, or changes it.
type UpsertObject struct {
	// Class is the name of its class, ID the id that its owner gives it.
	Class, ID string
	// Title is "" for none.
	Title string
	Data  []Named
}

// SetStatus closes the ticket, snoozes it, or opens it again.
type SetStatus struct {
	Closed bool
	// Snooze is for how long it is snoozed, 0 for not at all.
	Snooze time.Duration
	// Result says how it was closed, by name or id; "" for nothing.
	Result string
}

func (SaveContact) action()  {}
func (JoinGroups) action()   {}
func (SetProfile) action()   {}
func (NoteContact) action()  {}
func (UseTicket) action()    {}
func (Assign) action()       {}
func (Label) action()        {}
func (SetFields) action()    {}
func (SetQueue) action()     {}
func (SetUrgency) action()   {}
func (Note) action()         {}
func (Message) action()      {}
func (SendMessage) action()  {}
func (UpsertObject) action() {}
func (SetStatus) action()    {}

// Named is a value for a field, which is named by title or id.
type Named struct {
	Name, Value string
	// Typed is the value as the event has it, where the template is one name only and the value is
	// no text: Absent otherwise.
	Typed mapping.Value
}

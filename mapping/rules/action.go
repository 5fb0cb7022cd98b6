package rules

// Action is one thing that a rule asks a help desk for, with its texts made from the event.
type Action interface{ action() }

// SaveContact gives the person of the event values in fields.
type SaveContact struct {
	// Create says to create a contact that is not there; else the event dies.
	Create bool
	Fields []Named
}

// NoteContact leaves a note at the contact, for agents.
type NoteContact struct{ Text string }

// UseTicket makes a ticket of the contact the one that the actions after it are about.
type UseTicket struct {
	Open Opening
	// Subject is that of a ticket that is opened, "" for none.
	Subject string
	// Channel overrides the destination's, "" for none.
	Channel string
}

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

// Note leaves a note at the ticket, for agents.
type Note struct{ Text string }

// Message is sent to the contact in the ticket.
type Message struct{ Text string }

// SetStatus closes the ticket, or opens it again.
type SetStatus struct {
	Closed bool
	// Result says how it was closed, by name or id; "" for nothing.
	Result string
}

func (SaveContact) action() {}
func (NoteContact) action() {}
func (UseTicket) action()   {}
func (Assign) action()      {}
func (Label) action()       {}
func (SetFields) action()   {}
func (Note) action()        {}
func (Message) action()     {}
func (SetStatus) action()   {}

// Named is a value for a field, which is named by title or id.
type Named struct{ Name, Value string }

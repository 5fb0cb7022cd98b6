package trengo

import "github.com/deskstream/deskstream/mapping"

// Message is what to tell Trengo about one event.
type Message struct {
	// Steps are done in this order; each needs the one before it to have succeeded.
	Steps []Step
	// Warnings say, for people, which fields were coerced or left out. They quote no value.
	Warnings []string
}

// Step is a SaveContact or an OpenTicket.
type Step interface{ isStep() }

// SaveContact makes the contact be there with its name.
type SaveContact struct {
	Contact
	// Search says to look for the contact first, and to update it when it is there.
	// Otherwise it is created without a search.
	Search bool
}

// OpenTicket opens a ticket for the contact.
type OpenTicket struct {
	Contact
	// Create says to create a contact that is not there; otherwise the event dies.
	Create bool
	// Subject of the ticket; "" for none.
	Subject string
	// Referenced says that the subject ends with a reference to the event.
	Referenced bool
}

func (SaveContact) isStep() {}
func (OpenTicket) isStep()  {}

// Contact is what an event says about whom it concerns.
type Contact struct {
	// ID is the contact's id in Trengo, a number or a text as the event has it; absent
	// if the event does not name it. Then Identifier is not empty.
	ID mapping.Value
	// Kind and Identifier are the address, in the form in which it is searched and created.
	Kind       Identifier
	Identifier string
	// Name is what the event says the contact is called, one line without outer blanks;
	// "" for nothing.
	Name string
	// Channel is the id of the target channel, a number or a text; absent for none.
	Channel mapping.Value
}

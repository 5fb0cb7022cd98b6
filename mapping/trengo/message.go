package trengo

import (
	"strings"
	"unicode"

	"github.com/deskstream/deskstream/mapping"
)

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
	// Search tells to look for the contact first, and to update it when it is there.
	// Otherwise it is created without a search.
	Search bool
}

// OpenTicket opens a ticket for the contact.
type OpenTicket struct {
	Contact
	// Create tells to create a contact that is not there; otherwise the event is dead of it.
	Create bool
	// Subject of the ticket; "" for none.
	Subject string
}

func (SaveContact) isStep() {}
func (OpenTicket) isStep()  {}

// Contact is what an event says about whom it concerns.
type Contact struct {
	// ID is the contact's id in Trengo, a number or a text as the event has it; absent
	// if the event does not name it. Then Identifier is not empty.
	ID mapping.Value
	// Kind and Identifier are the address, as the event writes it.
	Kind       Identifier
	Identifier string
	// Name is what the event says the contact is called; "" for nothing.
	Name string
	// Channel is the id of the target channel, a number or a text; absent for none.
	Channel mapping.Value
}

// Normal is the form in which two identifiers of this kind are the same: an e-mail
// address trimmed and case-folded, a phone number's digits. It is "" for what
// cannot be one: a phone number without a digit, or with an at sign.
func (k Identifier) Normal(identifier string) string {
	if k == Phone {
		if strings.Contains(identifier, "@") {
			return ""
		}
		return strings.Map(digit, identifier)
	}
	return strings.Map(fold, strings.TrimSpace(identifier))
}

func digit(r rune) rune {
	if r < '0' || r > '9' {
		return -1
	}
	return r
}

// fold gives the least of the characters that differ from r by case only. Lower case
// would not do: it makes one letter of some that are two.
func fold(r rune) rune {
	least := r
	for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
		least = min(least, other)
	}
	return least
}

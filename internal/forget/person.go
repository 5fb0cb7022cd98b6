package forget

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/deskstream/deskstream/mapping/unified"
)

// person is whom to forget, as one help desk knows them.
type person struct {
	// id is what the caller knows them by, contact their id at this desk if that says it.
	id, contact string
	// theirs are the ids of what is theirs, found the records of it.
	theirs map[unified.Entity]map[string]bool
	found  map[unified.Entity]records
	// accountOf is the account of each contact of the desk, others those of somebody else's.
	accountOf map[string]string
	others    map[string]bool
}

// newPerson returns a person of whom the desk's id is known if id is <destination>/contact/<id>, the key
// of their events.
func newPerson(id, destination string) *person {
	p := &person{id: id, theirs: make(map[unified.Entity]map[string]bool), found: make(map[unified.Entity]records), accountOf: make(map[string]string), others: make(map[string]bool)}
	p.contact, _ = strings.CutPrefix(id, destination+"/contact/")
	if p.contact == id {
		p.contact = ""
	}
	p.add(unified.Contacts, p.contact)
	return p
}

func (p *person) add(e unified.Entity, id string) {
	if p.theirs[e] == nil {
		p.theirs[e] = make(map[string]bool)
	}
	if id != "" {
		p.theirs[e][id] = true
	}
}

// order is the order in which topics are read: each kind is recognised by those before it.
func order() []unified.Entity {
	return []unified.Entity{unified.Contacts, unified.Accounts, unified.Tickets, unified.Comments, unified.Attachments, unified.Objects}
}

// traces are the members of the objects that lead to a person.
type traces struct {
	AccountID   string            `json:"account_id"`
	ContactID   string            `json:"contact_id"`
	TicketID    string            `json:"ticket_id"`
	CommentID   string            `json:"comment_id"`
	ExternalIDs []string          `json:"external_ids"`
	Emails      []unified.Address `json:"emails"`
	Author      unified.Actor     `json:"author"`
}

// owns reports whether an object is the person's.
func (p *person) owns(e unified.Entity, id string, t traces) bool {
	of, byContact := p.theirs, p.theirs[unified.Contacts][t.ContactID]
	switch e { //nolint:exhaustive // others are by their contact
	case unified.Contacts:
		return p.is(id, t)
	case unified.Accounts:
		return of[unified.Accounts][id] && !p.others[id]
	case unified.Comments:
		return byContact || of[unified.Tickets][t.TicketID] || t.Author.Type == unified.ActorContact && of[unified.Contacts][t.Author.ID]
	case unified.Attachments:
		return of[unified.Tickets][t.TicketID] || of[unified.Comments][t.CommentID]
	}
	return byContact
}

// is reports whether a contact is the person: by the desk's id, an id of the owner's own systems, or an
// e-mail address, whatever its case.
func (p *person) is(contact string, t traces) bool {
	return contact != "" && contact == p.contact || slices.Contains(t.ExternalIDs, p.id) ||
		slices.ContainsFunc(t.Emails, func(a unified.Address) bool { return strings.EqualFold(a.Value, p.id) })
}

// event is what an event tells of persons.
type event struct {
	Destination string `json:"destination"`
	Ticket      traces `json:"ticket"`
	Comment     traces `json:"comment"`
	Contact     struct {
		ID string `json:"id"`
		traces
	} `json:"contact"`
}

// did reports whether an event with this key is the person's.
func (p *person) did(key string, e event) bool {
	contacts := p.theirs[unified.Contacts]
	if contacts[e.Contact.ID] || contacts[e.Ticket.ContactID] || contacts[e.Comment.ContactID] || p.is(e.Contact.ID, e.Contact.traces) {
		return true
	}
	of, isOfTicket := strings.CutPrefix(key, e.Destination+"/ticket/")
	return isOfTicket && p.theirs[unified.Tickets][of]
}

// learn takes in whose the objects on a topic are.
func (p *person) learn(e unified.Entity, found records) {
	p.found[e] = found
	for at := range found {
		p.add(e, at.key)
	}
	if e != unified.Contacts {
		return
	}
	for contact, account := range p.accountOf {
		if p.theirs[unified.Contacts][contact] {
			p.add(unified.Accounts, account)
		} else {
			p.others[account] = true
		}
	}
}

// decode reads what leads to a person; ok is false for what is no JSON object.
func decode(value []byte, into any) (ok bool) {
	return json.Unmarshal(value, into) == nil
}

package export

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/mapping/unified"
)

// changes writes events for what a desk has no webhook for.
type changes struct {
	topic string
	store *store
	// sent are the types that the desk sends itself.
	sent map[unified.Type]bool
}

// kinds are the types of events of an entity: for a new object and for a changed one, "" for none.
var kinds = map[unified.Entity][2]unified.Type{
	unified.Contacts: {unified.ContactCreated, unified.ContactUpdated},
	unified.Users:    {unified.UserCreated, unified.UserUpdated},
	unified.Teams:    {unified.TeamCreated, unified.TeamUpdated},
	unified.Labels:   {unified.LabelCreated, unified.LabelUpdated},
	unified.Tickets:  {unified.TicketCreated, ""},
}

// tell writes the events of objects that are new or have changed, before they are written: a walk
// that ends in between writes them again, with the same ids. tells is false for the first walk of a
// list, to which everything is new.
func (c *changes) tell(ctx context.Context, e unified.Entity, tells bool, list []object, k known) error {
	var records []*kgo.Record
	for _, o := range list {
		before, there := k[o.id]
		if !tells || there && before.model == o.model {
			continue
		}
		kind := kindOf(e, o, there)
		if kind == "" || c.sent[kind] {
			continue
		}
		event := c.event(kind, e, o)
		value, err := unified.EncodeEvent(&event)
		if err != nil {
			return err
		}
		records = append(records, &kgo.Record{Topic: c.topic, Key: []byte(event.Key()), Value: value})
	}
	if len(records) == 0 {
		return nil
	}
	return c.store.write(ctx, records...)
}

func kindOf(e unified.Entity, o object, there bool) unified.Type {
	if comment, ok := o.Object.(*unified.Comment); ok && comment.Kind == unified.KindNote && !there {
		return unified.NoteCreated
	}
	if there {
		return kinds[e][1]
	}
	return kinds[e][0]
}

// event is what tells of an object. Its id is the same whenever the object is found in this form.
func (c *changes) event(kind unified.Type, e unified.Entity, o object) unified.Event {
	meta := *o.Head()
	sum := sha256.Sum256(fmt.Appendf(nil, "export\x00%s\x00%s\x00%s\x00%s", meta.Destination, e, o.id, strconv.FormatUint(o.model, 16)))
	event := unified.Event{
		Schema: unified.Version, Type: kind, ID: hex.EncodeToString(sum[:16]), At: meta.UpdatedAt,
		Desk: meta.Desk, Destination: meta.Destination, DeskEvent: "export", Raw: meta.Raw,
	}
	if kind == unified.TicketCreated || event.At == "" {
		event.At = meta.CreatedAt
	}
	if event.At == "" {
		event.At = unified.At(time.Now())
	}
	if event.Raw == nil {
		event.Raw = unified.Raw("{}")
	}
	meta.Raw = nil // the event has it
	switch of := o.Object.(type) {
	case *unified.Contact:
		contact := *of
		contact.Meta, event.Contact = meta, &contact
	case *unified.User:
		user := *of
		user.Meta, event.User = meta, &user
	case *unified.Team:
		team := *of
		team.Meta, event.Team = meta, &team
	case *unified.Label:
		label := *of
		label.Meta, event.Label = meta, &label
	case *unified.Ticket:
		ticket := *of
		ticket.Meta, event.Ticket = meta, &ticket
	case *unified.Comment:
		comment := *of
		comment.Meta, event.Comment = meta, &comment
	}
	return event
}

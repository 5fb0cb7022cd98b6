package trengo

import (
	"context"
	"errors"

	"github.com/deskstream/deskstream/mapping/trengo/inbound"
	"github.com/deskstream/deskstream/mapping/unified"
	"github.com/deskstream/deskstream/sink"
)

// errNoID is a webhook whose id is none that the desk gives.
var errNoID = errors.New("the id is not one of the desk's")

// enrich implements desk.Inbound's Enrich. A ticket is shown with its contact, so one call does.
func enrich(r *inbound.Reader) func(context.Context, sink.Doer, *unified.Event) error {
	objects := r.Objects()
	return func(ctx context.Context, do sink.Doer, e *unified.Event) error {
		if e.Ticket != nil && e.Ticket.ID != "" {
			reply, err := get(ctx, do, "tickets", e.Ticket.ID)
			if err != nil {
				return err
			}
			ticket, err := objects[unified.Tickets](reply.Body)
			if err != nil {
				return err
			}
			e.Ticket = ticket.(*unified.Ticket)
			inner := reply.JSON().Get("contact")
			if contact, err := objects[unified.Contacts](inner.AppendJSON(nil)); err == nil {
				e.Contact = contact.(*unified.Contact)
				return nil
			}
		}
		id := ""
		switch {
		case e.Ticket != nil && e.Ticket.ContactID != "":
			id = e.Ticket.ContactID
		case e.Contact != nil:
			id = e.Contact.ID
		}
		if id == "" {
			return nil
		}
		reply, err := get(ctx, do, "contacts", id)
		if err != nil {
			return err
		}
		contact, err := objects[unified.Contacts](reply.Body)
		if err == nil {
			e.Contact = contact.(*unified.Contact)
		}
		return err
	}
}

func get(ctx context.Context, do sink.Doer, list, id string) (sink.Reply, error) {
	if !unified.IsPlainID(id) {
		return sink.Reply{}, errNoID
	}
	return do.Do(ctx, sink.Lookup("GET /"+list+"/{id}", "/"+list+"/"+id))
}

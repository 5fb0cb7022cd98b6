package kustomer

import (
	"context"
	"errors"

	"github.com/deskstream/deskstream/mapping/kustomer/inbound"
	"github.com/deskstream/deskstream/mapping/unified"
	"github.com/deskstream/deskstream/sink"
)

// errNoID is a webhook whose id is none that the desk gives.
var errNoID = errors.New("the id is not one of the desk's")

// enrich implements desk.Inbound's Enrich. A webhook holds the whole object that it is about, so
// only others are asked for.
func enrich(r *inbound.Reader) func(context.Context, sink.Doer, *unified.Event) error {
	objects := r.Objects()
	return func(ctx context.Context, do sink.Doer, e *unified.Event) error {
		if e.Ticket != nil && e.Comment != nil {
			reply, err := get(ctx, do, "conversations", e.Ticket.ID)
			if err != nil {
				return err
			}
			ticket, err := objects[unified.Tickets](reply.Body)
			if err != nil {
				return err
			}
			e.Ticket = ticket.(*unified.Ticket)
		}
		if e.Ticket == nil || e.Contact == nil {
			return nil
		}
		reply, err := get(ctx, do, "customers", e.Contact.ID)
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
	return do.Do(ctx, sink.Lookup("GET /v1/"+list+"/{id}", "/v1/"+list+"/"+id))
}

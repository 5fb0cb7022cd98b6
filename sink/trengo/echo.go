package trengo

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/deskstream/deskstream/mapping/unified"
	"github.com/deskstream/deskstream/sink"
)

// Echo returns the events that a write comes back as: by webhook, or from an export for tickets that
// are opened and contacts (vendor documentation, webhooks).
func Echo(call sink.Call, reply *sink.Reply) []sink.Echo {
	path := strings.Split(strings.Trim(call.Path, "/"), "/")
	answer := reply.JSON()
	switch {
	case len(path) == 1 && path[0] == "tickets":
		return []sink.Echo{echoOf(contactID(answer), unified.TicketCreated)}
	case len(path) >= 3 && path[0] == "tickets":
		e := echoOf(path[1], ofTicket(call, path[2])...)
		e.Label = labelOf(call, path[2:])
		if path[2] == "messages" {
			e.Comment = contactID(answer.Get("message"))
		}
		return []sink.Echo{e}
	case len(path) == 1 && (path[0] == "messages" || path[0] == "wa_sessions"):
		return sent(call, reply)
	case len(path) == 3 && path[0] == "channels" && path[2] == "contacts":
		return []sink.Echo{echoOf(contactID(answer), unified.ContactCreated, unified.ContactUpdated)}
	case len(path) >= 2 && path[0] == "contacts":
		return []sink.Echo{echoOf(path[1], unified.ContactUpdated)}
	}
	return nil
}

func echoOf(id string, types ...unified.Type) sink.Echo {
	e := sink.Echo{ID: id}
	for _, t := range types {
		e.Types = append(e.Types, string(t))
	}
	return e
}

// sent is what a message comes back as that names no ticket in its path: itself, and the ticket that it
// may have opened, which is told of as well. A message into a ticket opens none.
func sent(call sink.Call, reply *sink.Reply) []sink.Echo {
	made := reply.JSON().Get("message")
	into := scalar(call.Body.Get("ticket_id"))
	message := echoOf(cmp.Or(scalar(made.Get("ticket_id")), into), unified.MessageOutbound)
	message.Comment = contactID(made)
	if into != "" {
		return []sink.Echo{message}
	}
	return []sink.Echo{message, echoOf(message.ID, unified.TicketCreated)}
}

// ofTicket are the types of event that a write below a ticket comes back as.
func ofTicket(call sink.Call, what string) []unified.Type {
	put := call.Method != http.MethodDelete
	switch {
	case what == "close":
		return []unified.Type{unified.TicketClosed}
	case what == "reopen":
		return []unified.Type{unified.TicketReopened}
	case what == "assign":
		return []unified.Type{unified.TicketAssigned}
	case what == "labels" && put:
		return []unified.Type{unified.TicketLabelled}
	case what == "labels":
		return []unified.Type{unified.TicketUnlabelled}
	case what == "spam" && put:
		return []unified.Type{unified.TicketSpam}
	case what == "spam":
		return []unified.Type{unified.TicketUnspam}
	case what == "messages" && call.Body.Get("internal_note").IsTrue():
		return []unified.Type{unified.NoteCreated}
	case what == "messages":
		return []unified.Type{unified.MessageOutbound}
	}
	return []unified.Type{unified.TicketUpdated}
}

// labelOf is the id of the label that a write below a ticket puts on or takes off, "" for none.
func labelOf(call sink.Call, below []string) string {
	switch {
	case below[0] != "labels":
		return ""
	case len(below) > 1:
		return below[1]
	}
	return scalar(call.Body.Get("label_id"))
}

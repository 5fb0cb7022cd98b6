package trengo

import (
	"net/http"
	"strings"

	"github.com/deskstream/deskstream/mapping/unified"
	"github.com/deskstream/deskstream/sink"
)

// Echo returns the event that a write comes back as: by webhook, or from an export for tickets that
// are opened and contacts (vendor documentation, webhooks).
func Echo(call sink.Call, reply *sink.Reply) (sink.Echo, bool) {
	path := strings.Split(strings.Trim(call.Path, "/"), "/")
	echo := func(id string, types ...unified.Type) (sink.Echo, bool) {
		e := sink.Echo{ID: id}
		for _, t := range types {
			e.Types = append(e.Types, string(t))
		}
		return e, id != ""
	}
	answer := reply.JSON()
	switch {
	case len(path) == 1 && path[0] == "tickets":
		return echo(contactID(answer), unified.TicketCreated)
	case len(path) >= 3 && path[0] == "tickets":
		e, ok := echo(path[1], ofTicket(call, path[2])...)
		e.Label = labelOf(call, path[2:])
		return e, ok
	case len(path) == 1 && path[0] == "messages", len(path) == 1 && path[0] == "wa_sessions":
		return echo(scalar(answer.Get("message", "ticket_id")), unified.MessageOutbound, unified.TicketCreated)
	case len(path) == 3 && path[0] == "channels" && path[2] == "contacts":
		return echo(contactID(answer), unified.ContactCreated, unified.ContactUpdated)
	case len(path) >= 2 && path[0] == "contacts":
		return echo(path[1], unified.ContactUpdated)
	}
	return sink.Echo{}, false
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

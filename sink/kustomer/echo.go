package kustomer

import (
	"context"
	"net/http"
	"strings"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/unified"
	"github.com/deskstream/deskstream/sink"
)

// Echo returns what a write comes back as: by webhook, notes by an export. An update of a conversation
// is told by what it changed, of which the answer says nothing: so all that its body may have changed counts.
func Echo(call sink.Call, reply *sink.Reply) []sink.Echo {
	path := strings.Split(strings.Trim(call.Path, "/"), "/")
	if len(path) < 2 || path[0] != "v1" {
		return nil
	}
	kind, of := path[1], ""
	if len(path) > 2 {
		of = path[2]
	}
	below := ""
	if len(path) > 3 {
		below = path[3]
	}
	made := pathID(reply.JSON().Get("data", "id"))
	switch {
	case kind == "conversations" && of == "", kind == "customers" && below == "conversations":
		return echoOf(made, unified.TicketCreated)
	case kind == "conversations" && below == "tags" && call.Method == http.MethodDelete:
		return echoOf(of, unified.TicketUnlabelled, unified.TicketUpdated)
	case kind == "conversations" && below == "tags":
		return echoOf(of, unified.TicketLabelled, unified.TicketUpdated)
	case kind == "conversations" && below == "notes":
		return echoOf(of, unified.NoteCreated)
	case kind == "conversations" && below == "messages":
		return echoOf(of, unified.MessageOutbound, unified.MessageInbound)
	case kind == "conversations" && below == "":
		return echoOf(of, changedBy(call.Body)...)
	case kind == "customers" && of == "":
		return echoOf(made, unified.ContactCreated)
	case kind == "customers" && below == "":
		return echoOf(of, unified.ContactUpdated)
	}
	return nil
}

func echoOf(id string, types ...unified.Type) []sink.Echo {
	e := sink.Echo{ID: id}
	for _, t := range types {
		e.Types = append(e.Types, string(t))
	}
	return []sink.Echo{e}
}

// changedBy are the types of event that an update of a conversation may come back as.
func changedBy(body mapping.Value) []unified.Type {
	types := []unified.Type{unified.TicketUpdated}
	add := func(member string, more ...unified.Type) {
		if body.Get(member).Kind() != mapping.Absent {
			types = append(types, more...)
		}
	}
	if body.Get("status").Str() == statusDone {
		add("status", unified.TicketClosed)
	} else {
		add("status", unified.TicketReopened)
	}
	add("assignedUsers", unified.TicketAssigned)
	add("assignedTeams", unified.TicketAssigned)
	add("tags", unified.TicketLabelled, unified.TicketUnlabelled)
	return types
}

// Self returns the id of the user whose key is used. Vendor: GET /v1/users/current.
func Self(ctx context.Context, do sink.Doer) (string, error) {
	reply, err := do.Do(ctx, sink.Lookup("GET /v1/users/current", "/v1/users/current"))
	if err != nil {
		return "", err
	}
	return pathID(reply.JSON().Get("data", "id")), nil
}

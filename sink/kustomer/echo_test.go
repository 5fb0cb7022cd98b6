package kustomer_test

import (
	"cmp"
	"net/http"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/kustomer"
)

func TestEcho(t *testing.T) {
	for _, tt := range []struct{ method, path, body, answer, want string }{
		{"POST", "/v1/customers/a/conversations", `{}`, `{"data":{"id":"c"}}`, "c ticket.created"},
		{"POST", "/v1/conversations", `{}`, `{"data":{"id":"c"}}`, "c ticket.created"},
		{"POST", "/v1/conversations", `{}`, ``, "? ticket.created"},
		{"PATCH", "/v1/conversations/c", `{"status":"done"}`, `{}`, "c ticket.updated ticket.closed"},
		{"PATCH", "/v1/conversations/c", `{"status":"open","assignedTeams":["t"]}`, `{}`, "c ticket.updated ticket.reopened ticket.assigned"},
		{"PATCH", "/v1/conversations/c", `{"priority":5}`, `{}`, "c ticket.updated"},
		{"PUT", "/v1/conversations/c", `{"tags":[]}`, `{}`, "c ticket.updated ticket.labelled ticket.unlabelled"},
		{"POST", "/v1/conversations/c/tags", `["t"]`, `{}`, "c ticket.labelled ticket.updated"},
		{"DELETE", "/v1/conversations/c/tags", `["t"]`, `{}`, "c ticket.unlabelled ticket.updated"},
		{"POST", "/v1/conversations/c/notes", `{}`, `{}`, "c note.created"},
		{"POST", "/v1/conversations/c/messages", `{}`, `{}`, "c message.outbound message.inbound"},
		{"POST", "/v1/customers", `{}`, `{"data":{"id":"a"}}`, "a contact.created"},
		{"PUT", "/v1/customers/a", `{}`, `{}`, "a contact.updated"},
		{"POST", "/v1/companies", `{}`, `{"data":{"id":"x"}}`, ""},
	} {
		body, _ := mapping.ParseJSON([]byte(tt.body)) // absent for none
		var got []string
		for _, e := range kustomer.Echo(sink.Call{Method: tt.method, Path: tt.path, Body: body}, &sink.Reply{Status: http.StatusOK, Body: []byte(tt.answer)}) {
			got = append(got, strings.Join(append([]string{cmp.Or(e.ID, "?")}, e.Types...), " "))
		}
		if got := strings.Join(got, ", "); got != tt.want {
			t.Errorf("%s %s comes back as %q, want %q", tt.method, tt.path, got, tt.want)
		}
	}
}

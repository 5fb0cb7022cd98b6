package trengo_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/trengo"
)

func TestEcho(t *testing.T) {
	for _, tt := range []struct{ method, path, body, answer, want string }{
		{"POST", "/tickets", `{}`, `{"id":42}`, "42 ticket.created"},
		{"POST", "/tickets", `{}`, ``, ""},
		{"POST", "/tickets/42/close", `{}`, `{}`, "42 ticket.closed"},
		{"POST", "/tickets/42/reopen", `{}`, `{}`, "42 ticket.reopened"},
		{"POST", "/tickets/42/assign", `{}`, `{}`, "42 ticket.assigned"},
		{"POST", "/tickets/42/labels", `{"label_id":1}`, `{}`, "42 ticket.labelled label 1"},
		{"DELETE", "/tickets/42/labels/1", ``, `{}`, "42 ticket.unlabelled label 1"},
		{"POST", "/tickets/42/spam", ``, `{}`, "42 ticket.spam"},
		{"DELETE", "/tickets/42/spam", ``, `{}`, "42 ticket.unspam"},
		{"POST", "/tickets/42/messages", `{"message":"x","internal_note":true}`, `{}`, "42 note.created"},
		{"POST", "/tickets/42/messages", `{"message":"x"}`, `{}`, "42 message.outbound"},
		{"POST", "/tickets/42/custom_fields", `{}`, `{}`, "42 ticket.updated"},
		{"POST", "/wa_sessions", `{}`, `{"message":{"ticket_id":42}}`, "42 message.outbound ticket.created"},
		{"POST", "/channels/1/contacts", `{}`, `{"id":7}`, "7 contact.created contact.updated"},
		{"PUT", "/contacts/7", `{}`, `{}`, "7 contact.updated"},
		{"POST", "/labels", `{}`, `{"id":1}`, ""},
	} {
		body, _ := mapping.ParseJSON([]byte(tt.body)) // absent for none
		e, ok := trengo.Echo(sink.Call{Method: tt.method, Path: tt.path, Body: body}, &sink.Reply{Status: http.StatusOK, Body: []byte(tt.answer)})
		if e.Label != "" {
			e.Types = append(e.Types, "label", e.Label)
		}
		if got := strings.Join(append([]string{e.ID}, e.Types...), " "); ok != (tt.want != "") || ok && got != tt.want {
			t.Errorf("%s %s comes back as %q, %v, want %q", tt.method, tt.path, got, ok, tt.want)
		}
	}
}

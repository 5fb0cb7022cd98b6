package trengo_test

import (
	"cmp"
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
		{"POST", "/tickets", `{}`, ``, "? ticket.created"},
		{"POST", "/tickets/42/close", `{}`, `{}`, "42 ticket.closed"},
		{"POST", "/tickets/42/reopen", `{}`, `{}`, "42 ticket.reopened"},
		{"POST", "/tickets/42/assign", `{}`, `{}`, "42 ticket.assigned"},
		{"POST", "/tickets/42/labels", `{"label_id":1}`, `{}`, "42 ticket.labelled label 1"},
		{"DELETE", "/tickets/42/labels/1", ``, `{}`, "42 ticket.unlabelled label 1"},
		{"POST", "/tickets/42/spam", ``, `{}`, "42 ticket.spam"},
		{"DELETE", "/tickets/42/spam", ``, `{}`, "42 ticket.unspam"},
		{"POST", "/tickets/42/messages", `{"message":"x","internal_note":true}`, `{}`, "42 note.created"},
		{"POST", "/tickets/42/messages", `{"message":"x","internal_note":true}`, `{"message":{"id":5100000001}}`, "42 note.created comment 5100000001"},
		{"POST", "/tickets/42/messages", `{"message":"x"}`, `{}`, "42 message.outbound"},
		{"POST", "/tickets/42/messages", `{"message":"x"}`, `{"message":{"id":"5"}}`, "42 message.outbound comment 5"},
		{"POST", "/tickets/42/custom_fields", `{}`, `{}`, "42 ticket.updated"},
		{"POST", "/wa_sessions", `{}`, `{"message":{"ticket_id":42}}`, "42 message.outbound, 42 ticket.created"},
		{"POST", "/wa_sessions", `{}`, `{"message":{"id":5,"ticket_id":42}}`, "42 message.outbound comment 5, 42 ticket.created"},
		{"POST", "/wa_sessions", `{"ticket_id":"42"}`, `{"message":{}}`, "42 message.outbound"},
		{"POST", "/wa_sessions", `{}`, ``, "? message.outbound, ? ticket.created"},
		{"POST", "/messages", `{}`, `{"message":{"ticket_id":42}}`, "42 message.outbound, 42 ticket.created"},
		{"POST", "/channels/1/contacts", `{}`, `{"id":7}`, "7 contact.created contact.updated"},
		{"PUT", "/contacts/7", `{}`, `{}`, "7 contact.updated"},
		{"POST", "/labels", `{}`, `{"id":1}`, ""},
	} {
		body, _ := mapping.ParseJSON([]byte(tt.body)) // absent for none
		var got []string
		for _, e := range trengo.Echo(sink.Call{Method: tt.method, Path: tt.path, Body: body}, &sink.Reply{Status: http.StatusOK, Body: []byte(tt.answer)}) {
			words := append([]string{cmp.Or(e.ID, "?")}, e.Types...)
			if e.Label != "" {
				words = append(words, "label", e.Label)
			}
			if e.Comment != "" {
				words = append(words, "comment", e.Comment)
			}
			got = append(got, strings.Join(words, " "))
		}
		if got := strings.Join(got, ", "); got != tt.want {
			t.Errorf("%s %s comes back as %q, want %q", tt.method, tt.path, got, tt.want)
		}
	}
}

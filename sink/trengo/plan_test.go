package trengo_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/rules"
	mapped "github.com/deskstream/deskstream/mapping/trengo"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/trengo"
)

// A plan shows every write, with placeholders for what is not there yet, and asks for nothing that
// cannot be.
func TestAct_aPlanOfANewContact(t *testing.T) {
	nora := mapped.Contact{Kind: mapped.Email, Identifier: "nora@example.test", Channel: mapping.Str("123456")}
	d := actions(
		rules.SaveContact{Create: true}, rules.JoinGroups{Names: []string{"VIP"}}, rules.SetProfile{Name: "Acme"}, rules.NoteContact{Text: "pays late"},
		rules.UseTicket{Find: rules.ByNewest, Open: rules.OpenOnce}, rules.Note{Text: "Card declined"}, rules.Message{Text: "5 < 6"}, rules.SendMessage{Text: "Hello"},
	)
	for name, plan := range map[string]sink.Plan{"with lookups": sink.PlanWithLookup, "offline": sink.PlanOffline} {
		onStub(t, name, func(s *scene) {
			dest := s.destination()
			defer dest.Close()
			o, err := s.deliver(dest.PlanSession(s.t.Context(), plan, nil), trengo.Actions{Contact: nora, Decision: d})
			if err != nil || o.Outcome != sink.Planned {
				s.t.Fatalf("%s, %v", verdictOf(o), err)
			}
			var writes []string
			for _, call := range o.Calls {
				if call.Lookup {
					continue
				}
				shown, _ := url.PathUnescape(strings.TrimPrefix(call.URL, "http://desk.example"))
				writes = append(writes, call.Method+" "+shown)
			}
			if diff := cmp.Diff([]string{
				"POST /channels/123456/contacts", "PUT /contacts/<id of the contact>", "POST /profiles", "POST /profiles/<id of the profile>/contacts",
				"POST /contacts/<id of the contact>/notes", "POST /tickets", "POST /tickets/<id of the ticket>/messages", "POST /tickets/<id of the ticket>/messages",
				"POST /messages",
			}, writes); diff != "" {
				s.t.Errorf("writes (-want +got):\n%s", diff)
			}
			for _, call := range s.wire.calls {
				if !strings.HasPrefix(call, "GET ") || strings.Contains(call, "%3C") {
					s.t.Errorf("it called %s", call)
				}
			}
		})
	}
}

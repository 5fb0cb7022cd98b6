package trengo_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/stub"
	"github.com/deskstream/deskstream/internal/stub/trengo"
)

// namesIn are the names in a list.
func namesIn(list any) (names []string) {
	for _, e := range list.([]any) {
		names = append(names, e.(map[string]any)["name"].(string))
	}
	return names
}

func TestTrengo_contactsHaveGroupsAndProfiles(t *testing.T) {
	s := stub.New(stub.Config{}, trengo.New(nil))
	contact := handled(t, s, "POST", "/channels/123456/contacts", `{"identifier":"ada@example.test","name":"Ada"}`)["id"]
	path := fmt.Sprintf("/contacts/%v", contact)
	for body, want := range map[string][]string{
		`{"contact_group_ids":[7001,7002]}`: {"VIP", "Wholesale"}, `{"contact_group_ids":[7002]}`: {"Wholesale"}, `{"contact_group_ids":[]}`: nil,
	} {
		handled(t, s, "PUT", path, body)
		shown := handled(t, s, "GET", path, "")
		if diff := cmp.Diff(want, namesIn(shown["groups"])); diff != "" || shown["name"] != "Ada" {
			t.Errorf("%s: name %v, groups (-want +got):\n%s", body, shown["name"], diff)
		}
	}

	handled(t, s, "POST", "/profiles", `{"name":"Acme Ltd"}`)
	acme := handled(t, s, "POST", "/profiles", `{"name":"Acme"}`)
	for term, want := range map[string][]string{"acme": {"Acme Ltd", "Acme"}, "ltd": {"Acme Ltd"}, "x": nil} {
		if diff := cmp.Diff(want, namesIn(handled(t, s, "GET", "/profiles?term="+term, "")["data"])); diff != "" {
			t.Errorf("profiles for %s (-want +got):\n%s", term, diff)
		}
	}
	profile := fmt.Sprintf("/profiles/%v", acme["id"])
	if shown := handled(t, s, "GET", profile, ""); shown["name"] != "Acme" {
		t.Errorf("the profile is %v", shown)
	}
	for range 2 {
		handled(t, s, "POST", profile+"/contacts", fmt.Sprintf(`{"contact_id":%v,"type":"EMAIL"}`, contact))
	}
	if diff := cmp.Diff([]string{"Acme"}, namesIn(handled(t, s, "GET", path, "")["profile"])); diff != "" {
		t.Errorf("profiles of the contact (-want +got):\n%s", diff)
	}
}

func TestTrengo_messagesWithoutATicket(t *testing.T) {
	s := stub.New(stub.Config{}, trengo.New(nil))
	handled(t, s, "POST", "/messages", `{"channel_id":123456,"contact_identifier":"ada@example.test","contact_name":"Ada","message":"Hello","email_subject":"Hi"}`)
	if made := s.Desk(trengo.Name).Tickets(); len(made) != 0 {
		t.Errorf("tickets %+v", made)
	}
	if diff := cmp.Diff([]string{"Ada"}, namesIn(handled(t, s, "GET", "/contacts", "")["data"])); diff != "" {
		t.Errorf("contacts (-want +got):\n%s", diff)
	}
	// A template to a number opens a ticket each time, one with a ticket stays in it.
	var tickets []any
	for range 2 {
		said := handled(t, s, "POST", "/wa_sessions", `{"hsm_id":81,"recipient_phone_number":"+31612345678","params":[{"type":"body","key":"{{1}}","value":"A-7"}]}`)
		tickets = append(tickets, said["message"].(map[string]any)["ticket_id"])
	}
	handled(t, s, "POST", "/wa_sessions", fmt.Sprintf(`{"hsm_id":82,"ticket_id":%v}`, tickets[0]))
	if made := s.Desk(trengo.Name).Tickets(); len(made) != 2 || tickets[0] == tickets[1] {
		t.Errorf("tickets %v: %+v", tickets, made)
	}
	var texts []string
	for _, m := range handled(t, s, "GET", fmt.Sprintf("/tickets/%v/messages", tickets[0]), "")["data"].([]any) {
		texts = append(texts, m.(map[string]any)["message"].(string))
	}
	if diff := cmp.Diff([]string{"Template 82", "Template 81 {{1}}=A-7"}, texts); diff != "" {
		t.Errorf("texts (-want +got):\n%s", diff)
	}
}

func TestTrengo_refusesProfilesAndMessages(t *testing.T) {
	d := serve(t, stub.Config{})
	ada := d.Call("POST", api+"/channels/123456/contacts", `{"identifier":"ada@example.test"}`).JSON(t)["id"]
	mail := d.Call("POST", api+"/tickets", fmt.Sprintf(`{"contact_id":%v,"channel_id":123456}`, ada)).JSON(t)["id"]
	profile := fmt.Sprintf("%s/profiles/%v", api, d.Call("POST", api+"/profiles", `{"name":"Acme"}`).JSON(t)["id"])
	contact := fmt.Sprintf("%s/contacts/%v", api, ada)
	d.expect([]refusal{
		{Name: "unknown group", Method: "PUT", Path: contact, Body: `{"contact_group_ids":[1]}`, Status: 422},
		{Name: "groups that are no list", Method: "PUT", Path: contact, Body: `{"contact_group_ids":7001}`, Status: 422},
		{Name: "profile without a name", Method: "POST", Path: api + "/profiles", Body: `{"name":" "}`, Status: 422},
		{Name: "no profile", Method: "GET", Path: api + "/profiles/1", Status: 404},
		{Name: "to no profile", Method: "POST", Path: api + "/profiles/1/contacts", Body: fmt.Sprintf(`{"contact_id":%v,"type":"EMAIL"}`, ada), Status: 404},
		{Name: "no contact to a profile", Method: "POST", Path: profile + "/contacts", Body: `{"contact_id":1,"type":"EMAIL"}`, Status: 422},
		{Name: "another type", Method: "POST", Path: profile + "/contacts", Body: fmt.Sprintf(`{"contact_id":%v,"type":"SMS"}`, ada), Status: 422},
		{Name: "to no channel", Method: "POST", Path: api + "/messages", Body: `{"channel_id":1,"contact_identifier":"a@b.test","message":"x"}`, Status: 422},
		{Name: "to nobody", Method: "POST", Path: api + "/messages", Body: `{"channel_id":123456,"message":"x"}`, Status: 422},
		{Name: "no message", Method: "POST", Path: api + "/messages", Body: `{"channel_id":123456,"contact_identifier":"a@b.test"}`, Status: 422},
		{Name: "free text on WhatsApp", Method: "POST", Path: api + "/messages", Body: `{"channel_id":123457,"contact_identifier":"+31612345678","message":"x"}`, Status: 422},
		{Name: "no template", Method: "POST", Path: api + "/wa_sessions", Body: `{"recipient_phone_number":"+31612345678"}`, Status: 422},
		{Name: "template to nobody", Method: "POST", Path: api + "/wa_sessions", Body: `{"hsm_id":81}`, Status: 422},
		{Name: "template by mail", Method: "POST", Path: api + "/wa_sessions", Body: fmt.Sprintf(`{"hsm_id":81,"ticket_id":%v}`, mail), Status: 422},
	})
}

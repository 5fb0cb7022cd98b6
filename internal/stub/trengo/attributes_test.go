package trengo_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/stub"
	"github.com/deskstream/deskstream/internal/stub/trengo"
)

func TestTrengo_ticketsHaveLabelsAndFields(t *testing.T) {
	s := stub.New(stub.Config{}, trengo.New(nil))
	path := fmt.Sprintf("/tickets/%v", newTicket(t, s, "ada@example.test")["id"])
	handled(t, s, "POST", path+"/labels", `{"label_id":4001}`)
	handled(t, s, "POST", path+"/labels", `{"label_id":4003}`)
	handled(t, s, "POST", path+"/labels", `{"label_id":4003}`)
	handled(t, s, "DELETE", path+"/labels/4001", "")
	handled(t, s, "DELETE", path+"/labels/4001", "")
	handled(t, s, "POST", path+"/custom_fields", `{"custom_field_id":5002,"value":"I-6"}`)
	handled(t, s, "POST", path+"/custom_fields", `{"custom_field_id":5002,"value":"I-7"}`)
	for _, shown := range []map[string]any{handled(t, s, "GET", path, ""), handled(t, s, "GET", "/tickets?labels[]=4003", "")["data"].([]any)[0].(map[string]any)} {
		want := map[string]any{"custom_data": map[string]any{"Invoice": "I-7"}}
		if diff := cmp.Diff(want, only(shown, "custom_data")); diff != "" {
			t.Errorf("fields (-want +got):\n%s", diff)
		}
		if got := ids(map[string]any{"data": shown["labels"]}); len(got) != 1 || fmt.Sprint(got[0]) != "4003" {
			t.Errorf("labels %v, want 4003 once", got)
		}
	}
	if got := ids(handled(t, s, "GET", path+"/labels", "")); len(got) != 1 {
		t.Errorf("labels %v, want one", got)
	}
	if got := ids(handled(t, s, "GET", "/tickets?labels[]=4001", "")); len(got) != 0 {
		t.Errorf("tickets %v of a label that was taken off", got)
	}
}

func TestTrengo_contactsHaveFieldsAndNotes(t *testing.T) {
	s := stub.New(stub.Config{}, trengo.New(nil))
	path := fmt.Sprintf("/contacts/%v", handled(t, s, "POST", "/channels/123456/contacts", `{"identifier":"ada@example.test"}`)["id"])
	handled(t, s, "POST", path+"/custom_fields", `{"custom_field_id":5001,"value":"pro"}`)
	made := handled(t, s, "POST", path+"/notes", `{"note":"calls on Mondays"}`)
	plain, noted := handled(t, s, "GET", path, ""), handled(t, s, "GET", path+"?include=notes", "")
	if diff := cmp.Diff(map[string]any{"custom_field_data": map[string]any{"Plan": "pro"}}, only(plain, "custom_field_data")); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	notes := noted["notes"].([]any)
	if _, ok := plain["notes"]; ok || len(notes) != 1 || made["body"] != "calls on Mondays" ||
		!cmp.Equal(only(notes[0].(map[string]any), "id", "body"), only(made, "id", "body")) {
		t.Errorf("made %v, listed %v, and without include %v", made, notes, plain["notes"])
	}
}

func TestTrengo_listsOfTheAccount(t *testing.T) {
	s := stub.New(stub.Config{}, trengo.New(nil))
	for path, want := range map[string]struct {
		entries int
		members string // of the page
	}{
		"/teams": {2, "data links meta"}, "/users": {3, "data links meta"}, "/custom_fields": {4, "data links meta"},
		"/ticket_results": {2, "data links meta"}, "/contact_groups": {2, "data links meta"}, "/labels": {4, "data links"}, "/channels": {2, "data"},
	} {
		page := handled(t, s, "GET", path, "")
		var members []string
		for _, name := range []string{"data", "links", "meta"} {
			if _, ok := page[name]; ok {
				members = append(members, name)
			}
		}
		if got := len(ids(page)); got != want.entries || strings.Join(members, " ") != want.members {
			t.Errorf("%s has %d entries in a page of %q, want %+v", path, got, members, want)
		}
		if meta, ok := page["meta"].(map[string]any); ok && fmt.Sprint(meta["last_page"]) != "1" {
			t.Errorf("%s has %v pages, want 1", path, meta["last_page"])
		}
	}
}

func TestTrengo_refusesWhatTheAccountDoesNotHave(t *testing.T) {
	d := serve(t, stub.Config{})
	ticket := d.Call("POST", api+"/channels/123456/contacts", `{"identifier":"ada@example.test"}`).JSON(t)
	contact := fmt.Sprintf("%s/contacts/%v", api, ticket["id"])
	made := d.Call("POST", api+"/tickets", fmt.Sprintf(`{"contact_id":%v,"channel_id":123456}`, ticket["id"])).JSON(t)
	path := fmt.Sprintf("%s/tickets/%v", api, made["id"])
	d.expect([]refusal{
		{Name: "unknown label", Method: "POST", Path: path + "/labels", Body: `{"label_id":1}`, Status: 422},
		{Name: "field of contacts", Method: "POST", Path: path + "/custom_fields", Body: `{"custom_field_id":5001,"value":"x"}`, Status: 422},
		{Name: "value that is no text", Method: "POST", Path: path + "/custom_fields", Body: `{"custom_field_id":5002,"value":1}`, Status: 422},
		{Name: "field of tickets", Method: "POST", Path: contact + "/custom_fields", Body: `{"custom_field_id":5002,"value":"x"}`, Status: 422},
		{Name: "empty note", Method: "POST", Path: contact + "/notes", Body: `{"note":" "}`, Status: 422},
		{Name: "label of no ticket", Method: "POST", Path: api + "/tickets/1/labels", Body: `{"label_id":4001}`, Status: 404},
		{Name: "note of no contact", Method: "POST", Path: api + "/contacts/1/notes", Body: `{"note":"x"}`, Status: 404},
	})
}

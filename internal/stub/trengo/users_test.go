package trengo_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/stub"
	"github.com/deskstream/deskstream/internal/stub/stubtest"
	"github.com/deskstream/deskstream/internal/stub/trengo"
)

// A token belongs to one user, who is the one that a new ticket is assigned to.
func TestTrengo_aTicketIsOfTheUserWhoseTokenMadeIt(t *testing.T) {
	d := serve(t, stub.Config{Tokens: []string{"secret"}, Users: map[string]int64{"agent": 8}})
	c := stubtest.Must(t, d.Call("POST", api+"/channels/123456/contacts", `{"identifier":"a@example.com"}`), 201)
	body := fmt.Sprintf(`{"contact_id":%v,"channel_id":"123456","subject":"Help"}`, c["id"])
	made := map[string]map[string]any{}
	for _, token := range []string{"secret", "agent"} {
		r, err := d.Try(token, "POST", api+"/tickets", body)
		if err != nil {
			t.Fatal(err)
		}
		made[token] = stubtest.Must(t, r, 201)
	}
	for token, want := range map[string]json.Number{"secret": "7", "agent": "8"} {
		id := made[token]["id"]
		row := stubtest.Must(t, d.Call("GET", fmt.Sprintf("%s/tickets?users[]=%s", api, want), ""), 200)
		if diff := cmp.Diff([]any{id}, ids(row)); diff != "" {
			t.Errorf("tickets of the user of %s: %s", token, diff)
		}
		whole := stubtest.Must(t, d.Call("GET", fmt.Sprintf("%s/tickets/%v", api, id), ""), 200)
		if made[token]["user_id"] != want || whole["user_id"] != want || whole["agent"].(map[string]any)["id"] != want {
			t.Errorf("%s made a ticket of %v, which shows %v", token, made[token]["user_id"], whole["user_id"])
		}
	}
	said, err := d.Try("agent", "POST", fmt.Sprintf("%s/tickets/%v/messages", api, made["secret"]["id"]), `{"message":"Hello"}`)
	if err != nil || stubtest.Must(t, said, 201)["message"].(map[string]any)["user_id"] != json.Number("8") {
		t.Errorf("a message of the agent is %s, %v", said.Body, err)
	}
	if r, err := d.Try("other", "GET", api+"/tickets", ""); err != nil || r.Status != http.StatusUnauthorized {
		t.Errorf("a token that nobody has is answered %d, %v", r.Status, err)
	}
}

func TestTrengo_assigningChangesWhoseATicketIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stub.New(stub.Config{}, trengo.New(nil))
		path := fmt.Sprintf("/tickets/%v", newTicket(t, s, "a@example.com")["id"])
		time.Sleep(time.Minute)
		for _, c := range []struct {
			body         string
			user, team   any
			state, after string
		}{
			{`{"type":"user","user_id":8}`, json.Number("8"), nil, "ASSIGNED", ""},
			{`{"type":"team","team_id":"3","note":"over to you"}`, nil, json.Number("3"), "OPEN", ""},
			{`{"type":"user","user_id":8,"team_id":3}`, json.Number("8"), nil, "ASSIGNED", "/close"},
			{`{"type":"user","user_id":9}`, json.Number("9"), nil, "CLOSED", ""},
		} {
			handled(t, s, "POST", path+"/assign", c.body)
			row := handled(t, s, "GET", "/tickets", "")["data"].([]any)[0].(map[string]any)
			want := map[string]any{"user_id": c.user, "team_id": c.team, "status": c.state, "assigned_at": "2000-01-01 01:01:00", "created_at": "2000-01-01 01:00:00"}
			if diff := cmp.Diff(want, only(row, "user_id", "team_id", "status", "assigned_at", "created_at")); diff != "" {
				t.Errorf("%s: %s", c.body, diff)
			}
			if c.after != "" {
				handled(t, s, "POST", path+c.after, "")
			}
		}
		messages := handled(t, s, "GET", path+"/messages", "")["data"].([]any)
		if len(messages) != 1 || messages[0].(map[string]any)["message"] != "over to you" || messages[0].(map[string]any)["type"] != "NOTE" {
			t.Errorf("the ticket's messages are %v, want the note", messages)
		}
	})
}

func TestTrengo_refusesToAssignToNobody(t *testing.T) {
	d := serve(t, stub.Config{})
	path := fmt.Sprintf("%s/tickets/%v/assign", api, newTicket(t, d.Server, "a@example.com")["id"])
	d.expect([]refusal{
		{"unknown ticket", "POST", api + "/tickets/1/assign", `{"type":"user","user_id":8}`, 404, `"message"`},
		{"no type", "POST", path, `{"user_id":8}`, 422, `"errors":["`},
		{"unknown type", "POST", path, `{"type":"queue","queue_id":8}`, 422, `"errors":["`},
		{"a team's id for a user", "POST", path, `{"type":"user","team_id":8}`, 422, `"errors":["`},
		{"name as id", "POST", path, `{"type":"team","team_id":"sales"}`, 422, `"errors":["`},
		{"id 0", "POST", path, `{"type":"team","team_id":0}`, 422, `"errors":["`},
		{"list as note", "POST", path, `{"type":"team","team_id":3,"note":["x"]}`, 422, `"errors":["`},
	})
}

func TestTrengo_pagesTheTicketsOfAContactBy25(t *testing.T) {
	d := serve(t, stub.Config{Limit: 150})
	contact := newTicket(t, d.Server, "a@example.com")["contact_id"]
	newTicket(t, d.Server, "b@example.com")
	for range 59 {
		newTicket(t, d.Server, "a@example.com")
	}
	seen := map[any]bool{}
	next := any(fmt.Sprintf("%s/tickets?contact_id=%v&per_page=1", api, contact))
	for _, want := range []int{25, 25, 10} {
		r := d.Call("GET", next.(string), "")
		page := stubtest.Must(t, r, 200)
		for _, id := range ids(page) {
			seen[id] = true
		}
		meta, links := page["meta"].(map[string]any), page["links"].(map[string]any)
		if n := len(ids(page)); n != want || meta["per_page"] != json.Number("25") || meta["total"] != nil || links["last"] != nil {
			t.Errorf("a page has %d tickets, want %d; meta %v, links %v", n, want, meta, links)
		}
		if next = links["next"]; next != nil {
			next = api + next.(string)[len("https://app.trengo.com/api/v2"):]
		}
	}
	if len(seen) != 60 || next != nil {
		t.Errorf("three pages hold %d tickets of the contact, want 60; next %v", len(seen), next)
	}
	// Lists count as all other calls: 61 contacts, 61 tickets and four pages.
	if r := d.Call("GET", fmt.Sprintf("%s/tickets?contact_id=%v", api, contact), ""); r.Header.Get("X-Ratelimit-Remaining") != "24" {
		t.Errorf("after 126 calls of 150 %s are left", r.Header.Get("X-Ratelimit-Remaining"))
	}
}

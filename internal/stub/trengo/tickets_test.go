package trengo_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/stub"
	"github.com/deskstream/deskstream/internal/stub/stubtest"
	"github.com/deskstream/deskstream/internal/stub/trengo"
)

// handled makes a call without a network, which a bubble of synctest could not wait for.
func handled(t *testing.T, s *stub.Server, method, path, body string) map[string]any {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, api+path, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer secret")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, req)
	if w.Code >= 300 {
		t.Fatalf("%s %s: got %d %s", method, path, w.Code, w.Body)
	}
	return stubtest.Reply{Body: w.Body.String()}.JSON(t)
}

// newTicket makes a contact of an e-mail address and a ticket of it, and returns the ticket.
func newTicket(t *testing.T, s *stub.Server, email string) map[string]any {
	t.Helper()
	c := handled(t, s, "POST", "/channels/123456/contacts", fmt.Sprintf(`{"identifier":%q}`, email))
	return handled(t, s, "POST", "/tickets", fmt.Sprintf(`{"contact_id":%v,"channel_id":123456,"subject":"Help"}`, c["id"]))
}

// ids are the ids of the entries of a page.
func ids(page map[string]any) []any {
	var all []any
	for _, entry := range page["data"].([]any) {
		all = append(all, entry.(map[string]any)["id"])
	}
	return all
}

// only are the members of some names.
func only(m map[string]any, names ...string) map[string]any {
	some := map[string]any{}
	for _, name := range names {
		some[name] = m[name]
	}
	return some
}

// In summer Amsterdam's wall clock is two hours ahead of UTC.
func TestTrengo_momentsWithoutAZoneAreOfTheFieldsZone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2000, 7, 1, 22, 30, 0, 0, time.UTC)))
		s := stub.New(stub.Config{}, trengo.New(nil))
		made := newTicket(t, s, "a@example.com")
		path := fmt.Sprintf("/tickets/%v", made["id"])
		time.Sleep(time.Minute)
		said := handled(t, s, "POST", path+"/messages", `{"message":"Hello"}`)["message"].(map[string]any)
		time.Sleep(time.Minute)
		handled(t, s, "POST", path+"/close", `{}`)
		item := handled(t, s, "GET", path+"/messages", "")["data"].([]any)[0].(map[string]any)
		row := handled(t, s, "GET", "/tickets", "")["data"].([]any)[0].(map[string]any)
		whole := handled(t, s, "GET", path, "")

		wall := map[string]any{
			"created_at": "2000-07-02 00:30:00", "assigned_at": "2000-07-02 00:30:00",
			"updated_at": "2000-07-02 00:32:00", "closed_at": "2000-07-02 00:32:00",
		}
		for name, c := range map[string]struct{ got, want map[string]any }{
			"new ticket": {only(made, "created_at", "updated_at", "latest_message"), map[string]any{
				"created_at": "2000-07-01T22:30:00.000000Z", "updated_at": "2000-07-01T22:30:00.000000Z",
				"latest_message": "2000-07-02 00:30:00",
			}},
			"ticket":        {only(whole, "created_at", "assigned_at", "updated_at", "closed_at"), wall},
			"row of a list": {only(row, "created_at", "assigned_at", "updated_at", "closed_at"), wall},
			"latest messages of a row": {only(row, "latest_message_at", "latest_received_message_at"), map[string]any{
				"latest_message_at": "2000-07-01 22:31:00", "latest_received_message_at": nil,
			}},
			"new message": {only(said, "created_at", "created_at_time"), map[string]any{
				"created_at": "2000-07-01 22:31:00", "created_at_time": json.Number("962490660"),
			}},
			"ticket in a new message": {only(said["ticket"].(map[string]any), "created_at", "updated_at"), map[string]any{
				"created_at": "2000-07-01 22:30:00", "updated_at": "2000-07-01 22:31:00",
			}},
			"message that is read": {only(item, "created_at"), map[string]any{"created_at": "2000-07-02 00:31:00"}},
		} {
			if diff := cmp.Diff(c.want, c.got); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
	})
}

func TestTrengo_winterIsOneHourAheadOfUTC(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // It is 2000-01-01, midnight UTC.
		s := stub.New(stub.Config{}, trengo.New(nil))
		made := newTicket(t, s, "a@example.com")
		if got := handled(t, s, "GET", fmt.Sprintf("/tickets/%v", made["id"]), "")["created_at"]; got != "2000-01-01 01:00:00" {
			t.Errorf("created_at is %v", got)
		}
	})
}

func TestTrengo_listsTicketsThatWereSpokenInLastFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stub.New(stub.Config{}, trengo.New(nil))
		var tickets []any
		for i := range 3 {
			tickets = append(tickets, newTicket(t, s, fmt.Sprintf("u%d@example.com", i))["id"])
			time.Sleep(time.Minute)
		}
		first, second, third := tickets[0], tickets[1], tickets[2]
		want := func(what, query string, want ...any) {
			t.Helper()
			if diff := cmp.Diff(want, ids(handled(t, s, "GET", "/tickets?"+query, ""))); diff != "" {
				t.Errorf("%s: %s", what, diff)
			}
		}
		want("newest first", "", third, second, first)
		want("oldest first", "sort=date", first, second, third)
		handled(t, s, "POST", fmt.Sprintf("/tickets/%v/messages", first), `{"message":"Hello"}`)
		want("a message moves its ticket up", "sort=-date", first, third, second)
		time.Sleep(time.Minute)
		handled(t, s, "POST", fmt.Sprintf("/tickets/%v/messages", second), `{"message":"looked at it","internal_note":true}`)
		want("a note does not", "", first, third, second)
	})
}

func TestTrengo_filtersTickets(t *testing.T) {
	s := stub.New(stub.Config{}, trengo.New(nil))
	mail := newTicket(t, s, "a@example.com")
	closed := newTicket(t, s, "b@example.com")
	handled(t, s, "POST", fmt.Sprintf("/tickets/%v/close", closed["id"]), "")
	handled(t, s, "POST", fmt.Sprintf("/tickets/%v/messages", closed["id"]), `{"message":"Bye"}`)
	c := handled(t, s, "POST", "/channels/123457/contacts", `{"identifier":"+31612345678"}`)
	chat := handled(t, s, "POST", "/tickets", fmt.Sprintf(`{"contact_id":%v,"channel_id":"123457"}`, c["id"]))
	for query, want := range map[string][]any{
		"":                {mail["id"], closed["id"], chat["id"]},
		"status=ASSIGNED": {mail["id"], chat["id"]},
		"status=CLOSED":   {closed["id"]},
		"status=OPEN":     nil,
		fmt.Sprintf("contact_id=%v", mail["contact_id"]): {mail["id"]},
		"channels[]=123457":              {chat["id"]},
		"channels[]=123457&channels[]=9": {chat["id"]},
		"users[]=7&status=CLOSED":        {closed["id"]},
		"users[]=8":                      nil,
		"labels[]=1":                     nil,
		"last_message_type=OUTBOUND":     {closed["id"]},
		"last_message_type=INBOUND":      nil,
		"channel_id=123457":              {mail["id"], closed["id"], chat["id"]}, // is ignored
		"per_page=1":                     {mail["id"], closed["id"], chat["id"]},
	} {
		got := map[any]bool{}
		for _, id := range ids(handled(t, s, "GET", "/tickets?"+query, "")) {
			got[id] = true
		}
		for _, id := range want {
			if !got[id] {
				t.Errorf("%q does not find the ticket %v", query, id)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%q finds %d tickets, want %d", query, len(got), len(want))
		}
	}
}

func TestTrengo_mergedTicketIsGone(t *testing.T) {
	d := serve(t, stub.Config{})
	survivor, source := newTicket(t, d.Server, "a@example.com"), newTicket(t, d.Server, "b@example.com")
	at := func(ticket map[string]any) string { return fmt.Sprintf("%s/tickets/%v", api, ticket["id"]) }
	merge := fmt.Sprintf(`{"source_ticket_id":%v}`, source["id"])
	d.expect([]refusal{
		{"unknown survivor", "POST", api + "/tickets/1/merge", merge, 404, `"message"`},
		{"unknown source", "POST", at(survivor) + "/merge", `{"source_ticket_id":1}`, 422, `"errors":["`},
		{"into itself", "POST", at(source) + "/merge", merge, 422, `"errors":["`},
		{"merge", "POST", at(survivor) + "/merge", merge, 200, fmt.Sprintf(`"id":%v`, survivor["id"])},
		{"survivor", "GET", at(survivor), "", 200, ""},
		{"source", "GET", at(source), "", 404, `"message"`},
		{"message in the source", "POST", at(source) + "/messages", `{"message":"x"}`, 404, `"message"`},
		{"messages of the source", "GET", at(source) + "/messages", "", 404, `"message"`},
		{"close of the source", "POST", at(source) + "/close", "", 404, `"message"`},
		{"second merge", "POST", at(survivor) + "/merge", merge, 422, ""},
	})
	if n := d.Server.Stats().Holds["trengo"]["tickets"]; n != 1 {
		t.Errorf("%d tickets, want the one that is left", n)
	}
}

func TestTrengo_messagesComeNewestFirstIn20s(t *testing.T) {
	s := stub.New(stub.Config{}, trengo.New(nil))
	path := fmt.Sprintf("/tickets/%v/messages", newTicket(t, s, "a@example.com")["id"])
	for i := range 21 {
		handled(t, s, "POST", path, fmt.Sprintf(`{"message":"m%d","internal_note":%v,"colour":"is ignored"}`, i, i%2 == 0))
	}
	first, second := handled(t, s, "GET", path, ""), handled(t, s, "GET", path+"?page=2", "")
	if n, m := len(ids(first)), len(ids(second)); n != 20 || m != 1 {
		t.Fatalf("two pages hold %d and %d messages, want 20 and 1", n, m)
	}
	newest := first["data"].([]any)[0].(map[string]any)
	if diff := cmp.Diff(map[string]any{"message": "m20", "type": "NOTE", "body_type": "TEXT"}, only(newest, "message", "type", "body_type")); diff != "" {
		t.Error(diff)
	}
	if _, there := newest["contact_id"]; there {
		t.Error("a message in the list has a contact_id")
	}
	next := fmt.Sprint(first["links"].(map[string]any)["next"])
	if !strings.HasSuffix(next, path+"?page=2") || second["links"].(map[string]any)["next"] != nil {
		t.Errorf("the pages link to %v and %v", next, second["links"])
	}
}

func TestTrengo_refusesMessagesAsDocumented(t *testing.T) {
	d := serve(t, stub.Config{})
	c := stubtest.Must(t, d.Call("POST", api+"/channels/123457/contacts", `{"identifier":"+31612345678"}`), 201)
	chat := stubtest.Must(t, d.Call("POST", api+"/tickets", fmt.Sprintf(`{"contact_id":%v,"channel_id":"123457"}`, c["id"])), http.StatusCreated)
	path := fmt.Sprintf("%s/tickets/%v/messages", api, chat["id"])
	d.expect([]refusal{
		{"no message", "POST", path, `{"body":"x","internal_note":true}`, 422, `"errors":{"message":[`},
		{"blank message", "POST", path, `{"message":" ","internal_note":true}`, 422, `"errors":{"message":[`},
		{"list as message", "POST", path, `{"message":["x"],"internal_note":true}`, 422, `"errors":{"message":[`},
		{"WhatsApp outside its window", "POST", path, `{"message":"x"}`, 422, `"errors":{"message":[`},
		{"note on WhatsApp", "POST", path, `{"message":"x","internal_note":true}`, 201, `"type":"NOTE"`},
		{"note by number", "POST", path, `{"message":"x","internal_note":1}`, 201, `"type":"NOTE"`},
		{"unknown ticket", "POST", api + "/tickets/1/messages", `{"message":"x"}`, 404, `"message"`},
		{"reopen of an unknown ticket", "POST", api + "/tickets/1/reopen", ``, 404, `"message"`},
		{"reopen", "POST", fmt.Sprintf("%s/tickets/%v/reopen", api, chat["id"]), ``, 200, `"status":"OPEN"`},
	})
}

func TestTrengo_idsOfTheAccountGrow(t *testing.T) {
	s := stub.New(stub.Config{}, trengo.New(nil))
	var tickets, messages []int64
	number := func(m map[string]any) int64 {
		id, err := m["id"].(json.Number).Int64()
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	for round := range 2 {
		survivor := newTicket(t, s, "survivor@example.com")
		tickets = append(tickets, number(survivor))
		for i := range 10 {
			ticket := number(newTicket(t, s, fmt.Sprintf("u%d@example.com", i%3)))
			tickets = append(tickets, ticket)
			of := []int64{ticket, number(survivor)}[i%2]
			said := handled(t, s, "POST", fmt.Sprintf("/tickets/%d/messages", of), `{"message":"Hello"}`)
			messages = append(messages, number(said["message"].(map[string]any)))
			if i%2 == 0 { // the id of a merged ticket is not given again
				handled(t, s, "POST", fmt.Sprintf("/tickets/%v/merge", survivor["id"]), fmt.Sprintf(`{"source_ticket_id":%d}`, ticket))
			}
		}
		if round == 0 {
			s.Reset() // who goes on after it may remember the highest id
		}
	}
	for what, ids := range map[string][]int64{"tickets": tickets, "messages": messages} {
		if !slices.IsSorted(ids) || len(slices.Compact(ids)) != len(ids) {
			t.Errorf("the ids of %s do not grow: %v", what, ids)
		}
	}
}

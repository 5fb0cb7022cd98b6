package stub_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/sample"
	"github.com/deskstream/deskstream/internal/stub"
)

// ticketsOf reads the tickets of a desk over HTTP.
func ticketsOf(t *testing.T, s *stub.Server, query string) []stub.Ticket {
	t.Helper()
	w := recorded(t, s, "GET", "/_stub/tickets"+query, "")
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/x-ndjson" {
		t.Fatalf("%s: got %d %v", query, w.Code, w.Header())
	}
	var tickets []stub.Ticket
	for lines := bufio.NewScanner(w.Body); lines.Scan(); {
		var one stub.Ticket
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			t.Fatal(err)
		}
		tickets = append(tickets, one)
	}
	return tickets
}

func TestServer_showsTicketsAsTheyWereSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(stub.Config{
			Users:  map[string]int64{"secret": 9},
			Quirks: stub.Quirks{NullSubjects: true, ClockOffset: time.Hour, ListLag: time.Hour, LateEffects: 10 * time.Second},
		})
		mark := sample.Mark(12)
		contact := fieldOf(t, recorded(t, s, "POST", contactsOf, newContact(1)).Body.String(), "id")
		open := func(subject string) {
			status(t.Context(), s, "POST", trengo+"/tickets", fmt.Sprintf(`{"contact_id":%s,"channel_id":123456,"subject":%q}`, contact, subject))
		}
		open(" Paid " + mark + " ")
		s.Desk("trengo").SetOutage(func(stub.Call) int { return stub.LoseAnswer })
		open("")
		s.Desk("trengo").SetOutage(nil)
		begin := time.Now()
		for len(s.Desk("trengo").Tickets()) < 2 {
			time.Sleep(time.Millisecond)
			synctest.Wait()
		}
		got := ticketsOf(t, s, "?destination=trengo")
		took := got[1].At.Sub(begin)
		if took <= 0 || took > 10*time.Second || time.Since(got[1].At) > time.Millisecond {
			t.Errorf("the late ticket was made %v after its call", took)
		}
		status(t.Context(), s, "POST", trengo+"/tickets/"+got[0].ID+"/assign", `{"type":"user","user_id":8}`)
		status(t.Context(), s, "POST", trengo+"/tickets/"+got[0].ID+"/merge", `{"source_ticket_id":`+got[1].ID+`}`)
		want := []stub.Ticket{
			{ID: got[0].ID, Subject: " Paid " + mark + " ", Assignee: 8, At: begin.UTC(), Call: 2, Mark: mark},
			{ID: got[1].ID, Assignee: 9, Merged: true, At: got[1].At, Call: 3},
		}
		for i := range want {
			k := &want[i]
			k.Destination, k.Contact, k.Person, k.Channel, k.Maker, k.State = "trengo", contact, "u1@example.com", "123456", 9, "ASSIGNED"
		}
		for _, query := range []string{"", "?destination=trengo"} {
			if diff := cmp.Diff(want, ticketsOf(t, s, query)); diff != "" {
				t.Errorf("%q: %s", query, diff)
			}
		}
		if none := ticketsOf(t, s, "?destination=kustomer"); none != nil {
			t.Errorf("a desk without tickets has %v", none)
		}
		if w := recorded(t, s, "GET", "/_stub/tickets?destination=x", ""); w.Code != 400 || !strings.Contains(w.Body.String(), "trengo, kustomer") {
			t.Errorf("the tickets of nobody are %d %s", w.Code, w.Body)
		}
		s.Reset()
		if left := ticketsOf(t, s, ""); left != nil {
			t.Errorf("a reset leaves %v", left)
		}
	})
}

// fieldOf is the literal of a number in a JSON object.
func fieldOf(t *testing.T, body, name string) string {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		t.Fatal(err)
	}
	return string(m[name])
}

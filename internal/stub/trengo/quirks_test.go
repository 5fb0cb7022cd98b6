package trengo_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/stub"
	"github.com/deskstream/deskstream/internal/stub/trengo"
)

// listLags makes five tickets of each of three contacts, in turn or one contact after the
// other, and returns how long each of a contact took to be in its list.
func listLags(t *testing.T, seed uint64, inTurn bool) map[string][]time.Duration {
	t.Helper()
	lags := map[string][]time.Duration{}
	synctest.Test(t, func(t *testing.T) {
		s := stub.New(stub.Config{Seed: seed, Quirks: stub.Quirks{ListLag: 5 * time.Second}}, trengo.New(nil))
		for i := range 15 {
			email := fmt.Sprintf("u%d@example.com", i/5)
			if inTurn {
				email = fmt.Sprintf("u%d@example.com", i%3)
			}
			made, begin := newTicket(t, s, email), time.Now()
			if shown := handled(t, s, "GET", fmt.Sprintf("/tickets/%v", made["id"]), ""); shown["id"] != made["id"] {
				t.Errorf("by its id a ticket is %v", shown)
			}
			list := fmt.Sprintf("/tickets?contact_id=%v", made["contact_id"])
			for !slices.Contains(ids(handled(t, s, "GET", list, "")), made["id"]) {
				time.Sleep(10 * time.Millisecond)
			}
			lags[email] = append(lags[email], time.Since(begin))
		}
	})
	return lags
}

func TestTrengo_aNewTicketIsInTheListLater(t *testing.T) {
	lags := listLags(t, 1, true)
	all := slices.Sorted(slices.Values(slices.Concat(lags["u0@example.com"], lags["u1@example.com"], lags["u2@example.com"])))
	if all[0] > 2*time.Second || all[14] < 3*time.Second || all[14] > 5*time.Second+10*time.Millisecond {
		t.Errorf("tickets were in the list after %v to %v, want all of 5s", all[0], all[14])
	}
	if cmp.Equal(lags["u0@example.com"], lags["u1@example.com"]) {
		t.Error("the tickets of two contacts have the same lags")
	}
	if diff := cmp.Diff(lags, listLags(t, 1, false)); diff != "" {
		t.Errorf("another order of contacts gives other lags: %s", diff)
	}
	if cmp.Equal(lags, listLags(t, 2, true)) {
		t.Error("another seed gives the same lags")
	}
}

func TestTrengo_allMomentsAreThoseOfItsClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // It is 2000-01-01, midnight UTC.
		s := stub.New(stub.Config{Quirks: stub.Quirks{ClockOffset: -30 * time.Second}}, trengo.New(nil))
		made := newTicket(t, s, "a@example.com")
		path := fmt.Sprintf("/tickets/%v", made["id"])
		time.Sleep(time.Minute)
		said := handled(t, s, "POST", path+"/messages", `{"message":"Hello"}`)["message"].(map[string]any)
		time.Sleep(time.Minute)
		handled(t, s, "POST", path+"/assign", `{"type":"user","user_id":8}`)
		time.Sleep(time.Minute)
		closed := handled(t, s, "POST", path+"/close", "")
		item := handled(t, s, "GET", path+"/messages", "")["data"].([]any)[0].(map[string]any)
		got := []any{
			made["created_at"], closed["created_at"], closed["assigned_at"], closed["closed_at"], closed["updated_at"],
			closed["latest_message_at"], said["created_at"], said["created_at_time"], item["created_at"],
		}
		want := []any{
			"1999-12-31T23:59:30.000000Z", "2000-01-01 00:59:30", "2000-01-01 01:01:30", "2000-01-01 01:02:30", "2000-01-01 01:02:30",
			"2000-01-01 00:00:30", "2000-01-01 00:00:30", json.Number("946684830"), "2000-01-01 01:00:30",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestTrengo_subjectsAreNullWhateverWasSent(t *testing.T) {
	s := stub.New(stub.Config{Quirks: stub.Quirks{NullSubjects: true}}, trengo.New(nil))
	made := newTicket(t, s, "a@example.com")
	path := fmt.Sprintf("/tickets/%v", made["id"])
	said := handled(t, s, "POST", path+"/messages", `{"message":"Hello"}`)["message"].(map[string]any)["ticket"].(map[string]any)
	row := handled(t, s, "GET", "/tickets", "")["data"].([]any)[0].(map[string]any)
	whole, closed := handled(t, s, "GET", path, ""), handled(t, s, "POST", path+"/close", "")
	for what, m := range map[string]map[string]any{"new": made, "in a message": said, "row": row, "whole": whole, "closed": closed} {
		if subject, there := m["subject"]; subject != nil || !there {
			t.Errorf("%s: the subject is %v, want null", what, subject)
		}
	}
	s.Desk(trengo.Name).SetQuirks(stub.Quirks{})
	if again := handled(t, s, "GET", path, "")["subject"]; again != "Help" {
		t.Errorf("without the quirk the subject is %v, want what was sent", again)
	}
}

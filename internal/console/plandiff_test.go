package console

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/redrive"
	"github.com/deskstream/deskstream/sink"
)

// What masking hides can be what has changed.
func TestDiff_saysWhatChangedWhereItIsMasked(t *testing.T) {
	row := &plannedRow{
		died: "rejected http_422", compared: true,
		then: []plannedCall{{"PUT", "https://desk/customers/1", `{"name":"Ann","order":9007199254740993,"type":"x"}`}},
		now:  []plannedCall{{"PUT", "https://desk/customers/1", `{"name":"Ben","order":9007199254740992,"type":"x","vip":true}`}, {"POST", "https://desk/notes?email=" + mail, "a\nb"}},
	}
	masked := (&visit{masker: &masker{}}).diff(row, maxDiffPage)
	want := []diffRow{
		{"PUT https://desk/customers/1", "PUT https://desk/customers/1", false},
		{"{", "{", false},
		{`  "name": "•••",`, `  "name": "•••",`, true},
		{`  "order": "•••",`, `  "order": "•••",`, true},
		{`  "type": "x"`, `  "type": "x",`, true},
		{"", `  "vip": true`, true},
		{"}", "}", false},
		{"", "POST https://desk/notes?email=•••", true},
		{"", hidden, true},
		{"", hidden, true},
	}
	if diff := cmp.Diff(want, masked.Rows); diff != "" {
		t.Errorf("masked (-want +got):\n%s", diff)
	}
	shown := (&visit{masker: &masker{show: true}}).diff(row, maxDiffPage)
	if shown.Rows[3] != (diffRow{`  "order": 9007199254740993,`, `  "order": 9007199254740992,`, true}) || shown.Rows[8].Now != "a" || shown.Changed != 7 {
		t.Errorf("shown: %d changed in %+v", shown.Changed, shown.Rows)
	}
	row.then = row.now
	if same := (&visit{masker: &masker{}}).diff(row, maxDiffPage); !same.Same || same.Changed > 0 || len(same.Rows) != 10 {
		t.Errorf("the same calls are %+v", same)
	}
}

func TestPlan_pagesAreSmallWhateverTheCallsAre(t *testing.T) {
	s := open(t, offline(t, ""), nil)
	long := strings.Repeat(`<"long">`, 500)
	body := `{"` + strings.Repeat(`x":"<&'\"",\n"`, 2000) + `y":"` + long + `"}`
	held := &heldPlan{Plan: &letters.Plan{ID: "00"}, words: long, by: "ann", reason: long[:maxReason], rows: newPlannedRows()}
	for i := range 3 * plannedPerPage {
		l := letters.Planned{ID: fmt.Sprintf("%032x", i), Destination: long, Verdict: letters.Send, Why: long}
		held.Letters = append(held.Letters, l)
		held.rows.byID[l.ID] = &plannedRow{
			eventType: long[:maxPlannedName], eventID: long[:maxPlannedName], user: long[:maxPlannedName], steps: []string{long, long}, keys: []string{long}, died: long,
			compared: true, now: []plannedCall{{"PUT", "https://desk/" + long, strings.ReplaceAll(body, `\n`, "\n")}},
		}
	}
	s.plans.add(held)
	for _, target := range []string{"/plans", "/plan/00", "/plan/00?show=personal&page=3", "/plan/00/letter/" + held.Letters[0].ID, "/plan/00/letter/" + held.Letters[0].ID + "?show=personal"} {
		if page := s.get(target); len(page) > maxPage || !strings.Contains(page, cutMark) {
			t.Errorf("%s has %d bytes", target, len(page))
		}
	}
}

func TestPlannedRows_keepNoMoreThanTheirMemory(t *testing.T) {
	rows := newPlannedRows()
	o := &sink.Outcome{Outcome: sink.Delivered, Calls: []sink.CallRecord{{Method: "PUT", URL: "https://desk/" + strings.Repeat("x", maxPlanCalls/3)}}}
	for i := range 4 {
		rows.take(&redrive.Rehearsed{Planned: letters.Planned{ID: fmt.Sprint(i), Verdict: letters.Send}, Letter: &letters.Letter{}, Now: o})
	}
	for range 10 { // one that is planned again takes no more
		rows.take(&redrive.Rehearsed{Planned: letters.Planned{ID: "0", Verdict: letters.Send}, Letter: &letters.Letter{}, Now: o})
	}
	for i, left := range []bool{false, false, true, true} {
		if row := rows.of(fmt.Sprint(i)); row.left != left || left == (len(row.now) > 0) {
			t.Errorf("of letter %d the calls are left out: %v, want %v", i, row.left, left)
		}
	}
}

package console

import (
	"net/http"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/internal/audit"
	"github.com/deskstream/deskstream/internal/journal/journaltest"
	"github.com/deskstream/deskstream/sink"
)

func TestAudit_findsWhatIsMissingAndShowsItToViewers(t *testing.T) {
	d := journaltest.NewDeployment(t, "http://127.0.0.1:1", "")
	there, gone := d.Event(0, "m-1", "somebody"), d.Event(0, "m-2", "another")
	d.Settle(there, "crm", 0, sink.Delivered)
	for _, name := range []string{"crm", "inbox"} {
		d.Commit(name, 0, gone.Offset+1)
	}
	d.Settle(there, "inbox", 0, sink.Delivered)
	d.Settle(gone, "inbox", 0, sink.Skipped)
	s := open(t, d.Config, nil)
	if page := s.get("/audit"); !strings.Contains(page, "No audit was made") {
		t.Errorf("before it the page is\n%s", page)
	}
	done := s.settled(s.submit(s.get("/audit"), "/audit", "reason", "after the outage"))
	if !strings.Contains(done, "done</span>") || !strings.Contains(done, "1 missing, 0 conflicting") {
		t.Fatalf("the job's page is\n%s", done)
	}
	const token = "0123456789abcdef0123456789"
	s.settings.Token, s.settings.TokenRole = sink.NewSecret(token), "viewer"
	viewer := header("Authorization", "Bearer "+token)
	page := s.get(s.link(done, "What the audit found"), viewer)
	for _, want := range []string{"something is wrong", "all events", "events/0/1", "missing: ", "3 outcomes: 2 delivered, 1 skipped", "/letters/list?all=1&amp;destination=crm&amp;offset=1&amp;partition=0"} {
		if !strings.Contains(page, want) {
			t.Errorf("a viewer's page lacks %q:\n%s", want, page)
		}
	}
	if strings.Contains(page, `method="post"`) {
		t.Errorf("a viewer has a form:\n%s", page)
	}
	if page := s.get("/audit?view=partitions", viewer); !strings.Contains(page, "0 to before 2") {
		t.Errorf("the partitions are\n%s", page)
	}
	s.crawl("/audit", viewer)
}

func TestAudit_takesTimes(t *testing.T) {
	d := journaltest.NewDeployment(t, "http://127.0.0.1:1", "")
	d.Commit("crm", 0, d.Event(0, "m-1", "somebody").Offset+1) // without an outcome
	s := open(t, d.Config, nil)
	for _, times := range [][]string{{"since", "yesterday"}, {"until", "1h", "until", "2h"}} {
		if w := s.post("/audit", append(times, "reason", "to see")); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), times[0]) {
			t.Errorf("%v is answered with %d", times, w.Code)
		}
	}
	if w := s.settled(s.post("/audit", []string{"reason", "to see", "since", "2026-06-01"})); !strings.Contains(w, "0 missing") {
		t.Errorf("an event before the time is audited:\n%s", w)
	}
	if page := s.get("/audit"); !strings.Contains(page, "events since 2026-06-01T00:00:00Z") || !strings.Contains(page, "all is there") {
		t.Errorf("the page is\n%s", page)
	}
}

func TestAudit_pagesAreSmallWhateverWasFound(t *testing.T) {
	s := open(t, offline(t, ""), nil)
	long := strings.Repeat(`<"long">`, 500)
	result := &auditResult{Words: "all events", By: "ann", Reason: long[:maxReason], Notes: []string{long, long}}
	for range 1000 {
		result.Findings = append(result.Findings, audit.DocumentFinding{Destination: strings.Repeat("d", 64), Topic: strings.Repeat("t", 249), Offset: 1 << 60, What: long})
		result.Partitions = append(result.Partitions, audit.DocumentPartition{Destination: strings.Repeat("d", 64), Topic: strings.Repeat("t", 249), End: 1 << 60, Delivered: 1 << 60})
	}
	result.Missing = 5000
	s.audits.set(result)
	for _, target := range []string{"/audit", "/audit?page=10&show=personal", "/audit?view=partitions"} {
		if page := s.get(target); len(page) > maxPage || !strings.Contains(page, "Page ") {
			t.Errorf("%s has %d bytes", target, len(page))
		}
	}
	if page := s.get("/audit"); !strings.Contains(page, "4\u202f000 more are counted") {
		t.Errorf("the page is\n%s", page)
	}
}

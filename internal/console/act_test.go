package console

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/deskstream/deskstream/internal/journal/journaltest"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/sink"
)

// post sends a form to a page.
func (s *site) post(target string, values []string, changes ...func(*http.Request)) *httptest.ResponseRecorder {
	s.t.Helper()
	return s.ask(http.MethodPost, target, append(changes, form(values...))...)
}

// everyAct are the addresses of forms that change something.
var everyAct = []string{"/destination/crm/hold", "/destination/crm/resume", "/letters/discard", "/job/00/stop", "/letters/plan", "/plan/00/apply", "/audit", "/plan/00/complete"}

func TestAct_isRefusedWithoutARoleAReasonOrOurOwnPage(t *testing.T) {
	const viewer, operator = "0123456789abcdef0123456789", "console: {proxy: {trusted: [10.0.0.1], operators: [ann]}, token: 0123456789abcdef0123456789}"
	why := []string{"reason", "the desk is closed", "class", "rejected", "count", "1"}
	asViewer, asOperator := header("Authorization", "Bearer "+viewer), func(r *http.Request) {
		from("10.0.0.1")(r)
		header("X-Forwarded-User", "ann")(r)
	}
	live := &fakePipelines{}
	s := open(t, offline(t, operator), live)
	off := open(t, offline(t, strings.Replace(operator, "{", "{actions: false, ", 1)), live)
	for _, target := range everyAct {
		for name, tt := range map[string]struct {
			site   *site
			values []string
			change []func(*http.Request)
			want   int
		}{
			"a stranger":           {s, why, nil, http.StatusUnauthorized},
			"a viewer":             {s, why, []func(*http.Request){asViewer}, http.StatusForbidden},
			"no reason":            {s, nil, []func(*http.Request){asOperator}, http.StatusBadRequest},
			"a blank reason":       {s, []string{"reason", "   "}, []func(*http.Request){asOperator}, http.StatusBadRequest},
			"a very long reason":   {s, []string{"reason", strings.Repeat("x", maxReason+1)}, []func(*http.Request){asOperator}, http.StatusBadRequest},
			"another origin":       {s, why, []func(*http.Request){asOperator, header("Sec-Fetch-Site", "cross-site")}, http.StatusForbidden},
			"another host":         {s, why, []func(*http.Request){asOperator, func(r *http.Request) { r.Host = "evil.example" }}, http.StatusForbidden},
			"actions switched off": {off, why, []func(*http.Request){asOperator}, http.StatusForbidden},
		} {
			if w := tt.site.post(target, tt.values, tt.change...); w.Code != tt.want {
				t.Errorf("%s by %s is answered with %d, want %d", target, name, w.Code, tt.want)
			}
		}
		if w := s.ask(http.MethodGet, target+"?reason=enough", asOperator); !strings.HasPrefix(target, "/letters") && w.Code == http.StatusSeeOther {
			t.Errorf("%s can be reached by a link", target)
		}
	}
	if len(live.turned) > 0 || len(s.deeds.latest()) > 0 {
		t.Errorf("something was done: %v", live.turned)
	}
}

func TestAct_holdsAndResumesAndSaysWhoAndWhy(t *testing.T) {
	live := &fakePipelines{}
	s := open(t, offline(t, ""), live)
	for _, what := range []string{"hold", "resume"} {
		if w := s.post("/destination/crm/"+what, []string{"reason", "the desk's <b>maintenance"}); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/" {
			t.Fatalf("%s is answered with %d:\n%s", what, w.Code, w.Body)
		}
	}
	if want := []string{"hold crm", "resume crm"}; !slices.Equal(live.turned, want) {
		t.Errorf("the pipelines were told %v, want %v", live.turned, want)
	}
	for _, want := range []string{"action=hold", "action=resume", "target=crm", "by=ann", `reason="the desk's <b>maintenance"`} {
		if !strings.Contains(s.logs.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, s.logs)
		}
	}
	if page := s.get("/actions"); !strings.Contains(page, "ann <small>operator") || strings.Contains(page, "<b>") || !strings.Contains(page, "maintenance") {
		t.Errorf("the page of actions is\n%s", page)
	}
	live.err = errors.New("the destination is not on hold")
	if w := s.post("/destination/crm/resume", []string{"reason", "again"}); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), live.err.Error()) {
		t.Errorf("a resume that is none is answered with %d:\n%s", w.Code, w.Body)
	}
	if w := s.post("/destination/cmr/hold", []string{"reason", "a typo"}); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "crm") {
		t.Errorf("a destination that is none is answered with %d:\n%s", w.Code, w.Body)
	}
	if w := open(t, offline(t, ""), nil).post("/destination/crm/hold", []string{"reason", "none runs here"}); w.Code != http.StatusConflict {
		t.Errorf("without pipelines it is answered with %d", w.Code)
	}
}

func TestAct_saysThatAHoldIsNotOnRecord(t *testing.T) {
	live := &fakePipelines{here: "not on record, so other instances and a restart do not know it: the topic is missing"}
	s := open(t, offline(t, ""), live)
	w := s.post("/destination/crm/hold", []string{"reason", "maintenance"})
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/actions" {
		t.Fatalf("the hold is answered with %d:\n%s", w.Code, w.Body)
	}
	if page := s.get("/actions"); !strings.Contains(page, "on hold in this instance, until it is resumed or the instance restarts: "+live.here) {
		t.Errorf("the page does not say it:\n%s", page)
	}
}

// settled waits for the end of a job and returns its page.
func (s *site) settled(w *httptest.ResponseRecorder) string {
	s.t.Helper()
	if w.Code != http.StatusSeeOther {
		s.t.Fatalf("the form is answered with %d:\n%s", w.Code, w.Body)
	}
	s.jobs.wg.Wait()
	return s.get(w.Header().Get("Location"))
}

func TestDiscard_marksWhatThePageHasShown(t *testing.T) {
	d, _ := full(t)
	third := d.Event(1, "m-3", "another")
	d.Settle(third, "inbox", 0, sink.Dead)
	s := open(t, d.Config, nil)
	if page := s.get("/letters/discard?destination=crm"); !strings.Contains(page, "<strong>1 letter</strong>: open letters with destination crm") || !strings.Contains(page, `name="count" value="1"`) {
		t.Fatalf("the page that asks is\n%s", page)
	}
	stale := s.settled(s.post("/letters/discard", []string{"reason", "test data", "destination", "crm", "count", "2"}))
	if !strings.Contains(stale, "1 letter fit by now, the page has shown 2") {
		t.Errorf("another number was discarded:\n%s", stale)
	}
	if page := s.get("/letters"); !strings.Contains(page, "2</strong> of 2 causes") {
		t.Errorf("something was discarded:\n%s", page)
	}
	done := s.settled(s.post("/letters/discard", []string{"reason", "test data", "destination", "crm", "count", "1"}))
	if !strings.Contains(done, "1 letter discarded") {
		t.Errorf("the job's page is\n%s", done)
	}
	if page := s.get("/letters"); !strings.Contains(page, "1</strong> of 1 cause") {
		t.Errorf("after it the letters are\n%s", page)
	}
	box := d.Open()
	if err := box.ReadStates(t.Context()); err != nil {
		t.Fatal(err)
	}
	found := false
	for _, state := range box.States {
		found = found || state.Status == letters.Discarded && state.Reason == "test data" && state.By == "ann" && state.Destination == "crm"
	}
	if !found || !strings.Contains(s.logs.String(), "action=discard") {
		t.Errorf("no state says who discarded and why: %v", box.States)
	}
}

// A form can be sent long after its page was made: "2h ago" was another time then.
func TestDiscard_meansTheTimesOfItsPage(t *testing.T) {
	d, _ := full(t)
	before := time.Now()
	page := open(t, d.Config, nil).get("/letters/discard?destination=crm&since=20000h")
	_, rest, found := strings.Cut(page, `name="since" value="`)
	text, _, _ := strings.Cut(rest, `"`)
	at, err := time.Parse(time.RFC3339Nano, text)
	if !found || err != nil || before.Add(-20000*time.Hour).Sub(at).Abs() > time.Minute {
		t.Errorf("the form has the time %q, %v:\n%s", text, err, page)
	}
}

func TestDiscard_needsAFilter(t *testing.T) {
	s := open(t, journaltest.NewDeployment(t, "http://127.0.0.1:1", "").Config, nil)
	if w := s.ask(http.MethodGet, "/letters/discard"); w.Code != http.StatusBadRequest {
		t.Errorf("without a filter the page is answered with %d", w.Code)
	}
	for i, values := range [][]string{{"count", "1"}, {"count", "1", "all", "1"}, {"class", "rejected"}, {"class", "rejected", "count", "x"}, {"class", "wrong", "count", "1"}} {
		if w := s.post("/letters/discard", append([]string{"reason", "to see"}, values...)); w.Code != http.StatusBadRequest {
			t.Errorf("%d: %v is answered with %d", i, values, w.Code)
		}
	}
}

func TestJobs_oneRunsAtATimeAndCanBeStopped(t *testing.T) {
	s := open(t, offline(t, ""), nil)
	// Kafka does not answer, so the first one is under way until it is stopped.
	values := []string{"reason", "test data", "class", "rejected", "count", "1"}
	first := s.post("/letters/discard", values)
	at := first.Header().Get("Location")
	if first.Code != http.StatusSeeOther {
		t.Fatalf("the form is answered with %d:\n%s", first.Code, first.Body)
	}
	if w := s.post(at+"/stop", []string{"reason", "the wrong letters"}); w.Code != http.StatusSeeOther && w.Code != http.StatusConflict {
		t.Errorf("stopping is answered with %d", w.Code)
	}
	s.jobs.wg.Wait()
	if page := s.get(at); !strings.Contains(page, "stopped</span>") && !strings.Contains(page, "failed</span>") || !strings.Contains(page, "test data") {
		t.Errorf("the page of the job that was stopped is\n%s", page)
	}
	if w := s.ask(http.MethodGet, "/job/00"); w.Code != http.StatusNotFound {
		t.Errorf("a job that is none is answered with %d", w.Code)
	}
	j := &job{ID: "0102", What: "discard", By: "ben", cancel: func() {}}
	if _, err := s.jobs.add(j); err != nil {
		t.Fatal(err)
	}
	defer s.jobs.wg.Done()
	if w := s.post("/letters/discard", values); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "another job runs at this console, discard by ben") {
		t.Errorf("a second job is answered with %d:\n%s", w.Code, w.Body)
	}
	defer jobNotes{j}.ShowProgress(func() string { return fmt.Sprintf("%d of %d", 1, 2) })()
	w := s.ask(http.MethodGet, "/job/0102")
	if !strings.Contains(w.Body.String(), "1 of 2") || w.Header().Get("Refresh") == "" {
		t.Errorf("the page of a job under way is\n%s", w.Body)
	}
}

func TestJob_thatHasEndedKeepsNoEngine(t *testing.T) {
	j, asked := new(job), 0
	j.watch(func() jobProgress {
		asked++
		return jobProgress{Done: asked, Total: 5, Waits: []string{"crm is on hold"}}
	})
	j.finish(nil, false)
	for range 2 {
		if p := j.now(); p.Done != 1 || p.Total != 5 || p.Waits != nil {
			t.Errorf("an ended job is at %+v, want 1 of 5, which waits for nothing", p)
		}
	}
	if asked != 1 || j.running() {
		t.Errorf("the engine was asked %d times, want once; the job runs: %t", asked, j.running())
	}
}

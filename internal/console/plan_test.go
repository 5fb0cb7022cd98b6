package console

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/deskstream/deskstream/internal/journal/journaltest"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/sink"
)

// desk is a help desk that knows nobody and takes everybody.
type desk struct {
	mu      sync.Mutex
	written map[string]int // writes, by user
	// status is what it answers to everything, 0 for 404 to a lookup and 201 to a write.
	status int
	// A write waits for gate, if there is one; waiting gets one value for each that waits.
	gate    chan struct{}
	waiting chan struct{}
	free    int // so many writes do not wait
}

func (d *desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	d.mu.Lock()
	status := cmp.Or(d.status, http.StatusNotFound)
	d.mu.Unlock()
	if r.Method != http.MethodGet {
		status = d.write(body)
	} else if status == http.StatusUnprocessableEntity { // of writes
		status = http.StatusNotFound
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `{"data":{"id":"5f0000000000000000000001"},"errors":[{"title":"no"}]}`)
}

func (d *desk) write(body []byte) int {
	var customer struct{ ExternalID string }
	_ = json.Unmarshal(body, &customer)
	d.mu.Lock()
	d.written[customer.ExternalID]++
	gate, status := d.gate, cmp.Or(d.status, http.StatusCreated)
	if d.free > 0 {
		d.free--
		gate = nil
	}
	d.mu.Unlock()
	if gate != nil {
		d.waiting <- struct{}{}
		<-gate
	}
	return status
}

// writes are how often each user was written.
func (d *desk) writes() map[string]int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.written)
}

func (d *desk) answers(status int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.status = status
}

// incident is a deployment with so many letters, of a user each, and its desk.
func incident(t *testing.T, users int) (*site, *desk, *journaltest.Deployment) {
	t.Helper()
	at := &desk{written: map[string]int{}, waiting: make(chan struct{}, 100)}
	server := httptest.NewServer(at)
	t.Cleanup(server.Close)
	d := journaltest.NewDeployment(t, server.URL, "")
	for i := range users {
		d.Settle(d.Event(int32(i%2), fmt.Sprintf("m-%d", i), fmt.Sprintf("user-%d", i)), "crm", 0, sink.Dead)
	}
	return open(t, d.Config, nil), at, d
}

var hiddenInputs = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)

// submit sends the form of a page with that action, as a browser does, with further values.
func (s *site) submit(page, action string, values ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	_, rest, found := strings.Cut(page, `method="post" action="`+action+`"`)
	if !found {
		s.t.Fatalf("no form leads to %s:\n%s", action, page)
	}
	form, _, _ := strings.Cut(rest, "</form>")
	for _, m := range hiddenInputs.FindAllStringSubmatch(form, -1) {
		values = append(values, html.UnescapeString(m[1]), html.UnescapeString(m[2]))
	}
	return s.post(action, values)
}

// link returns the address of a link of a page with that text.
func (s *site) link(page, text string) string {
	s.t.Helper()
	m := regexp.MustCompile(`href="([^"]*)"[^>]*>` + text).FindStringSubmatch(page)
	if m == nil {
		s.t.Fatalf("no link says %q:\n%s", text, page)
	}
	return html.UnescapeString(m[1])
}

// planned makes a plan for the letters of crm and returns its address and page.
func (s *site) planned() (at, page string) {
	s.t.Helper()
	ask := s.get(s.link(s.get("/letters?destination=crm"), "Plan to send these again"))
	done := s.settled(s.submit(ask, "/letters/plan", "reason", "the desk is fixed"))
	at = s.link(done, "Plan ")
	return at, s.get(at)
}

// statuses are those of all letters.
func statuses(t *testing.T, d *journaltest.Deployment) map[letters.Status]int {
	t.Helper()
	read, counts := letters.States{}, map[letters.Status]int{}
	for _, r := range d.Consume(t, journaltest.States) {
		read.Take(r)
	}
	for _, state := range read {
		counts[state.Status]++
	}
	return counts
}

func TestPlan_anIncidentFromLettersToAnApplyThatWasStopped(t *testing.T) {
	s, at, d := incident(t, 15)
	plan, page := s.planned()
	if !strings.Contains(page, "Send 15 letters again") || !strings.Contains(page, `<a href="`+plan+`?verdict=send">send</a>`) || len(at.writes()) > 0 {
		t.Fatalf("the plan's page is\n%s", page)
	}
	at.gate, at.free = make(chan struct{}), 1 // the first canary passes
	apply := plan + "/apply"
	first := s.submit(page, apply, "reason", "the desk is fixed", "max_fail", "10")
	job := first.Header().Get("Location")
	if first.Code != http.StatusSeeOther {
		t.Fatalf("the form is answered with %d:\n%s", first.Code, first.Body)
	}
	for range 10 { // the second canary is on its way
		<-at.waiting
	}
	during := s.get(job)
	for _, want := range []string{"2 of 3: 10 letters as a canary", `<progress max="15" value="1"`, "1 of 15 letters: 1 delivered", "a second", "Time left", "the desk is fixed"} {
		if !strings.Contains(during, want) {
			t.Errorf("the page of the job lacks %q:\n%s", want, during)
		}
	}
	if second := s.submit(page, apply, "reason", "once more", "max_fail", "10"); second.Code != http.StatusConflict || !strings.Contains(second.Body.String(), "another job runs") {
		t.Errorf("a second apply is answered with %d:\n%s", second.Code, second.Body)
	}
	if w := s.ask(http.MethodGet, job); w.Header().Get("Refresh") == "" {
		t.Error("the page of a job that runs is not loaded again")
	}
	asking := s.ask(http.MethodGet, job+"?stop=1")
	if asking.Header().Get("Refresh") != "" {
		t.Error("the page on which the reason for a stop is typed is loaded again meanwhile")
	}
	if w := s.submit(asking.Body.String(), job+"/stop", "reason", "lunch"); w.Code != http.StatusSeeOther {
		t.Fatalf("stopping is answered with %d:\n%s", w.Code, w.Body)
	}
	close(at.gate)
	if stopped := s.settled(first); !strings.Contains(stopped, "stopped</span>") || !strings.Contains(stopped, "11 delivered") || !strings.Contains(stopped, "4 not sent") {
		t.Errorf("the page of the stopped job is\n%s", stopped)
	}
	page = s.get(plan)
	done := s.settled(s.submit(page, apply, "reason", "go on", "max_fail", "10"))
	if !strings.Contains(done, "done</span>") || !strings.Contains(done, "4 delivered") {
		t.Errorf("the page of the second job is\n%s", done)
	}
	writes := at.writes()
	for user, n := range writes {
		if n != 1 {
			t.Errorf("%s was written %d times", user, n)
		}
	}
	if got := statuses(t, d); len(writes) != 15 || got[letters.Delivered] != 15 || len(got) != 1 {
		t.Errorf("%d users were written, the letters are %v", len(writes), got)
	}
	if after := s.get("/letters"); !strings.Contains(after, "No letter is there") {
		t.Errorf("after it the letters are\n%s", after)
	}
	for _, want := range []string{"action=plan", "action=apply", "action=stop", `reason="go on"`, "by=ann", "result=\"plan " + plan[len("/plan/"):] + ": 4 delivered"} {
		if !strings.Contains(s.logs.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, s.logs)
		}
	}
	if page = s.get(plan); strings.Count(page, ` by ann</a>: `) != 2 || !strings.Contains(s.get("/plans"), plan) {
		t.Errorf("the plan does not say how it was applied:\n%s", page)
	}
}

func TestPlan_stopsAfterTheCanaryWhenItFails(t *testing.T) {
	s, at, d := incident(t, 12)
	plan, page := s.planned()
	at.answers(http.StatusUnprocessableEntity)
	done := s.settled(s.submit(page, plan+"/apply", "reason", "the desk is fixed", "max_fail", "10"))
	if !strings.Contains(done, "failed</span>") || !strings.Contains(done, "1 of 1 sent, which is more than --max-fail") || len(at.writes()) != 1 {
		t.Errorf("%d letters were sent; the job's page is\n%s", len(at.writes()), done)
	}
	if got := statuses(t, d); got[letters.Died] != 1 || len(got) != 1 {
		t.Errorf("the letters are %v", got)
	}
}

func TestPlan_showsTheCallsOfThenBesideThoseOfNow(t *testing.T) {
	server := httptest.NewServer(&desk{written: map[string]int{}})
	defer server.Close()
	d, id := fullAt(t, server.URL)
	s := open(t, d.Config, nil)
	plan, page := s.planned()
	if found := leaks(page); len(found) > 0 || !strings.Contains(page, "/v1/customers</ins>") || !strings.Contains(page, "http://desk/customers</del>") || !strings.Contains(page, "&#34;externalId&#34;: &#34;•••&#34;") {
		t.Errorf("it shows %q:\n%s", found, page)
	}
	for _, target := range []string{plan + "?show=personal", plan + "/letter/" + id + "?show=personal"} {
		if page := html.UnescapeString(s.get(target)); !strings.Contains(page, `"externalId": "hopper-1906"`) || !strings.Contains(page, mail) {
			t.Errorf("shown, %s is\n%s", target, page)
		}
	}
	s.crawl(plan)
	file := s.get(s.link(page, "The file for dlq apply"))
	if read, err := letters.ReadPlan([]byte(file)); err != nil || len(read.Letters) != 1 || read.Letters[0].ID != id {
		t.Errorf("the file is refused: %v\n%s", err, file)
	}
	if w := s.submit(page, plan+"/apply", "reason", "another page", "max_fail", "10", "seal", "00"); w.Code != http.StatusConflict {
		t.Errorf("a plan that the page has not shown is applied: %d", w.Code)
	}
	for _, share := range []string{"", "101", "-1", "NaN", "ten"} {
		if w := s.submit(page, plan+"/apply", "reason", "a share", "max_fail", share); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "max_fail") {
			t.Errorf("the share %q is answered with %d", share, w.Code)
		}
	}
}

func TestPlan_isReadByViewersWithoutPersonalDataAndFile(t *testing.T) {
	server := httptest.NewServer(&desk{written: map[string]int{}})
	defer server.Close()
	d, _ := fullAt(t, server.URL)
	s := open(t, d.Config, nil)
	plan, _ := s.planned()
	const token = "0123456789abcdef0123456789"
	s.settings.Token, s.settings.TokenRole = sink.NewSecret(token), "viewer"
	viewer := header("Authorization", "Bearer "+token)
	for target, page := range s.crawl(plan+"?show=personal", viewer) {
		if found := leaks(page); len(found) > 0 || strings.Contains(page, `method="post"`) {
			t.Errorf("%s shows %q, or a form:\n%s", target, found, page)
		}
	}
	if w := s.ask(http.MethodGet, plan+"/file", viewer); w.Code != http.StatusForbidden {
		t.Errorf("the file is answered with %d", w.Code)
	}
}

func TestPlan_isCompletedWhenTheDeskAnswersAgain(t *testing.T) {
	s, at, _ := incident(t, 2)
	at.answers(http.StatusServiceUnavailable)
	plan, page := s.planned()
	if !strings.Contains(page, "2 letters could not be decided") || strings.Contains(page, plan+"/apply") {
		t.Fatalf("while the desk is away the plan is\n%s", page)
	}
	at.answers(0)
	s.settled(s.submit(page, plan+"/complete", "reason", "it is back"))
	if page = s.get(plan); !strings.Contains(page, "Send 2 letters again") || strings.Contains(page, plan+"/complete") || len(at.writes()) > 0 {
		t.Errorf("completed, the plan is\n%s", page)
	}
}

func TestPlans_areBounded(t *testing.T) {
	var s plans
	for i := range maxPlans + 1 {
		s.add(&heldPlan{Plan: &letters.Plan{ID: fmt.Sprint(i)}})
	}
	s.add(&heldPlan{Plan: &letters.Plan{ID: "3", Version: "later"}})
	var ids []string
	for _, p := range s.all() {
		ids = append(ids, p.ID)
	}
	if want := []string{"3", "5", "4", "2", "1"}; !slices.Equal(ids, want) {
		t.Errorf("the plans are %v, want %v", ids, want)
	}
}

func TestPlan_needsAFilterAndADestinationThatIsThere(t *testing.T) {
	s := open(t, journaltest.NewDeployment(t, "http://127.0.0.1:1", "").Config, nil)
	for i, values := range []url.Values{{}, {"all": {"1"}}, {"class": {"wrong"}}, {"class": {"rejected"}, "to": {"nowhere"}}} {
		list := []string{"reason", "to see"}
		for name, v := range values {
			list = append(list, name, v[0])
		}
		if w := s.post("/letters/plan", list); w.Code != http.StatusBadRequest {
			t.Errorf("%d: %v is answered with %d", i, values, w.Code)
		}
	}
	done := s.settled(s.post("/letters/plan", []string{"reason", "to see", "class", "rejected"}))
	if !strings.Contains(done, "none is open that the filters pick") || len(s.plans.all()) > 0 {
		t.Errorf("a plan for no letter is held:\n%s", done)
	}
	if w := s.ask(http.MethodGet, "/plan/00"); w.Code != http.StatusNotFound {
		t.Errorf("a plan that is none is answered with %d", w.Code)
	}
}

func TestPlan_keepsTheBeginningOfALongName(t *testing.T) {
	for name, want := range map[string]string{
		"": "", "Order Placed": "Order Placed", strings.Repeat("a", maxPlannedName) + "b": strings.Repeat("a", maxPlannedName),
		"a" + strings.Repeat("é", maxPlannedName): "a" + strings.Repeat("é", maxPlannedName/2-1),
	} {
		if got := beginning(name); got != want {
			t.Errorf("of %q stays %q, want %q", name, got, want)
		}
	}
}

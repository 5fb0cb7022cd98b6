package console

import (
	"fmt"
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/journal/journaltest"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/status"
	"github.com/deskstream/deskstream/sink"
)

// paths are the pages without a parameter.
var paths = []string{"/", "/audit", "/plans", "/actions", "/outcomes", "/rules", "/letters", "/letters/list", "/event", "/lanes", "/configuration"}

// liveScript is the one script of the pages.
const liveScript = `<script src="/static/live.js" defer></script>`

// maxPage is the largest page, in bytes, with what it loads.
const maxPage = 150_000

// links are the addresses of this console that a page names.
var links = regexp.MustCompile(`(?:href|src)="(/[^"]*|\?[^"]*)"`)

// crawl follows every link of a console from a page on and returns the pages by address.
func (s *site) crawl(begin string, changes ...func(*http.Request)) map[string]string {
	s.t.Helper()
	loaded := 0
	for _, name := range []string{"console.css", "live.js", "icon.svg"} {
		text, err := static.ReadFile("static/" + name)
		if err != nil {
			s.t.Fatal(err)
		}
		loaded += len(text)
	}
	seen, todo := map[string]string{}, []string{begin}
	for len(todo) > 0 && len(seen) < 300 {
		target := todo[0]
		todo = todo[1:]
		if _, was := seen[target]; was {
			continue
		}
		w := s.ask(http.MethodGet, target, changes...)
		page := w.Body.String()
		seen[target] = strings.ReplaceAll(page, liveScript, "") // a further script is somebody's
		if w.Code != http.StatusOK {
			s.t.Errorf("%s is answered with %d:\n%s", target, w.Code, page)
		}
		if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
			continue
		}
		if !strings.Contains(page, "<title>") || strings.Contains(page, "<script>") || strings.Contains(page, " style=") || strings.Contains(page, "ZgotmplZ") {
			s.t.Errorf("%s has no title, or an inline script or style, or a value that a template refused:\n%s", target, page)
		}
		if len(page)+loaded > maxPage {
			s.t.Errorf("%s has %d bytes", target, len(page)+loaded)
		}
		path, _, _ := strings.Cut(target, "?")
		for _, m := range links.FindAllStringSubmatch(page, -1) {
			link := strings.ReplaceAll(m[1], "&amp;", "&")
			if strings.HasPrefix(link, "?") {
				link = path + link
			}
			if link != "/logout" && link != "/login" {
				todo = append(todo, link)
			}
		}
	}
	return seen
}

func TestPages_sayWhatIsWrongWhileKafkaIsAway(t *testing.T) {
	s := open(t, offline(t, ""), nil)
	s.history.failed(fmt.Errorf("connecting to Kafka at 127.0.0.1:1: refused"))
	for target, want := range map[string]int{
		"/": http.StatusOK, "/configuration": http.StatusOK, "/event": http.StatusOK, "/lanes": http.StatusOK,
		"/outcomes": http.StatusServiceUnavailable, "/letters": http.StatusServiceUnavailable, "/letters/list": http.StatusServiceUnavailable,
		"/letter/00": http.StatusServiceUnavailable, "/event?id=m-1": http.StatusServiceUnavailable,
	} {
		w := s.ask(http.MethodGet, target)
		page := w.Body.String()
		if w.Code != want || strings.Contains(page, "goroutine") || !strings.Contains(page, "<title>") {
			t.Errorf("%s is answered with %d, want %d:\n%s", target, w.Code, want, page)
		}
		if (want != http.StatusOK || target == "/") && !strings.Contains(page, "connecting to Kafka at 127.0.0.1:1") {
			t.Errorf("%s does not say what is wrong:\n%s", target, page)
		}
	}
}

func TestPages_areThereForAnEmptyDeployment(t *testing.T) {
	s := open(t, journaltest.NewDeployment(t, "http://127.0.0.1:1", "").Config, &fakePipelines{})
	for _, target := range paths {
		s.get(target)
	}
	if page := s.get("/letters"); !strings.Contains(page, "No letter is there that the filter picks.") {
		t.Errorf("the page without letters is\n%s", page)
	}
	for _, target := range []string{"/letter/0123456789abcdef0123456789abcdef", "/event?id=nobodys", "/none"} {
		if w := s.ask(http.MethodGet, target); w.Code != http.StatusNotFound {
			t.Errorf("%s is answered with %d", target, w.Code)
		}
	}
}

func TestPages_refuseAFilterThatIsNone(t *testing.T) {
	s := open(t, journaltest.NewDeployment(t, "http://127.0.0.1:1", "").Config, nil)
	for query, want := range map[string]string{
		"since=yesterday": "is no duration", "status=x": "is no number", "partition=y": "is no number", "offset=9-1": "is no offset", "class=wrong": "is not known",
		"since=2h&since=1h": "since is given 2 times",
		"colour=rejected":   "no parameter colour: those of this address are destination, class,",
		"class=rejected&<b": "no parameter &lt;b: ",
		"destination=cmr":   "crm", "code=" + strings.Repeat("a&code=", maxValues+1): "more than 100 values",
	} {
		w := s.ask(http.MethodGet, "/letters?"+query)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s is answered with %d:\n%s", query, w.Code, w.Body)
		}
	}
	for _, target := range []string{"/letters/list", "/letters/plan", "/letters/discard", "/outcomes", "/event"} {
		w := s.ask(http.MethodGet, target+"?id=1&destination=crm&usr=ann")
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "no parameter ") {
			t.Errorf("%s is answered with %d:\n%s", target, w.Code, w.Body)
		}
	}
	if w := s.post("/letters/discard", []string{"reason", "to see", "class", "rejected", "count", "0", "usr", "ann"}); w.Code != http.StatusBadRequest {
		t.Errorf("a form with a field that is none is answered with %d", w.Code)
	}
}

// What is on the topics can be anything: an event, and what an API says.
const (
	hostile = `<script>alert("x")</script><img src=x onerror=alert(1)>`
	mail    = "grace.hopper@example.com"
	phone   = "+31 6 1234 5678"
	bigID   = "9007199254740993" // 2^53 + 1: as a float it is another number
)

// full is a deployment with an event that died, with the data of a person and hostile texts.
func full(t *testing.T) (*journaltest.Deployment, string) {
	t.Helper()
	return fullAt(t, "http://127.0.0.1:1")
}

// fullAt is full with a help desk.
func fullAt(t *testing.T, url string) (*journaltest.Deployment, string) {
	t.Helper()
	d := journaltest.NewDeployment(t, url, "")
	r := &kgo.Record{
		Topic: journaltest.Events, Key: []byte("hopper-1906"), Timestamp: journaltest.Day,
		Value: fmt.Appendf(nil, `{"type":"identify","messageId":"m-1","userId":"hopper-1906","traits":{"name":%q,"email":%q,"phone":%q,"order":%s}}`,
			"Grace "+hostile, mail, phone, bigID),
	}
	d.Write(r)
	id := d.Settle(r, "crm", 0, sink.Dead)
	d.Settle(r, "inbox", 0, sink.Delivered)
	other := d.Event(1, "m-2", "somebody")
	discarded := d.Settle(other, "crm", 0, sink.Dead)
	d.State(letters.State{ID: discarded, Status: letters.Discarded, At: journaltest.Day, Reason: "asked by " + mail, By: "ann", Source: &letters.Place{Topic: "events", Partition: 1}})
	return d, id
}

func running() *fakePipelines {
	now := time.Now().UTC()
	return &fakePipelines{
		status: []status.Pipeline{
			{
				Destination: "crm", Joined: true, Open: 12, Hold: "http_401", HeldSince: now.Add(-time.Hour).Format(time.RFC3339), HoldCause: "the API refuses the credential",
				HoldNext: "renew it", NextProbe: now.Add(9 * time.Second).Format(time.RFC3339), OldestSeconds: 3700, Budget: status.Budget{Calls: 100, WindowSeconds: 60},
			},
			{Destination: "inbox", Joined: true, Trouble: "fetch"},
		},
		lanes: []status.Lane{{Destination: "crm", Lane: mail, Since: now, Why: "hold", Hold: "http_401", Topic: "events", Offset: 9007199254740993}},
	}
}

func TestPages_everyLinkLeadsToAPage(t *testing.T) {
	d, id := full(t)
	s := open(t, d.Config, running())
	seen := s.crawl("/")
	for _, want := range append(slices.Clone(paths), "/letters/list?fingerprint=", "/letter/"+id, "/event?id=m-1", "/?show=personal") {
		found := false
		for target := range seen {
			found = found || strings.HasPrefix(target, want)
		}
		if !found && want != "/letters/list" {
			t.Errorf("no link leads to %s", want)
		}
	}
}

func TestOverview_saysWhichHoldIsNotOnRecord(t *testing.T) {
	for _, here := range []bool{false, true} {
		pipelines := &fakePipelines{status: []status.Pipeline{{Destination: "crm", Joined: true, Hold: "operator", HoldHere: here}}}
		if page := open(t, offline(t, ""), pipelines).get("/"); strings.Contains(page, "This hold is not on record") != here {
			t.Errorf("of a hold that is of this instance only (%t) the overview says\n%s", here, page)
		}
	}
}

func TestPages_showTheStoryOfALetter(t *testing.T) {
	d, id := full(t)
	s := open(t, d.Config, running())
	for target, wants := range map[string][]string{
		"/":                                {"http_401", "the API refuses the credential. To do: renew it.", "62m", "trouble: fetch", "Next probe"},
		"/letters":                         {"1 letter</a>: crm rejected http_422", "1 cause."},
		"/letters?all=1":                   {"1 discarded", "1 open"},
		"/letters/list?all=1":              {"discarded</span>", id[:12]},
		"/letter/" + id[:9]:                {id, "http_422", "POST http://desk/customers", "identify"},
		"/letter/" + id + "?show=personal": {bigID, mail, phone, "hopper-1906"},
		"/event?id=m-1":                    {"crm: ", "inbox: ", "delivered</span>", "/letter/" + id},
		"/lanes":                           {"events/0/" + bigID, "hold: http_401"},
		"/configuration":                   {"[redacted]", "api_key"},
	} {
		page := html.UnescapeString(s.get(target))
		for _, want := range wants {
			if !strings.Contains(page, want) {
				t.Errorf("%s lacks %q:\n%s", target, want, page)
			}
		}
	}
	if !strings.Contains(s.logs.String(), "personal data shown at the console") || !strings.Contains(s.logs.String(), "by=ann") {
		t.Errorf("the log does not say who saw personal data:\n%s", s.logs)
	}
}

// leaks are texts that no page may show to who may not see personal data, and none of them unescaped.
func leaks(page string) (found []string) {
	for _, text := range []string{mail, "hopper", "Grace", phone, "1234 5678", bigID + "\n", "key-of-crm", "key-of-inbox"} {
		if strings.Contains(html.UnescapeString(page), text) {
			found = append(found, text)
		}
	}
	return found
}

func TestPages_showNoPersonalDataToAViewer(t *testing.T) {
	d, id := full(t)
	const token = "0123456789abcdef0123456789"
	cfg := d.Config
	cfg.Console.Token, cfg.Console.TokenRole = sink.NewSecret(token), "viewer"
	s := open(t, cfg, running())
	viewer := header("Authorization", "Bearer "+token)
	targets := append(slices.Clone(paths), "/letters?all=1", "/letters/list?all=1", "/letter/"+id, "/event?id=m-1")
	for _, target := range targets {
		for _, show := range []string{"", "show=personal"} {
			if strings.Contains(target, "?") && show != "" {
				show = "&" + show
			} else if show != "" {
				show = "?" + show
			}
			if found := leaks(s.get(target+show, viewer)); len(found) > 0 {
				t.Errorf("%s shows %q", target+show, found)
			}
		}
	}
	for target, page := range s.crawl("/", viewer) {
		if found := leaks(page); len(found) > 0 {
			t.Errorf("%s shows %q", target, found)
		}
	}
}

// Producers make a messageId of what they have at hand, an address too.
func TestPages_maskAnIDThatNamesAPerson(t *testing.T) {
	d := journaltest.NewDeployment(t, "http://127.0.0.1:1", "")
	letter := "/letter/" + d.Settle(d.Event(0, "signup-"+mail, "somebody"), "crm", 0, sink.Dead)
	s := open(t, d.Config, nil)
	for _, target := range []string{"/letters", "/letters/list", letter} {
		if found := leaks(s.get(target)); len(found) > 0 {
			t.Errorf("%s shows %q", target, found)
		}
	}
	if page := s.get(letter + "?show=personal"); !strings.Contains(page, `href="/event?id=signup-grace.hopper%40example.com&amp;show=personal"`) {
		t.Errorf("shown, the letter has no link to its event:\n%s", page)
	}
}

func TestPages_escapeWhatOthersWrote(t *testing.T) {
	d, _ := full(t)
	s := open(t, d.Config, running())
	for target, page := range s.crawl("/?show=personal") {
		if !strings.Contains(target, "/original") && (strings.Contains(page, "<script") || strings.Contains(page, "<img")) {
			t.Errorf("%s has a tag of an event:\n%s", target, page)
		}
	}
	for _, target := range []string{"/letters?destination=%3Cscript%3E", "/event?id=%3Cscript%3E", "/letter/%3Cscript%3E", "/%3Cscript%3E", "/letters?user=%22%3E%3Cscript%3E"} {
		if page := s.ask(http.MethodGet, target).Body.String(); strings.Contains(page, "<script") {
			t.Errorf("%s has a tag of the address:\n%s", target, page)
		}
	}
}

// Names can be of any length: of events, codes and users, and in headers of others.
func TestPages_staySmallWhateverTheNamesAre(t *testing.T) {
	long := strings.Repeat(`<"long">`, 500)
	d := journaltest.NewDeployment(t, "http://127.0.0.1:1", "")
	first := d.Event(0, long, long)
	d.Settle(first, "crm", 0, sink.Dead)
	letter := d.Consume(t, journaltest.DeadLetters)[0]
	var more []*kgo.Record
	for i := range perPage {
		r := &kgo.Record{Topic: letter.Topic, Key: letter.Key, Value: letter.Value}
		for _, h := range letter.Headers {
			switch h.Key {
			case "dlq.id":
				h.Value = fmt.Appendf(nil, "%032x", i)
			case "dlq.fingerprint", "dlq.code", "dlq.class", "dlq.destination", "dlq.event.type", "dlq.message", "dlq.lane", "dlq.event.id":
				h.Value = fmt.Append(nil, long, i)
			}
			r.Headers = append(r.Headers, h)
		}
		more = append(more, r)
	}
	d.Write(more...)
	for i := range outcomesShown {
		d.Settle(first, "crm", i+1, sink.Delivered)
	}
	s := open(t, d.Config, nil)
	for _, target := range []string{"/outcomes", "/outcomes?show=personal"} {
		if page := s.get(target); len(page) > maxPage || strings.Contains(page, long[:200]) || strings.Count(page, "delivered</span>") != outcomesShown {
			t.Errorf("%s has %d bytes", target, len(page))
		}
	}
	for range maxDeeds {
		s.end(s.begin(deed{By: "ann", Role: "operator", What: "discard", Target: long, Reason: long[:maxReason]}), long, nil)
	}
	for _, target := range []string{"/letters", "/letters?show=personal", "/letters/list", "/letters/list?show=personal", "/actions", "/actions?show=personal"} {
		if page := s.get(target); len(page) > maxPage || !strings.Contains(page, cutMark) {
			t.Errorf("%s has %d bytes", target, len(page))
		}
	}
}

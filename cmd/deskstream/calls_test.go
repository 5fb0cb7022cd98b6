package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
	"github.com/deskstream/deskstream/sink"
)

const callsTopic = "helpdesk.calls"

// callers is a deployment whose destinations take calls from one topic.
type callers struct {
	*kafkatest.Cluster
	t    *testing.T
	desk *stub.Server
	url  string
}

func newCallers(t *testing.T) *callers {
	t.Helper()
	c := &callers{Cluster: kafkatest.Kafka(t), t: t, desk: stub.New(stub.Config{Seed: 1, Limit: 1 << 30}, stubtrengo.New(nil), stubkustomer.New())}
	server := httptest.NewServer(c.desk)
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

// config is a file in which Kustomer may be called as allow says.
func (c *callers) config(allow ...string) string {
	c.t.Helper()
	list, err := json.Marshal(allow)
	if err != nil {
		c.t.Fatal(err)
	}
	return writeFile(c.t, "deskstream.yaml", fmt.Sprintf(`kafka: {brokers: [%q]}
source: {commit_interval: 50ms, unwrap: event, format: json, session_timeout: 6s, drain_timeout: 5s}
responses: {bodies: false}
http: {listen: "127.0.0.1:0", admin: "127.0.0.1:0"}
destinations:
  - {name: crm, type: kustomer, kustomer: {api_key: %s, base_url: %q}, calls: {allow: %s}, delivery: {timeout: 4s, retry: {initial: 50ms, max: 500ms}}}
  - {name: inbox, type: trengo, trengo: {api_token: %s, base_url: %q}, calls: {allow: [GET /teams]}, delivery: {timeout: 4s}}
  - {name: other, type: kustomer, kustomer: {api_key: %s, base_url: %q}, delivery: {timeout: 4s}}
`, strings.Join(c.Brokers, ","), kustomerKey, c.url+stubkustomer.Path, list, trengoToken, c.url+stubtrengo.Path, kustomerKey, c.url+stubkustomer.Path))
}

// outcomes are those on the responses topic, as "destination topic correlation id: what became of it".
func (c *callers) outcomes() (lines []string, all []sink.Outcome) {
	c.t.Helper()
	schema := outcomeSchema(c.t)
	for _, r := range outcomeRecords(c.Consume(c.t, responsesTopic)) {
		wantOutcomes(c.t, schema, string(r.Value))
		var o sink.Outcome
		if err := json.Unmarshal(r.Value, &o); err != nil {
			c.t.Fatal(err)
		}
		id, what := "-", string(o.Outcome)
		if o.CorrelationID != nil {
			id = *o.CorrelationID
		}
		if o.Reason != nil {
			what += " " + string(*o.Reason)
		}
		if o.Error != nil {
			what += " " + string(o.Error.Code)
		}
		lines, all = append(lines, fmt.Sprintf("%s %s %s: %s", o.Destination.Name, o.Source.Topic, id, what)), append(all, o)
	}
	slices.Sort(lines)
	return lines, all
}

func (c *callers) await(p *process, n int) {
	c.t.Helper()
	await(c.t, "the outcomes", func() bool { p.alive(); lines, _ := c.outcomes(); return len(lines) >= n })
}

const teams = `{"type":"call","destination":"crm","method":"GET","path":"/v1/teams","query":{"pageSize":1},"correlationId":"c-1"}`

func TestRun_callsOverKafka(t *testing.T) {
	t.Parallel()
	c := newCallers(t)
	file := c.config("GET /v1/teams")
	p := startProcess(t, "run", "-c", file, "--log-format", "json", "--create-topics")
	p.listening()
	if got := c.EndOffsets(t, callsTopic); len(got) != 12 {
		t.Errorf("%s has %d partitions, want the 12 of the source", callsTopic, len(got))
	}
	got := runCommand(t, strings.Join([]string{
		teams,
		`{"type":"call","destination":"inbox","method":"GET","path":"/teams","correlationId":"t-1"}`,
		`{"type":"call","destination":"crm","method":"POST","path":"/v1/companies","body":{"name":"Acme"},"correlationId":"c-2"}`,
		`{"type":"call","destination":"nowhere","method":"GET","path":"/x","correlationId":"n-1"}`,
		`{"type":"identify","userId":"u"}`,
	}, "\n"), "produce", "-c", file, "--topic", callsTopic)
	got.want(t, exitOK, "", "5 events produced to "+callsTopic)
	wantKeys := map[string]string{}
	for _, r := range c.Consume(t, callsTopic) {
		wantKeys[string(r.Key)] = ""
	}
	if diff := cmp.Diff(map[string]string{"c-1": "", "c-2": "", "t-1": "", "n-1": "", "u": ""}, wantKeys); diff != "" {
		t.Errorf("keys of the records (-want +got):\n%s", diff)
	}
	// On a source topic it is none, in its envelope or not.
	c.Produce(t, &kgo.Record{Topic: eventsTopic, Value: []byte(`{"event":` + teams + `}`)})
	c.await(p, 13)
	lines, all := c.outcomes()
	want := []string{
		"crm events -: skipped type_not_taken", "inbox events -: skipped type_not_taken", "other events -: skipped type_not_taken",
		"crm helpdesk.calls -: skipped type_not_taken", "inbox helpdesk.calls -: skipped type_not_taken",
		"crm helpdesk.calls c-1: delivered", "inbox helpdesk.calls c-1: skipped other_destination",
		"crm helpdesk.calls t-1: skipped other_destination", "inbox helpdesk.calls t-1: delivered",
		"crm helpdesk.calls c-2: dead not_allowed", "inbox helpdesk.calls c-2: skipped other_destination",
		"crm helpdesk.calls n-1: skipped other_destination", "inbox helpdesk.calls n-1: skipped other_destination",
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	for _, o := range all {
		switch id := o.CorrelationID; {
		case id != nil && *id == "c-1" && o.Outcome == sink.Delivered:
			if *o.Status != 200 || !strings.Contains(o.Result.String(), `"Billing"`) || o.Cursor.String() != `{"page":"2","pageSize":"1"}` || *o.Event.Lane != "c-1" || !o.Calls[0].Response.IsZero() {
				t.Errorf("status %v, result %s, cursor %s, event %+v, calls %+v", o.Status, o.Result, o.Cursor, o.Event, o.Calls)
			}
		case id != nil && *id == "n-1" && len(o.Warnings) == 0:
			t.Errorf("%s does not warn that no destination has the name", o.Destination.Name)
		}
	}
	for _, name := range []string{"crm", "inbox"} {
		if n := metric(t, p.listening(), "deskstream_misdirected_calls_total", name); n != 1 {
			t.Errorf("deskstream_misdirected_calls_total of %s = %v, want 1", name, n)
		}
	}
	p.stop()
	if log := p.stderr.String(); strings.Count(log, "the configuration has no destination of its name") != 2 || strings.Contains(log, "Acme") {
		t.Errorf("the log:\n%s", log)
	}
	c.lookBack(file)
	c.redrive()
}

// lookBack asks the commands that read the topics.
func (c *callers) lookBack(file string) {
	c.t.Helper()
	runCommand(c.t, "", "explain", "c-1", "-c", file).want(c.t, exitOK, "GET "+c.url+stubkustomer.Path+"/v1/teams?pageSize=1", "")
	runCommand(c.t, "", "audit", "-c", file).want(c.t, exitOK, "13 outcomes: 2 delivered, 10 skipped, 1 dead; 0 duplicates, 0 missing", "")
	runCommand(c.t, "", "check", "--connect", "-c", file).want(c.t, exitOK, "calls            helpdesk.calls         ok", "")
	runCommand(c.t, "", "check", "-c", file).want(c.t, exitOK, "helpdesk.calls  from earliest", "")
}

// redrive sends the call again that was not allowed, once it is.
func (c *callers) redrive() {
	c.t.Helper()
	file, plan := c.config("GET /v1/teams", "POST /v1/companies"), filepath.Join(c.t.TempDir(), "plan.json")
	runCommand(c.t, "", "dlq", "plan", "-c", file, "--every", "-o", plan).want(c.t, exitOK, "1 letter: 1 send", "written to")
	before := len(c.desk.Desk(stubkustomer.Name).Received())
	runCommand(c.t, "", "dlq", "apply", "-c", file, plan).want(c.t, exitOK, "1 delivered", "canary passed")
	made := c.desk.Desk(stubkustomer.Name).Received()[before:]
	if len(made) != 1 || made[0].Method != http.MethodPost {
		c.t.Errorf("apply made %+v", made)
	}
	lines, _ := c.outcomes()
	if !slices.Contains(lines, "crm helpdesk.calls c-2: delivered") {
		c.t.Errorf("outcomes %q", lines)
	}
}

// hostilePaths try to leave an API, or what an allow list says.
var hostilePaths = []string{
	"/../admin", "/..", "/v1/../../admin", "/%2e%2e/admin", "/.%2E/admin", "/%252e%252e/admin", "/%25252e%25252e/x", "/..;/admin", "/..%3B/admin", "/..%2Fadmin",
	"/..%5Cadmin", `/..\admin`, "//evil.example/x", "/%2F%2Fevil.example", "/@evil.example", "/:80@evil.example/", "https://evil.example/", "evil.example", "", "/", "/v1//x", "/v1/x/",
	"/x?y=1", "/x#y", "/x%3Fy=1", "/x%23y", "/x%0d%0aHost:%20evil.example", "/x\r\nHost: evil.example", "/x%00", "/x\u0000", "/%c0%ae%c0%ae/x", "/%e0%80%af", "/．．/x", "/..%20/x", "/.%09./x",
	"/v1/%u002e%u002e/x", "/v1/x%", "/v1/x%2", "/*", "/**", "/a/*/b",
}

// Every call to either desk stays below its base URL, whatever its path is.
func TestDeliver_noCallLeavesItsBaseURL(t *testing.T) {
	t.Parallel()
	uris := make(chan string, 1000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		uris <- r.Host + r.RequestURI
		fmt.Fprint(w, "{}")
	}))
	defer server.Close()
	for _, desk := range []struct{ kind, key, path string }{{"trengo", "api_token", "/api/v2"}, {"kustomer", "api_key", ""}, {"kustomer", "api_key", "/behind/a%20proxy"}} {
		var lines []string
		for _, path := range hostilePaths {
			line, err := json.Marshal(map[string]any{"type": "call", "destination": "desk", "method": "GET", "path": path, "query": map[string]string{"#": "\r\n/../?"}})
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, string(line))
		}
		file := writeFile(t, "c.yaml", fmt.Sprintf(`destinations: [{name: desk, type: %s, %[1]s: {%s: %s, base_url: %q}, calls: {allow: ["GET /**"]}, delivery: {rate_limit: {requests: 1000000}}}]`, desk.kind, desk.key, kustomerKey, server.URL+desk.path))
		got := runCommand(t, strings.Join(lines, "\n"), "deliver", "-c", file)
		if got.code != exitDead || strings.Count(got.stdout, "\n") != len(lines) {
			t.Fatalf("exit code %d: %s\n%s", got.code, got.stdout, got.stderr)
		}
		dead := strings.Count(got.stdout, `"code":"invalid_path"`)
		if sent := strings.Count(got.stdout, `"outcome":"delivered"`); sent != len(uris) || sent+dead != len(lines) || sent == 0 || dead < 30 {
			t.Errorf("of %d calls %d were sent, %d received, and %d have an invalid path", len(lines), sent, len(uris), dead)
		}
		below := strings.TrimPrefix(server.URL, "http://") + desk.path + "/"
		for len(uris) > 0 {
			uri := <-uris
			path, query, _ := strings.Cut(uri, "?")
			decoded, err := url.PathUnescape(path)
			for range 5 {
				if again, err := url.PathUnescape(decoded); err == nil {
					decoded = again
				}
			}
			if err != nil || !strings.HasPrefix(path, below) || strings.Contains(decoded, "..") || strings.ContainsAny(decoded, "\\\r\n\x00") || query != "%23=%0D%0A%2F..%2F%3F" {
				t.Errorf("a call went to %s", uri)
			}
		}
	}
}

// plan shows what a call would send, and sends nothing, a GET neither.
func TestPlan_showsACallAndMakesNone(t *testing.T) {
	t.Parallel()
	url, received := hook(t, http.StatusOK)
	file := writeFile(t, "c.yaml", fmt.Sprintf(`
destinations:
  - {name: crm, type: kustomer, kustomer: {api_key: %s, base_url: %q}, calls: {allow: [GET /v1/teams]}}
  - {name: other, type: kustomer, kustomer: {api_key: %s, base_url: %q}}
`, kustomerKey, url, kustomerKey, url))
	got := runCommand(t, teams, "plan", "-c", file)
	got.want(t, exitOK, `"outcome":"planned","calls":[{"method":"GET","url":"`+url+`/v1/teams?pageSize=1"}],"ids":{},"correlationId":"c-1"`, "")
	if !strings.Contains(got.stdout, `"name":"other","type":"kustomer"},"outcome":"skipped"`) || !strings.Contains(got.stdout, `"reason":"type_not_taken"`) {
		t.Errorf("a destination without calls: %s", got.stdout)
	}
	if made := received(); len(made) > 0 {
		t.Errorf("plan made %v", made)
	}
}

// A call that is not safe to repeat is made once, or ends as unknown; one that is, is made again.
func TestRun_aKillDoublesNoCallThatMayNotBeRepeated(t *testing.T) {
	t.Parallel()
	c := newCallers(t)
	file := c.config("GET /v1/teams", "POST /v1/companies")
	received := make(chan struct{}, 100)
	release := make(chan struct{})
	c.desk.Desk(stubkustomer.Name).SetOutage(func(stub.Call) int {
		received <- struct{}{}
		<-release
		return 0
	})
	p := startProcess(t, "run", "-c", file, "--log-format", "json", "--create-topics")
	p.listening()
	for i, value := range []string{
		`{"type":"call","destination":"crm","method":"POST","path":"/v1/companies","body":{"name":"Acme"},"correlationId":"once"}`,
		`{"type":"call","destination":"crm","method":"POST","path":"/v1/companies","body":{"name":"Safe"},"correlationId":"safe","idempotent":true}`,
	} {
		c.Produce(t, &kgo.Record{Topic: callsTopic, Partition: int32(i), Value: []byte(value)})
		<-received
	}
	p.kill()
	close(release)
	p = startProcess(t, "run", "-c", file, "--log-format", "json")
	c.await(p, 4)
	p.stop()
	lines, _ := c.outcomes()
	want := []string{
		"crm helpdesk.calls once: dead connection", "crm helpdesk.calls safe: delivered",
		"inbox helpdesk.calls once: skipped other_destination", "inbox helpdesk.calls safe: skipped other_destination",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	made := 0
	for _, call := range c.desk.Desk(stubkustomer.Name).Received() {
		if call.Method == http.MethodPost {
			made++
		}
	}
	if made != 3 {
		t.Errorf("%d calls were made, want one of the first and two of the other", made)
	}
	for _, r := range c.Consume(t, lettersTopic) {
		if l := headersOf(r); l["dlq.class"] != "unknown" || l["dlq.retryable"] != "probe_first" || l["dlq.steps.next"] != "" || l["dlq.source.topic"] != callsTopic {
			t.Errorf("the letter has the headers %v", l)
		}
	}
}

func headersOf(r *kgo.Record) map[string]string {
	found := map[string]string{}
	for _, h := range r.Headers {
		found[h.Key] = string(h.Value)
	}
	return found
}

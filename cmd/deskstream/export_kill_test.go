package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/deskstream/deskstream/internal/stub"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
)

// exporting is a world whose Trengo is exported.
type exporting struct {
	*world

	path    string
	contact []string
	tickets []string
	names   map[string]string // of contacts that were renamed, by id
}

func newExporting(t *testing.T) *exporting {
	t.Helper()
	return exportingOf(t, worldOptions{})
}

// exportingOf is newExporting with options of the world. The topics have its prefix.
func exportingOf(t *testing.T, o worldOptions) *exporting {
	t.Helper()
	w := newWorld(t, o)
	x := &exporting{world: w, names: make(map[string]string)}
	x.path = writeFile(t, "deskstream.yaml", fmt.Sprintf(`kafka: {brokers: [%s]}
source: {group: %sdeskstream}
inbound: {topic: %shelpdesk.events}
destinations:
  - name: %s
    type: trengo
    trengo: {api_token: %s, base_url: %q}
    export: {entities: [contacts, tickets, comments]}
    delivery:
      rate_limit: {requests: 100000000, per: 1m, reserve: 0.5}
      retry: {initial: 10ms, max: 100ms}
`, strings.Join(w.Brokers, ","), w.prefix, w.prefix, inbox, trengoToken, w.url+stubtrengo.Path))
	return x
}

// call makes a call to the desk, not by way of an export, and returns the id in the answer.
func (x *exporting) call(method, path, body string) string {
	x.t.Helper()
	req, err := http.NewRequestWithContext(x.t.Context(), method, x.url+stubtrengo.Path+path, strings.NewReader(body))
	if err != nil {
		x.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+trengoToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		x.t.Error(err)
		return ""
	}
	defer resp.Body.Close()
	var answer struct {
		ID json.Number `json:"id"`
	}
	if resp.StatusCode >= 300 {
		x.t.Errorf("%s %s: %d", method, path, resp.StatusCode)
	}
	_ = json.NewDecoder(resp.Body).Decode(&answer) // a deletion has no body
	return answer.ID.String()
}

func (x *exporting) grow(contacts, tickets int) {
	x.t.Helper()
	there := len(x.contact)
	x.contact = append(x.contact, x.calls(contacts, "/channels/123456/contacts", func(i int) string {
		return fmt.Sprintf(`{"identifier":"user-%d@example.test","name":"User"}`, there+i)
	})...)
	x.tickets = append(x.tickets, x.calls(tickets, "/tickets", func(i int) string {
		return fmt.Sprintf(`{"contact_id":%s,"channel_id":123456,"subject":"ticket"}`, x.contact[i%len(x.contact)])
	})...)
}

// calls makes so many calls, some at once, and returns the ids in the answers.
func (x *exporting) calls(n int, path string, body func(i int) string) []string {
	ids := make([]string, n)
	var group errgroup.Group
	group.SetLimit(http.DefaultMaxIdleConnsPerHost)
	for i := range ids {
		group.Go(func() error {
			ids[i] = x.call(http.MethodPost, path, body(i))
			return nil
		})
	}
	_ = group.Wait() // none returns one
	return ids
}

// change makes the nth of some changes: a message, a new ticket, a name, a deletion.
func (x *exporting) change(n int) {
	switch at := n * 37; n % 8 {
	case 0, 1, 2:
		x.call("POST", "/tickets/"+x.tickets[at%(len(x.tickets)/2)]+"/messages", `{"message":"more"}`)
	case 3, 4:
		x.call("POST", "/tickets", fmt.Sprintf(`{"contact_id":%s,"channel_id":123456,"subject":"new"}`, x.contact[at%(len(x.contact)/2)]))
	case 5, 6:
		id, name := x.contact[at%(len(x.contact)/2)], fmt.Sprintf("User %d", n)
		x.call("PUT", "/contacts/"+id, fmt.Sprintf(`{"name":%q}`, name))
		x.names[id] = name
	case 7: // each once, none that is changed otherwise
		x.call("DELETE", "/tickets/"+x.tickets[len(x.tickets)/2+n/8], "")
	}
}

// objects are what a topic of objects holds, by id.
func (x *exporting) objects(entity string) map[string][]byte {
	x.t.Helper()
	held := make(map[string][]byte)
	for _, r := range x.Consume(x.t, x.prefix+"helpdesk.events."+inbox+"."+entity) {
		if held[string(r.Key)] = r.Value; r.Value == nil {
			delete(held, string(r.Key))
		}
	}
	return held
}

// compare fails unless topics hold what the desk has.
func (x *exporting) compare() {
	x.t.Helper()
	tickets := make(map[string]bool)
	onTopic := x.objects("tickets")
	for _, k := range x.desk.Desk(inbox).Tickets() {
		tickets[k.ID] = true
		var ticket struct {
			Subject   string `json:"subject"`
			ContactID string `json:"contact_id"`
		}
		if err := json.Unmarshal(onTopic[k.ID], &ticket); err != nil || ticket.Subject != k.Subject || ticket.ContactID != k.Contact {
			x.t.Errorf("ticket %s is %s on the topic, at the desk %q of contact %s", k.ID, onTopic[k.ID], k.Subject, k.Contact)
		}
	}
	if got := slices.Sorted(maps.Keys(onTopic)); !slices.Equal(got, slices.Sorted(maps.Keys(tickets))) {
		x.t.Errorf("the topic has %d tickets, the desk %d", len(got), len(tickets))
	}
	contacts := x.objects("contacts")
	if want := x.desk.Stats().Holds[inbox]["contacts"]; len(contacts) != want {
		x.t.Errorf("the topic has %d contacts, the desk %d", len(contacts), want)
	}
	for id, name := range x.names {
		var contact struct{ Name string }
		if err := json.Unmarshal(contacts[id], &contact); err != nil || contact.Name != name {
			x.t.Errorf("contact %s is %s on the topic, at the desk %q", id, contacts[id], name)
		}
	}
	comments := 0
	for _, id := range x.tickets[:len(x.tickets)/2] {
		var ticket struct {
			Messages int `json:"messages"`
		}
		if err := json.Unmarshal(onTopic[id], &ticket); err != nil {
			x.t.Fatal(err)
		}
		comments += ticket.Messages
	}
	if got := len(x.objects("comments")); got != comments {
		x.t.Errorf("the topic has %d comments, its tickets %d", got, comments)
	}
}

// A desk changes while it is exported, and processes that export it are killed: in the end the topics
// hold what the desk has.
func TestExport_killedWhileTheDeskChangesTheTopicsHoldWhatItHas(t *testing.T) {
	t.Parallel()
	needsProcess(t)
	x := newExporting(t)
	x.grow(300, 600)
	stop, stopped := make(chan struct{}), make(chan int)
	go func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				stopped <- n
				return
			default:
				x.change(n)
			}
			if n == 200 {
				stopped <- n
				return
			}
		}
	}()
	calls := func() (n int) { // of exports: nobody else reads
		for _, c := range x.desk.Desk(inbox).Received() {
			if c.Method == http.MethodGet {
				n++
			}
		}
		return n
	}
	for range 2 {
		before := calls()
		p := startProcess(t, "export", "-c", x.path, "--create-topics", "--log-format", "json")
		await(t, "some calls", func() bool { return calls() > before+150 })
		p.kill()
	}
	<-stopped
	for range 3 { // the rest, and two walks that miss what was deleted
		p := startProcess(t, "export", "-c", x.path, "--all")
		if code := p.wait(); code != exitOK {
			t.Fatalf("it ended with %d", code)
		}
	}
	x.compare()
}

// SIGTERM ends walks that repeat with 0 and one walk with 1, at once.
func TestExport_isStopped(t *testing.T) {
	t.Parallel()
	needsProcess(t)
	x := newExporting(t)
	x.grow(60, 5)
	p := startProcess(t, "export", "-c", x.path, "--create-topics", "--every", "1h", "--metrics", "127.0.0.1:0", "--log-format", "json")
	await(t, "the walk", func() bool { return strings.Count(p.stderr.String(), "list walked") == 2 })
	if strings.Contains(p.stderr.String(), "\x1b") {
		t.Error("progress is shown though nobody looks")
	}
	for _, path := range []string{"/metrics", "/healthz", "/readyz"} {
		if code, text := get(t, p.opened("metrics")+path); code != http.StatusOK || path == "/metrics" && !strings.Contains(text, "deskstream_export_objects_total") {
			t.Errorf("%s: %d %s", path, code, text)
		}
	}
	p.signal(syscall.SIGTERM)
	if code := p.wait(); code != exitOK {
		t.Errorf("it ended with %d", code)
	}
	x.grow(60, 0)
	release := make(chan struct{})
	x.desk.Desk(inbox).SetOutage(func(stub.Call) int {
		select {
		case <-release:
		default:
			close(release)
		}
		return http.StatusServiceUnavailable
	})
	p = startProcess(t, "export", "-c", x.path)
	<-release
	p.signal(syscall.SIGTERM)
	if code := p.wait(); code != exitFault || !strings.Contains(p.stderr.String(), "stopped before the walk was complete") {
		t.Errorf("it ended with %d: %s", code, p.stderr.String())
	}
}

// A second process that exports the same destination ends with an error that says so.
func TestExport_oneProcessAtATime(t *testing.T) {
	t.Parallel()
	needsProcess(t)
	x := newExporting(t)
	x.grow(3, 0)
	first := startProcess(t, "export", "-c", x.path, "--create-topics", "--every", "1h", "--log-format", "json")
	await(t, "the walk", func() bool { return strings.Contains(first.stderr.String(), "list walked") })
	second := startProcess(t, "export", "-c", x.path)
	if code := second.wait(); code != exitFault || !strings.Contains(second.stderr.String(), "being exported by another process") {
		t.Errorf("the second ended with %d: %s", code, second.stderr.String())
	}
	first.alive()
	first.stop()
}

func TestExport_whatItRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	path := w.config(settings{})
	runCommand(t, "", "export", "-c", path).want(t, exitUsage, "", "Error: nothing to export: give a destination export.entities, as export: {entities: [users, teams, tickets]}\n")
	for _, args := range [][]string{{"--once", "--every", "1m"}, {"--every", "-1s"}, {"--destination", "nobody"}} {
		if r := runCommand(t, "", append([]string{"export", "-c", path}, args...)...); r.code != exitUsage {
			t.Errorf("%v: code %d, %s", args, r.code, r.stderr)
		}
	}
	x := newExporting(t)
	r := runCommand(t, "", "export", "-c", x.path)
	if r.code != exitFault || !bytes.Contains([]byte(r.stderr), []byte("does not exist: create it or run")) {
		t.Errorf("without topics: code %d, %s", r.code, r.stderr)
	}
}

// check says how long a walk takes, and writes nothing.
func TestExport_checkSaysWhatAWalkTakes(t *testing.T) {
	t.Parallel()
	x := newExporting(t)
	x.grow(200, 100)
	if r := runCommand(t, "", "export", "-c", x.path, "--create-topics", "--once"); r.code != exitOK {
		t.Fatal(r.stderr)
	}
	other := strings.ReplaceAll(readFile(t, x.path), "topic: helpdesk.events", "topic: other")
	path := writeFile(t, "other.yaml", other)
	r := runCommand(t, "", "check", "-c", path, "--connect")
	if !strings.Contains(r.stdout, "other."+inbox+".contacts does not exist") {
		t.Errorf("check printed %s", r.stdout)
	}
	if r := runCommand(t, "", "check", "-c", path); !strings.Contains(r.stdout, "contacts, tickets, comments to other."+inbox+".*") {
		t.Errorf("check printed %s", r.stdout)
	}
}

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	"github.com/deskstream/deskstream/internal/stub/stubtest"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
	"github.com/deskstream/deskstream/sink"
)

const inboundTopic = "helpdesk.events"

// outcomesOf are the outcomes of what help desks sent, as "destination id: what became of it".
func outcomesOf(t *testing.T, c *kafkatest.Cluster) (lines []string) {
	t.Helper()
	for _, r := range outcomeRecords(c.Consume(t, responsesTopic)) {
		var o sink.Outcome
		if err := json.Unmarshal(r.Value, &o); err != nil {
			t.Fatal(err)
		}
		if o.Source.Topic != inboundTopic {
			continue
		}
		line := fmt.Sprintf("%s %s %s: %s", o.Destination.Name, *o.Event.ID, *o.Event.Lane, o.Outcome)
		if o.Reason != nil {
			line += " " + string(*o.Reason)
		}
		if o.Error != nil {
			line += " " + string(o.Error.Code)
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

// What help desks send is JSON and ordered by its key, whatever form customer events have. Rules take
// it, and nobody else does.
func TestRun_takesWhatHelpDesksSend(t *testing.T) {
	t.Parallel()
	kafka := kafkatest.Kafka(t)
	server := httptest.NewServer(stub.New(stub.Config{Seed: 1, Limit: 1 << 30}, stubtrengo.New(nil), stubkustomer.New()))
	t.Cleanup(server.Close)
	file := writeFile(t, "deskstream.yaml", fmt.Sprintf(`kafka: {brokers: [%q]}
source: {topics: [events, helpdesk.events], commit_interval: 50ms, unwrap: event, fields: {type: kind}, session_timeout: 6s, drain_timeout: 5s}
lane: [userId]
http: {listen: "127.0.0.1:0", admin: "127.0.0.1:0"}
destinations:
  - name: crm
    type: kustomer
    events: [identify]
    kustomer: {api_key: %s, base_url: %q}
    delivery: {timeout: 4s}
    rules:
      - name: created
        match: {type: ticket.created}
        contact: {create: true}
        ticket: {open: always, subject: "{{ ticket.subject }}, {{ destination }}"}
      - {name: closed, match: {type: ticket.closed}, when: 'ticket.status == "closed"', ticket: {find: newest, open: never, status: closed}}
  - {name: inbox, type: trengo, trengo: {api_token: %s, base_url: %q}, delivery: {timeout: 4s}}
`, strings.Join(kafka.Brokers, ","), kustomerKey, server.URL+stubkustomer.Path, trengoToken, server.URL+stubtrengo.Path))
	p := startProcess(t, "run", "-c", file, "--log-format", "json", "--create-topics")
	p.listening()
	if got := kafka.TopicInfo(inboundTopic); got == nil || *got.Configs["max.message.bytes"] != "4194304" {
		t.Errorf("the topic of what help desks send is not made for it: %+v", got)
	}
	contact := `"contact":{"id":"7","name":"Nora Vos","emails":[{"value":"nora@example.com"}]}`
	const key = "other/ticket/42"
	for _, r := range []struct{ key, event string }{
		{key, `{"type":"ticket.created","id":"e-1","destination":"other","ticket":{"id":"42","subject":"Parcel"},` + contact + `}`},
		{key, `{"type":"ticket.closed","id":"e-2","destination":"other","ticket":{"id":"42","status":"closed"},` + contact + `}`},
		{key, `{"type":"ticket.closed","id":"e-3","destination":"other","ticket":{"id":"42","status":"open"},` + contact + `}`},
		{key, `{"type":"ticket.closed","id":"e-4","destination":"other","ticket":{"id":"42","status":"closed"}}`},
		{"other/ticket/43", `{"type":"ticket.closed","id":"e-5","destination":"other","ticket":{"id":"43","status":"closed"},"contact":{"phones":[{"value":"+31612345678"}]}}`},
	} {
		kafka.Produce(t, &kgo.Record{Topic: inboundTopic, Key: []byte(r.key), Value: []byte(r.event)})
	}
	want := []string{
		"crm e-1 other/ticket/42: delivered", "crm e-2 other/ticket/42: delivered", "crm e-3 other/ticket/42: skipped type_not_taken",
		"crm e-4 other/ticket/42: dead missing_identifier", "crm e-5 other/ticket/43: skipped ticket_not_found",
		"inbox e-1 other/ticket/42: skipped type_not_taken", "inbox e-2 other/ticket/42: skipped type_not_taken", "inbox e-3 other/ticket/42: skipped type_not_taken",
		"inbox e-4 other/ticket/42: skipped type_not_taken", "inbox e-5 other/ticket/43: skipped type_not_taken",
	}
	await(t, "the outcomes", func() bool { p.alive(); return len(outcomesOf(t, kafka)) >= len(want) })
	if diff := cmp.Diff(want, outcomesOf(t, kafka)); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	runCommand(t, "", "explain", "-c", file, "e-2").want(t, exitOK, "delivered", "")
	runCommand(t, "", "dlq", "plan", "-c", file, "--every").want(t, exitOK, "missing_identifier", "")
}

// pair is a deployment with both desks, each of which closes at the other what is closed at one.
type pair struct {
	*stubtest.Client
	t     *testing.T
	kafka *kafkatest.Cluster
	file  string
}

const pairConfig = `kafka: {brokers: [%q]}
source: {topics: [events, helpdesk.events], commit_interval: 50ms, session_timeout: 6s, drain_timeout: 5s}
http: {listen: "127.0.0.1:0", admin: "127.0.0.1:0"}
inbound: {listen: "127.0.0.1:0", public_url: %q}
destinations:
  - name: crm
    type: kustomer
    kustomer: {api_key: %s, base_url: %q}
    webhooks: {events: [ticket.closed], secrets_file: %q, enrich: true}
    delivery: {timeout: 4s, rate_limit: {requests: 1000000}}
    rules:
      - {name: asked, match: {event: [Asked]}, contact: {create: true}, ticket: {find: newest, subject: Question}}
      - {name: closed-at-trengo, match: {type: ticket.closed}, when: 'destination == "inbox"', ticket: {find: newest, open: never, status: closed}}
      - {name: note-at-trengo, match: {type: note.created}, when: 'destination == "inbox"', ticket: {find: newest, open: never, note: "{{ comment.body }}"}}
  - name: inbox
    type: trengo
    trengo: {api_token: %s, channel_id: "123456", base_url: %q}
    webhooks: {events: [ticket.closed, note.created], secrets_file: %q, enrich: true}
    delivery: {timeout: 4s, rate_limit: {requests: 1000000}}
    rules:
      - {name: asked, match: {event: [Asked]}, contact: {create: true}, ticket: {find: newest, subject: Question}}
      - {name: closed-at-kustomer, match: {type: ticket.closed}, when: 'destination == "crm"', ticket: {find: newest, open: never, note: "closed at Kustomer", status: closed}}
`

func newPair(t *testing.T) *pair {
	t.Helper()
	return newPairBehind(t, func(desks string) string { return desks })
}

// newPairBehind is a pair whose calls go to what stands before the desks.
func newPairBehind(t *testing.T, before func(desks string) string) *pair {
	t.Helper()
	p := &pair{t: t, kafka: kafkatest.Kafka(t), Client: stubtest.Serve(t, stub.Config{Seed: 1, Limit: 1 << 30}, stubtrengo.New(nil), stubkustomer.New())}
	dir, desks := t.TempDir(), before(p.URL)
	write := func(url string) string {
		return writeFile(t, "deskstream.yaml", fmt.Sprintf(pairConfig, strings.Join(p.kafka.Brokers, ","), url,
			kustomerKey, desks+stubkustomer.Path, filepath.Join(dir, "crm.json"), trengoToken, desks+stubtrengo.Path, filepath.Join(dir, "inbox.json")))
	}
	receive := startProcess(t, "receive", "-c", write("http://127.0.0.1:1"), "--log-format", "json", "--create-topics", "--monitor", "127.0.0.1:0")
	p.file = write(receive.opened("inbound.listen"))
	runCommand(t, "", "webhooks", "apply", "-c", p.file).want(t, exitOK, "/webhooks/inbox/TICKET_CLOSED", "registrations changed")
	receive.awaitLog("secrets of webhooks changed")
	return p
}

// outcomes are those of what help desks sent, by destination, type and what became of it.
func (p *pair) outcomes() (lines []string) {
	p.t.Helper()
	for _, r := range outcomeRecords(p.kafka.Consume(p.t, responsesTopic)) {
		var o sink.Outcome
		if err := json.Unmarshal(r.Value, &o); err != nil {
			p.t.Fatal(err)
		}
		of, _, _ := strings.Cut(*o.Event.Lane, "/")
		line := fmt.Sprintf("%s: %s of %s: %s", o.Destination.Name, *o.Event.Type, of, o.Outcome)
		if o.Reason != nil {
			line += " " + string(*o.Reason)
		}
		if o.Source.Topic == inboundTopic {
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return lines
}

func (p *pair) await(run *process, n int) []string {
	p.t.Helper()
	await(p.t, "the outcomes", func() bool { run.alive(); return len(p.outcomes()) >= n })
	return p.outcomes()
}

// closedAtKustomer is an agent's closing of a conversation, as receive writes it.
func (p *pair) closedAtKustomer(id, conversation string) {
	p.kafka.Produce(p.t, &kgo.Record{Topic: inboundTopic, Key: []byte("crm/ticket/" + conversation), Value: fmt.Appendf(nil,
		`{"type":"ticket.closed","id":%q,"at":%q,"destination":"crm","ticket":{"id":%q},"contact":{"emails":[{"value":"nora@example.com"}]}}`,
		id, time.Now().UTC().Format(time.RFC3339), conversation)})
}

// ask has a customer ask something, and returns the ticket and the conversation of it.
func (p *pair) ask(run *process) (ticket, conversation string) {
	p.t.Helper()
	runCommand(p.t, `{"type":"track","messageId":"m-1","userId":"u-1","event":"Asked","context":{"traits":{"email":"nora@example.com"}}}`, "produce", "-c", p.file).want(p.t, exitOK, "", "1 event")
	await(p.t, "the tickets", func() bool {
		run.alive()
		ticket, conversation = p.opened()
		return ticket != "" && conversation != ""
	})
	return ticket, conversation
}

// opened is the ticket that an event has opened at Trengo.
func (p *pair) opened() (ticket, conversation string) {
	p.t.Helper()
	for _, r := range outcomeRecords(p.kafka.Consume(p.t, responsesTopic)) {
		var o struct{ IDs map[string]string }
		if err := json.Unmarshal(r.Value, &o); err != nil {
			p.t.Fatal(err)
		}
		if id := o.IDs["ticket_id"]; id != "" {
			ticket = id
		}
		if id := o.IDs["conversation_id"]; id != "" {
			conversation = id
		}
	}
	return ticket, conversation
}

// A ticket that an agent closes at one desk is closed at the other, whose event of that is our own: it
// is answered by nobody, and the chain ends. A write of ours explains one event only.
func TestRun_aPairOfDesksDoesNotPingPong(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	run := startProcess(t, "run", "-c", p.file, "--log-format", "json", "--create-topics")
	run.listening()
	ticket, conversation := p.ask(run)
	for _, path := range []string{"/messages", "/close"} {
		body := `{"message":"Courier called","internal_note":true}`
		if reply, err := p.Try("token-of-an-agent", "POST", stubtrengo.Path+"/tickets/"+ticket+path, body); err != nil || reply.Status >= 300 {
			t.Fatalf("%s: %v, %v", path, reply, err)
		}
		p.await(run, 2) // webhooks of several registrations have no order
	}
	want := []string{
		"crm: note.created of inbox: delivered",
		"crm: ticket.closed of crm: skipped type_not_taken",
		"crm: ticket.closed of inbox: delivered",
		"inbox: note.created of inbox: skipped type_not_taken",
		"inbox: ticket.closed of crm: skipped own",
		"inbox: ticket.closed of inbox: skipped type_not_taken",
	}
	if diff := cmp.Diff(want, p.await(run, len(want))); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	// An agent's, after ours.
	p.closedAtKustomer("e-9", conversation)
	want = append(want, "crm: ticket.closed of crm: skipped type_not_taken", "inbox: ticket.closed of crm: skipped ticket_not_found")
	slices.Sort(want)
	if diff := cmp.Diff(want, p.await(run, len(want))); diff != "" {
		t.Errorf("outcomes with an agent's (-want +got):\n%s", diff)
	}
	run.stop()
}

// What wrote a note at Trengo and what would answer it are killed at once, before the note is on record.
// The two find their events again long after the note's webhook, and the note is not mirrored back.
func TestRun_aNoteIsNotMirroredBackAfterAKill(t *testing.T) {
	t.Parallel()
	var (
		kill atomic.Pointer[func()]
		once sync.Once
	)
	p := newPairBehind(t, func(desks string) string {
		to, err := url.Parse(desks)
		if err != nil {
			t.Fatal(err)
		}
		proxy := httputil.NewSingleHostReverseProxy(to)
		proxy.ErrorLog = log.New(io.Discard, "", 0)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			dies := false
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/messages") && strings.HasPrefix(r.URL.Path, stubtrengo.Path) {
				once.Do(func() { dies = true })
			}
			if !dies {
				proxy.ServeHTTP(w, r)
				return
			}
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			(*kill.Load())()
			panic(http.ErrAbortHandler)
		}))
		t.Cleanup(server.Close)
		return server.URL
	})
	start := func() *process {
		run := startProcess(t, "run", "-c", p.file, "--log-format", "json", "--create-topics")
		dies := func() { _ = run.cmd.Process.Signal(syscall.SIGKILL) }
		kill.Store(&dies)
		return run
	}
	run := start()
	run.listening()
	_, conversation := p.ask(run)
	p.closedAtKustomer("e-1", conversation)
	run.wait()
	await(t, "the note's webhook", func() bool {
		return slices.ContainsFunc(p.kafka.Consume(t, inboundTopic), func(r *kgo.Record) bool { return strings.Contains(string(r.Value), `"note.created"`) })
	})
	run = start()
	want := []string{
		"crm: note.created of inbox: skipped own",
		"crm: ticket.closed of crm: skipped type_not_taken",
		"crm: ticket.closed of inbox: skipped own",
		"inbox: note.created of inbox: skipped type_not_taken",
		"inbox: ticket.closed of crm: delivered",
		"inbox: ticket.closed of inbox: skipped type_not_taken",
	}
	if diff := cmp.Diff(want, p.await(run, len(want))); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	run.stop()
}

// A rule answers three events of a ticket, and no more until time has passed: also after a crash.
func TestRun_aLoopEnds(t *testing.T) {
	t.Parallel()
	kafka := kafkatest.Kafka(t)
	server := httptest.NewServer(stub.New(stub.Config{Seed: 1, Limit: 1 << 30}, stubkustomer.New()))
	t.Cleanup(server.Close)
	file := writeFile(t, "deskstream.yaml", fmt.Sprintf(`kafka: {brokers: [%q]}
source: {topics: [helpdesk.events], commit_interval: 50ms, session_timeout: 6s, drain_timeout: 5s}
http: {listen: "127.0.0.1:0", admin: "127.0.0.1:0"}
destinations:
  - name: crm
    type: kustomer
    kustomer: {api_key: %s, base_url: %q}
    delivery: {timeout: 4s, rate_limit: {requests: 1000000}}
    rules: [{name: echo, own: true, match: {type: note.created}, contact: {create: true}, ticket: {find: newest, subject: Question, note: "{{ comment.body }}"}}]
`, strings.Join(kafka.Brokers, ","), kustomerKey, server.URL+stubkustomer.Path))
	run := startProcess(t, "run", "-c", file, "--log-format", "json", "--create-topics")
	run.listening()
	say := func(id, ticket string, at time.Time) {
		kafka.Produce(t, &kgo.Record{Topic: inboundTopic, Key: []byte("other/ticket/" + ticket), Value: fmt.Appendf(nil,
			`{"type":"note.created","id":%q,"at":%q,"destination":"other","ticket":{"id":%q},"comment":{"body":"again"},"contact":{"emails":[{"value":"nora@example.com"}]}}`,
			id, at.UTC().Format(time.RFC3339), ticket)})
	}
	now := time.Now()
	for _, id := range []string{"1", "2", "3"} {
		say(id, "42", now)
	}
	await(t, "the outcomes", func() bool { run.alive(); return len(outcomesOf(t, kafka)) >= 3 })
	run.kill()
	say("4", "42", now)
	say("5", "43", now)                      // another ticket
	say("6", "42", now.Add(-11*time.Minute)) // of before
	run = startProcess(t, "run", "-c", file, "--log-format", "json")
	want := []string{
		"crm 1 other/ticket/42: delivered", "crm 2 other/ticket/42: delivered", "crm 3 other/ticket/42: delivered",
		"crm 4 other/ticket/42: skipped loop", "crm 5 other/ticket/43: delivered", "crm 6 other/ticket/42: delivered",
	}
	await(t, "the outcomes", func() bool { run.alive(); return len(outcomesOf(t, kafka)) >= len(want) })
	if diff := cmp.Diff(want, outcomesOf(t, kafka)); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	run.awaitLog("again and again")
	run.stop()
}

package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	"github.com/deskstream/deskstream/internal/stub/stubtest"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
)

const teamsConfig = `kafka: {brokers: [%q]}
source: {topics: [events, helpdesk.events], commit_interval: 50ms, session_timeout: 6s, drain_timeout: 5s}
http: {listen: "127.0.0.1:0", admin: "127.0.0.1:0"}
inbound: {listen: "127.0.0.1:0", public_url: %q}
destinations:
  - name: crm
    type: kustomer
    kustomer: {api_key: %s, base_url: %q}
    export: {entities: [teams]}
    delivery: {timeout: 4s, rate_limit: {requests: 1000000}}
    rules:
      - {name: asked, match: {event: [Asked]}, contact: {create: true}, ticket: {find: newest, subject: Question}}
      - {name: assigned-at-trengo, match: {type: ticket.assigned}, when: 'destination == "inbox"', ticket: {find: newest, open: never, team: "{{ team.name }}"}}
  - name: inbox
    type: trengo
    trengo: {api_token: %s, channel_id: "123456", base_url: %q}
    webhooks: {events: [ticket.assigned], secrets_file: %q, enrich: true}
    export: {entities: [teams]}
    delivery: {timeout: 4s, rate_limit: {requests: 1000000}}
    rules:
      - {name: asked, match: {event: [Asked]}, contact: {create: true}, ticket: {find: newest, subject: Question, team: Support}}
`

// teamsOf are the ids of a destination's teams as they were exported, by name.
func (p *pair) teamsOf(destination string) map[string]string {
	p.t.Helper()
	ids := make(map[string]string)
	for _, r := range p.kafka.Consume(p.t, inboundTopic+"."+destination+".teams") {
		var team struct{ ID, Name string }
		if err := json.Unmarshal(r.Value, &team); err != nil || team.ID != string(r.Key) {
			p.t.Fatalf("team %s: %s, %v", r.Key, r.Value, err)
		}
		ids[team.Name] = team.ID
	}
	return ids
}

// Rules name teams as people do, and the desks get the ids that the exported topics have: of a team that
// a rule names, and of the one of the same name at the other desk.
func TestRun_anExportedTeamIsUsedByItsName(t *testing.T) {
	t.Parallel()
	p := &pair{t: t, kafka: kafkatest.Kafka(t), Client: stubtest.Serve(t, stub.Config{Seed: 1, Limit: 1 << 30}, stubtrengo.New(nil), stubkustomer.New())}
	secrets := filepath.Join(t.TempDir(), "inbox.json")
	write := func(url string) string {
		return writeFile(t, "deskstream.yaml", fmt.Sprintf(teamsConfig, strings.Join(p.kafka.Brokers, ","), url,
			kustomerKey, p.URL+stubkustomer.Path, trengoToken, p.URL+stubtrengo.Path, secrets))
	}
	receive := startProcess(t, "receive", "-c", write("http://127.0.0.1:1"), "--log-format", "json", "--create-topics", "--monitor", "127.0.0.1:0")
	p.file = write(receive.opened("inbound.listen"))
	runCommand(t, "", "webhooks", "apply", "-c", p.file).want(t, exitOK, "/webhooks/inbox/TICKET_ASSIGNED", "registration changed")
	receive.awaitLog("secrets of webhooks changed")
	runCommand(t, "", "export", "-c", p.file, "--once", "--create-topics").want(t, exitOK, "", "list walked")
	atTrengo, atKustomer := p.teamsOf("inbox"), p.teamsOf("crm")
	if atTrengo["Billing"] == "" || atTrengo["Support"] == "" || atKustomer["Billing"] == "" || atKustomer["Billing"] == atTrengo["Billing"] {
		t.Fatalf("exported teams: %v at Trengo, %v at Kustomer", atTrengo, atKustomer)
	}

	run := startProcess(t, "run", "-c", p.file, "--log-format", "json", "--create-topics")
	run.listening()
	ticket, conversation := p.ask(run)
	at := func(path string, team ...any) string {
		reply, err := p.Try("token-of-an-agent", "GET", path, "")
		if err != nil {
			t.Fatal(err)
		}
		v := any(reply.JSON(t))
		for _, step := range team {
			switch name := step.(type) {
			case string:
				object, _ := v.(map[string]any)
				v = object[name]
			case int:
				list, _ := v.([]any)
				if len(list) <= name {
					return ""
				}
				v = list[name]
			}
		}
		return fmt.Sprint(v)
	}
	if got := at(stubtrengo.Path+"/tickets/"+ticket, "team_id"); got != atTrengo["Support"] {
		t.Errorf("the ticket has team %s, want %s, which is Support", got, atTrengo["Support"])
	}
	if reply, err := p.Try("token-of-an-agent", "POST", stubtrengo.Path+"/tickets/"+ticket+"/assign", `{"type":"team","team_id":`+atTrengo["Billing"]+`}`); err != nil || reply.Status >= 300 {
		t.Fatalf("assigning: %v, %v", reply, err)
	}
	await(t, "the conversation's team", func() bool {
		run.alive()
		return at(stubkustomer.Path+"/v1/conversations/"+conversation, "data", "attributes", "assignedTeams", 0) == atKustomer["Billing"]
	})
	run.stop()
}

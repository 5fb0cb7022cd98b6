package dryrun_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/config/configtest"
	"github.com/deskstream/deskstream/internal/dryrun"
)

// ruledDesk is a destination with rules at an address where nothing is, and one without rules.
func ruledDesk(t *testing.T) *config.Config {
	t.Helper()
	return configtest.Parse(t, `
destinations:
  - name: inbox
    type: trengo
    trengo: {api_token: token-of-inbox, base_url: "http://127.0.0.1:1"}
    event_filter: {deny: [Noise]}
    calls: {topic: calls, allow: [GET /teams]}
    rules:
      - {name: pages, match: {type: page}, default: true}
      - {name: large, match: {event: ["Payment *"]}, when: properties.amount > 100, default: true}
      - {name: failed, match: {event: [Payment Failed]}, when: 'properties.plan != "vip"', default: true}
      - {name: payments, match: {event: ["Payment *"]}, default: true}
      - {name: rest, default: true}
  - {name: crm, type: kustomer, kustomer: {api_key: key-of-crm, base_url: "http://127.0.0.1:1"}}
`)
}

const someEvents = `{"type":"track","event":"Payment Failed","messageId":"m-1","userId":"u","properties":{"amount":7}}
{"type":"track","event":"Noise","messageId":"m-2","userId":"u"}
{"type":"identify","messageId":"m-3","userId":"u"}
{"event":"Payment Failed"}
{"type":"call","destination":"inbox","method":"GET","path":"/teams","correlationId":"c-1"}
`

// matched plans which rules decide, and returns what is printed.
func matched(t *testing.T, o dryrun.Options, events string) string {
	t.Helper()
	var out bytes.Buffer
	o.Config, o.Events, o.Out, o.Rules, o.Log = ruledDesk(t), strings.NewReader(events), &out, true, slog.New(slog.DiscardHandler)
	if err := dryrun.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestRun_rulesSaysWhichRuleDecidesAndWhyTheOthersDoNot(t *testing.T) {
	want := `event 1: track Payment Failed messageId m-1
  inbox: rule payments decides
    pages     is about another type of event
    large     its condition is false
    failed    its condition fails: a field that the condition names is missing: no such key: plan
    payments  decides
    rest      would match, but payments comes first
  crm: has no rules
event 2: track Noise messageId m-2
  inbox: no rule is asked, the event is skipped: filtered
  crm: has no rules
event 3: identify messageId m-3
  inbox: no rule matches, the destination acts as without rules
    pages     is about another type of event
    large     is about another type of event
    failed    is about another type of event
    payments  is about another type of event
    rest      is about another type of event
  crm: has no rules
event 4: cannot be read
  inbox: no rule is asked, the event dies: missing_type, type is missing
  crm: no rule is asked, the event dies: missing_type, type is missing
event 5: call
  inbox: no rule is asked about a call
  crm: no rule is asked, the event is skipped: type_not_taken
`
	if diff := cmp.Diff(want, matched(t, dryrun.Options{Text: true}, someEvents)); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
}

func TestRun_rulesAsJSON(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(matched(t, dryrun.Options{Destinations: []string{"inbox"}}, someEvents)), "\n")
	if len(lines) != 5 {
		t.Fatalf("%d lines, want 5", len(lines))
	}
	var got dryrun.Matched
	if err := json.Unmarshal([]byte(lines[0]), &got); err != nil {
		t.Fatal(err)
	}
	if got.Rule == nil || *got.Rule != "payments" || len(got.Rules) != 5 || got.Rules[1].Reason != "condition_false" || *got.Event.Name != "Payment Failed" {
		t.Errorf("the first is %s", lines[0])
	}
	want := `{"event":{"id":"m-2","type":"track","name":"Noise","lane":"u"},"destination":{"name":"inbox","type":"trengo"},"rule":null,"rules":[],"reason":"filtered","error":null,"source":null}`
	if diff := cmp.Diff(want, lines[1]); diff != "" {
		t.Errorf("the second (-want +got):\n%s", diff)
	}
	if !strings.Contains(lines[3], `"error":{"code":"missing_type"`) {
		t.Errorf("the fourth is %s", lines[3])
	}
	if !strings.Contains(lines[4], `"rule":null,"call":true,"rules":[]`) {
		t.Errorf("the fifth is %s", lines[4])
	}
}

// A plan lists each step of a rule, with placeholders for what only the desk can tell.
func TestRun_showsEachStepOfARule(t *testing.T) {
	cfg := configtest.Parse(t, `
destinations:
  - name: inbox
    type: trengo
    trengo: {api_token: token-of-inbox, channel_id: "7", base_url: "http://127.0.0.1:1"}
    rules:
      - name: failed
        match: {event: [Payment Failed]}
        contact: {create: true, fields: {Plan: "{{ plan }}"}}
        ticket: {subject: "Payment failed", team: Billing, labels: [urgent], note: Declined, status: closed}
`)
	event := `{"type":"track","event":"Payment Failed","userId":"u","properties":{"plan":"vip"},"context":{"traits":{"email":"a@b.nl","name":"A"}}}`
	got, err := run(t, dryrun.Options{Config: cfg, Events: strings.NewReader(event), Offline: true})
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	var steps, writes []string
	for _, s := range got[0].Steps {
		steps = append(steps, s.Name+" "+string(s.State))
	}
	for _, c := range got[0].Calls {
		if !c.Lookup {
			writes = append(writes, c.Method+" "+strings.TrimPrefix(c.URL, "http://127.0.0.1:1")+" "+c.Request.String())
		}
	}
	if diff := cmp.Diff([]string{"contact_field:Plan planned", "ticket planned", "assign:team planned", "label:urgent planned", "note planned", "close planned"}, steps); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	want := []string{
		`POST /channels/7/contacts {"name":"A","identifier":"a@b.nl","channel_id":"7"}`,
		`POST /contacts/%3Cid%20of%20the%20contact%3E/custom_fields {"custom_field_id":"<id of the field of contacts>","value":"vip"}`,
		`POST /tickets {"contact_id":"<id of the contact>","channel_id":"7","subject":"Payment failed"}`,
		`POST /tickets/%3Cid%20of%20the%20ticket%3E/assign {"type":"team","team_id":"<id of the team>"}`,
		`POST /tickets/%3Cid%20of%20the%20ticket%3E/labels {"label_id":"<id of the label>"}`,
		`POST /tickets/%3Cid%20of%20the%20ticket%3E/messages {"message":"Declined","internal_note":true}`,
		`POST /tickets/%3Cid%20of%20the%20ticket%3E/close {}`,
	}
	if diff := cmp.Diff(want, writes); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
}

package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping/rules"
)

func TestParse_rules(t *testing.T) {
	c := parse(t, minimal+`
    rules: []
`, nil)
	if len(c.Destinations[1].Rules) != 0 {
		t.Errorf("rules %v, want none", c.Destinations[1].Rules)
	}
	c = parse(t, `
destinations:
  - name: inbox
    type: trengo
    trengo: {api_token: token-for-trengo}
    rules:
      - name: payment-failed
        match: {event: [Payment Failed, "Payment *"]}
        when: properties.amount >= 100.0 && traits.plan == "vip"
        contact: {create: true, fields: {Plan: "{{ traits.plan }}"}}
        ticket: {subject: "Payment of {{ properties.amount }} failed", team: Billing, labels: [billing, urgent], note: "Card declined"}
        on_missing: dead
`, nil)
	want := []rules.Rule{{
		Name: "payment-failed", Match: rules.Pattern{Type: "track", Event: []string{"Payment Failed", "Payment *"}},
		When:    `properties.amount >= 100.0 && traits.plan == "vip"`,
		Contact: rules.Contact{Create: true, Fields: map[string]string{"Plan": "{{ traits.plan }}"}},
		Ticket: rules.Ticket{
			KeyTTL: 90 * 24 * time.Hour, Subject: "Payment of {{ properties.amount }} failed", Team: "Billing", Labels: []string{"billing", "urgent"}, Note: "Card declined",
		},
		OnMissing: "dead",
	}}
	if diff := cmp.Diff(want, c.Destinations[0].Rules); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
}

// find takes a word or a block.
func TestParse_whichTicketARuleFinds(t *testing.T) {
	for text, want := range map[string]rules.Ticket{
		`key: x, key_ttl: 7d`:                  {Key: "x", KeyTTL: 7 * 24 * time.Hour},
		`find: newest, key_ttl: 1d12h`:         {Find: rules.Find{Word: "newest"}, KeyTTL: 36 * time.Hour},
		`find: key, key: x, key_ttl: 0.5d`:     {Find: rules.Find{Word: "key"}, Key: "x", KeyTTL: 12 * time.Hour},
		`find: {id: "{{ id }}"}, key_ttl: 90m`: {Find: rules.Find{ID: "{{ id }}"}, KeyTTL: 90 * time.Minute},
	} {
		c := parse(t, "destinations:\n  - {name: inbox, type: trengo, trengo: {api_token: token-for-trengo}, rules: [{name: a, default: true, ticket: {"+text+"}}]}\n", nil)
		if diff := cmp.Diff(want, c.Destinations[0].Rules[0].Ticket); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestParse_rulesThatCannotBeUsed(t *testing.T) {
	text := func(rule string) string {
		return "destinations:\n  - name: inbox\n    type: trengo\n    trengo: {api_token: token-for-trengo}\n    rules:\n      - " + rule + "\n"
	}
	for rule, want := range map[string]string{
		`{name: A, default: true}`: "test.yaml:6:16: destinations[0].rules[0].name: must be 1 to 64",
		`{default: true}`:          "destinations[0].rules[0].name: is missing",
		`{name: a}`:                "destinations[0].rules[0]: asks for nothing",
		`{name: a, default: true, when: "property.x == 1"}`:        "destinations[0].rules[0].when: line 1, column 1: undeclared reference",
		`{name: a, ticket: {note: "{{#if x}}"}}`:                   "destinations[0].rules[0].ticket.note: ",
		`{name: a, ticket: {result: Solved}}`:                      "destinations[0].rules[0].ticket.result: needs status: closed",
		`{name: a, ticket: {note: x, find: oldest}}`:               "destinations[0].rules[0].ticket.find: must be one of key, newest",
		`{name: a, ticket: {note: x, find: {ids: x}}}`:             `destinations[0].rules[0].ticket.find: unknown key "ids"; did you mean "id"?`,
		`{name: a, ticket: {note: x, find: [key]}}`:                "destinations[0].rules[0].ticket.find: must be a block of keys",
		`{name: a, ticket: {note: x, find: key}}`:                  "destinations[0].rules[0].ticket.find: needs ticket.key",
		`{name: a, ticket: {note: x, find: {id: ""}}}`:             "test.yaml:6:48: destinations[0].rules[0].ticket.find.id: is empty",
		`{name: a, ticket: {labels: [a, b], remove_labels: [b]}}`:  "test.yaml:6:60: destinations[0].rules[0].ticket.remove_labels[0]: is in ticket.labels as well",
		`{name: a, send: {template: {id: "81"}}}`:                  "test.yaml:6:26: destinations[0].rules[0].send.template: a WhatsApp template goes to a phone number",
		`{name: a, ticket: {note: x, key_ttl: 90000000d}}`:         "destinations[0].rules[0].ticket.key_ttl: write a duration",
		`{name: a, ticket: {note: x, urgency: 6}}`:                 "destinations[0].rules[0].ticket.urgency: must be below 6",
		`{name: a, ticket: {status: snoozed, snooze: {for: 1d}}}`:  "destinations[0].rules[0].ticket.status: Trengo cannot snooze",
		`{name: a, ticket: {open: sometimes}}`:                     "destinations[0].rules[0].ticket.open: ",
		`{name: a, ticket: {notes: x}}`:                            "destinations[0].rules[0].ticket: ",
		`{name: a, default: true, match: {type: Track}}`:           "destinations[0].rules[0].match.type: ",
		`{name: a, contact: {fields: {Plan: "{{", City: "{{ x"}}}`: "destinations[0].rules[0].contact.fields.Plan: ",
	} {
		if got := refusal(t, text(rule)); !strings.Contains(got, want) {
			t.Errorf("%s: refused with\n%s\nwant %q", rule, got, want)
		}
	}
	hook := "destinations:\n  - name: hook\n    type: webhook\n    webhook: {url: https://hooks.example.com}\n    rules: [{name: a, default: true}]\n"
	if got := refusal(t, hook); !strings.Contains(got, "destinations[0].rules: a webhook destination has no rules") {
		t.Errorf("a desk without rules: %s", got)
	}
}

// So is what stands in them for nothing.
func TestParse_warnsOfWhatHasNoEffectInRules(t *testing.T) {
	c := parse(t, `
destinations:
  - name: inbox
    type: trengo
    trengo: {api_token: token-for-trengo-1234}
    rules:
      - {name: b, match: {event: [B, B]}, ticket: {labels: [vip, "{{ plan }}", vip]}}
      - {name: a, ticket: {note: x, key_ttl: 7d}}
`, nil)
	want := `test.yaml:7:38: warning: destinations[0].rules[0].match.event[1]: "B" stands there twice
    7 |       - {name: b, match: {event: [B, B]}, ticket: {labels: [vip, "{{ plan }}", vip]}}
      |                                      ^
test.yaml:7:80: warning: destinations[0].rules[0].ticket.labels[2]: "vip" stands there twice
    7 |       - {name: b, match: {event: [B, B]}, ticket: {labels: [vip, "{{ plan }}", vip]}}
      |                                                                                ^
test.yaml:8:46: warning: destinations[0].rules[1].ticket.key_ttl: has no effect without ticket.key
    8 |       - {name: a, ticket: {note: x, key_ttl: 7d}}
      |                                              ^`
	if diff := cmp.Diff(want, c.Warnings().Error()); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

// What rules most likely do not mean is a warning at its place: the file is accepted.
func TestParse_warnsOfRules(t *testing.T) {
	c := parse(t, `
source: {topics: [shop, app]}
destinations:
  - name: inbox
    type: trengo
    trengo: {api_token: token-for-trengo-1234}
    rules:
      - {name: a, default: true, when: properties.plan != "vip"}
      - {name: b, match: {type: identify}, contact: {fields: {Plan: vip}}}
      - {name: c, default: true, match: {event: ["*"]}, ticket: {key: "{{ id }}"}}
      - {name: d, default: true, match: {event: [Refund]}}
`, nil)
	want := `test.yaml:8:40: warning: destinations[0].rules[0].when: an event without properties.plan does not match: write has(properties.plan) && ... to say so, or !has(properties.plan) || ... if it should match
    8 |       - {name: a, default: true, when: properties.plan != "vip"}
      |                                        ^
test.yaml:9:54: warning: destinations[0].rules[1].contact.fields: the rule sets these fields only: name and other traits of an identify event are no longer saved; add default: true to save them as well
    9 |       - {name: b, match: {type: identify}, contact: {fields: {Plan: vip}}}
      |                                                      ^
test.yaml:10:71: warning: destinations[0].rules[2].ticket.key: a key belongs to one source topic: an event of another one of source.topics does not find its ticket
   10 |       - {name: c, default: true, match: {event: ["*"]}, ticket: {key: "{{ id }}"}}
      |                                                                       ^
test.yaml:11:16: warning: destinations[0].rules[3].name: this rule is never reached: rule c before it takes every track event; put this one first, or give that one names or a condition
   11 |       - {name: d, default: true, match: {event: [Refund]}}
      |                ^`
	if diff := cmp.Diff(want, c.Warnings().Error()); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

// A rule on an event of help desks needs their topic, and their topic such a rule.
func TestParse_warnsOfDeskEventsThatNobodyReadsOrTakes(t *testing.T) {
	text := func(topics, typ string) string {
		return "source: {topics: [" + topics + "]}\n" + `destinations:
  - name: inbox
    type: trengo
    events: [identify]
    trengo: {api_token: token-for-trengo-1234}
    rules: [{name: a, match: {type: ` + typ + `}, ticket: {find: newest, open: never, status: closed}}]
`
	}
	hook := "source: {topics: [helpdesk.events]}\ndestinations: [{name: a, type: webhook, webhook: {url: https://hooks.example.com/in}}]\n"
	for file, want := range map[string]string{
		text("events", "ticket.closed"):                  "rules[0].match.type: ticket.closed is an event of a help desk, and source.topics does not have inbound.topic, helpdesk.events, so the rule sees none",
		text("events, helpdesk.events", "identify"):      "source.topics[1]: no rule takes an event of help desks, so all of helpdesk.events are skipped",
		text("events, helpdesk.events", "ticket.closed"): "",
		hook: "",
	} {
		switch got := parse(t, file, nil).Warnings(); {
		case want == "" && len(got.List) > 0:
			t.Errorf("%s\nwarnings: %v", file, got)
		case want != "" && !strings.Contains(got.Error(), want):
			t.Errorf("%s\nwarnings %v\nwant %s", file, got, want)
		}
	}
	const want = `destinations[0].rules[0].match.type: help desks have no event "ticket.close"; did you mean "ticket.closed"?`
	if got := refusal(t, text("helpdesk.events", "ticket.close")); !strings.Contains(got, want) {
		t.Errorf("a type that does not exist: %s\nwant %s", got, want)
	}
}

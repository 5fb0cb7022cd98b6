package config_test

import (
	"strings"
	"testing"

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
			Find: "newest", Open: "once", Subject: "Payment of {{ properties.amount }} failed", Team: "Billing", Labels: []string{"billing", "urgent"}, Note: "Card declined",
		},
		OnMissing: "dead",
	}}
	if diff := cmp.Diff(want, c.Destinations[0].Rules); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
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
		`{name: a, ticket: {open: sometimes}}`:                     "destinations[0].rules[0].ticket.open: ",
		`{name: a, ticket: {notes: x}}`:                            "destinations[0].rules[0].ticket: ",
		`{name: a, default: true, match: {type: Track}}`:           "destinations[0].rules[0].match.type: ",
		`{name: a, contact: {fields: {Plan: "{{", City: "{{ x"}}}`: "destinations[0].rules[0].contact.fields.Plan: ",
	} {
		if got := refusal(t, text(rule)); !strings.Contains(got, want) {
			t.Errorf("%s: refused with\n%s\nwant %q", rule, got, want)
		}
	}
	crm := "destinations:\n  - name: crm\n    type: kustomer\n    kustomer: {api_key: key-for-kustomer}\n    rules: [{name: a, default: true}]\n"
	if got := refusal(t, crm); !strings.Contains(got, "destinations[0].rules: a kustomer destination has no rules") {
		t.Errorf("a desk without rules: %s", got)
	}
}

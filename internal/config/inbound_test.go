package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/internal/config"
)

func TestParse_inboundThatCannotBe(t *testing.T) {
	for settings, want := range map[string]string{
		`topic: "a b"`:                     "inbound.topic: a topic's name is",
		`topic: events.responses`:          "inbound.topic: the topic is also that of outcomes or dead letters",
		`topic: dlq.events.deskstream`:     "inbound.topic: the topic is also that of",
		`listen: "9410"`:                   "inbound.listen: write host:port",
		`listen: "127.0.0.1:9400"`:         "inbound.listen: must not be the address of http.listen or http.admin",
		`tls: {cert_file: c}`:              "inbound.tls: cert_file and key_file belong together",
		`public_url: hooks.example.com`:    "inbound.public_url: write the full address",
		`public_url: "http://example.com"`: "inbound.public_url: must be https",
	} {
		if got := refusal(t, "inbound: {"+settings+"}\n"+minimal); !strings.Contains(got, want) {
			t.Errorf("%s:\n%s\nwant %s", settings, got, want)
		}
	}
	if got := parse(t, "source: {topics: [helpdesk.events]}\n"+minimal, nil); got.Inbound.Topic != got.Source.Topics[0] {
		t.Error("the inbound topic cannot be a source")
	}
}

func TestParse_webhooksThatCannotBe(t *testing.T) {
	text := func(kind, settings string) string {
		of := map[string]string{"trengo": "trengo: {api_token: token-for-trengo}", "kustomer": "kustomer: {api_key: key-for-kustomer}", "webhook": "webhook: {url: https://hooks.example.com/in}"}
		return fmt.Sprintf("destinations:\n  - name: a\n    type: %s\n    %s\n    webhooks: {%s}\n", kind, of[kind], settings)
	}
	for _, tt := range []struct{ kind, settings, want string }{
		{"webhook", "secrets: [a-long-secret]", "destinations[0].webhooks: a webhook destination sends no webhooks"},
		{"trengo", "enrich: true", "destinations[0].webhooks: give secrets or secrets_file"},
		{"trengo", "secrets: []", "destinations[0].webhooks: give secrets or secrets_file"},
		{"trengo", `secrets: [" "]`, "destinations[0].webhooks.secrets[0]: must not be blank"},
		{"trengo", "secrets: [a-long-secret, short]", "destinations[0].webhooks.secrets[1]: must have at least 8 characters"},
		{"trengo", `secrets: ["a-long\nsecret"]`, "destinations[0].webhooks.secrets[0]: must not have a control character"},
		{"trengo", "secrets: [a-long-secret], events: [ticket.close]", `destinations[0].webhooks.events[0]: is no unified event; did you mean "ticket.closed"?`},
		{"trengo", "secrets: [a-long-secret], events: [ticket.closed, ticket.created]", "destinations[0].webhooks.events[1]: Trengo has no webhook for it"},
		{"kustomer", "secrets: [a-long-secret], events: [note.created]", "destinations[0].webhooks.events[0]: Kustomer has no webhook for it"},
		{"kustomer", "secrets: [a-long-secret], max_age: 0s", "destinations[0].webhooks.max_age: must be at least 1s"},
		{"kustomer", "secrets: [a-long-secret], secret: x", `unknown key "secret"`},
	} {
		got := refusal(t, text(tt.kind, tt.settings))
		if !strings.Contains(got, tt.want) {
			t.Errorf("%s, %s:\n%s\nwant %s", tt.kind, tt.settings, got, tt.want)
		}
		if strings.Contains(got, "a-long-secret") {
			t.Errorf("a secret is shown:\n%s", got)
		}
	}
	for kind, events := range map[string]string{"trengo": "note.created", "kustomer": "contact.updated"} {
		c := parse(t, text(kind, "secrets_file: hooks.json, events: ["+events+"]"), nil)
		if !c.Destinations[0].Webhooks.Receives() {
			t.Errorf("%s does not receive", kind)
		}
	}
	if (config.Webhooks{}).Receives() {
		t.Error("without secrets it receives")
	}
	if got := refusal(t, "destinations:\n  - {name: a, type: trengo, trengo: {api_token: token-for-trengo, time_zone: Amsterdam}}\n"); !strings.Contains(got, "trengo.time_zone: write a name of the time zone database") {
		t.Errorf("a zone that is none:\n%s", got)
	}
}

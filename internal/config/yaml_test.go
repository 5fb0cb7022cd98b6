package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/desk/kustomer"
)

// What people write on one line is YAML like the rest.
func TestParse_flowStyle(t *testing.T) {
	vars := map[string]string{"A": "one:9092", "B": "[::1]:9092", "TOKEN": "s3cr3t"}
	for text, want := range map[string][]string{
		"kafka: {brokers: [localhost:9092]}":                      {"localhost:9092"},
		"kafka: {brokers: [localhost:9092, 127.0.0.1:9093]}":      {"localhost:9092", "127.0.0.1:9093"},
		"kafka: {brokers: ['localhost:9092']}":                    {"localhost:9092"},
		"kafka: {brokers: [${A}, \"${B}\"]}":                      {"one:9092", "[::1]:9092"},
		"kafka: {brokers: [${A}]}":                                {"one:9092"},
		"kafka:\n  brokers: [${NONE:-fallback:9092}, ${A}]":       {"fallback:9092", "one:9092"},
		"kafka:\n  brokers:\n    - ${A}\n    - x${NONE:-1}y:9092": {"one:9092", "x1y:9092"},
	} {
		if diff := cmp.Diff(want, parse(t, text+minimal, vars).Kafka.Brokers); diff != "" {
			t.Errorf("brokers of %q (-want +got):\n%s", text, diff)
		}
	}
	if got := parse(t, "kafka: {client_id: ${NONE:-a, b: # [c]}}"+minimal, vars).Kafka.ClientID; got != "a, b: # [c]" {
		t.Errorf("a default with commas and brackets is %q", got)
	}
	c := parse(t, "destinations: [{name: crm, type: kustomer, kustomer: {api_key: ${TOKEN}, base_url: http://127.0.0.1:9500/kustomer}}]", vars)
	if k := c.Destinations[0].Desk().(*kustomer.Settings); k.APIKey.Reveal() != "s3cr3t" || k.BaseURL != "http://127.0.0.1:9500/kustomer" {
		t.Errorf("a destination on one line has key %q and host %q", k.APIKey.Reveal(), k.BaseURL)
	}
}

// A few kilobytes of brackets must not cost gigabytes.
func TestParse_refusesDeepNesting(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000),
		strings.Repeat("{a: ", 100_000),
		strings.Repeat("- ", 100_000),
	} {
		if got := refusal(t, text); !strings.Contains(got, "max depth") {
			t.Errorf("the refusal of deep nesting is %.200q", got)
		}
	}
}

package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/internal/config"
)

// fileOfSecrets has one in every place for secrets, in every form that YAML has for
// a text. The first and the last half of a secret are enough to find it.
const fileOfSecrets = `kafka:
  brokers: [localhost:9092]
  sasl:
    mechanism: plain
    username: me
    password: s3cr3tv4lue
    oauth: {token: "s3cr3tv4lue", client_secret: 's3cr3tv4lue', scopes: [x]}
schema_registry:
  password: |
    s3cr3tv4lue
  token: >-
    s3cr3tv4lue
destinations:
  - name: inbox
    type: trengo
    trengo:
      channel_id: "1"
      api_token: "s3cr3tv4lue"
      base_url: https://localhost
  - {name: crm, type: kustomer, kustomer: {api_key: s3cr3tv4lue, generic_page: false}}
`

func shows(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "s3cr3") || strings.Contains(err.Error(), "v4lue"))
}

func TestParse_brokenFilesShowNoSecret(t *testing.T) {
	check := func(text, how string) {
		t.Helper()
		if _, err := config.Parse("f", []byte(text), testEnvironment); shows(err) {
			t.Errorf("%s: a secret shows in:\n%v", how, err)
		}
	}
	for i := range fileOfSecrets {
		check(fileOfSecrets[:i], fmt.Sprintf("cut at %d", i))
		check(fileOfSecrets[:i]+fileOfSecrets[i+1:], fmt.Sprintf("without byte %d", i))
		for j, insert := range []string{":", ": ", "{", "[", "]", "}", `"`, "'", "&", "*", "!", "|", ">", "\n", "\t", "#", " ", ",", "- ", "? ", "%", "${"} {
			if (i+j)%3 != 0 {
				continue // one third of all finds what all find, in a second
			}
			check(fileOfSecrets[:i]+insert+fileOfSecrets[i:], fmt.Sprintf("%q at %d", insert, i))
		}
	}
}

func TestParse_secretsInWrongFieldsDoNotShow(t *testing.T) {
	for _, path := range []string{
		"kafka: {client_id: [%s]}", "kafka: {tls: {enabled: %s}}", "limits: {records: %s}", "limits: {bytes: %s}", "source: {start: %s}",
		"source: {drain_timeout: %s}", "source: {isolation: %s}", "dead_letters: {breaker: {share: %s}}", "destinations: [{name: %s}]",
		"destinations: [{name: a, type: kustomer, kustomer: {api_key: key-for-kustomer, base_url: %s}}]", "http: {listen: %s}", "responses: {topic: %s}",
		"kafka: {brokers: [%s]}", "destinations: [{events: [%s]}]",
		"destinations: [{name: a, type: trengo, trengo: {api_token: token-for-trengo, event_templates: [{event: a, template: %s}]}}]",
	} {
		text := strings.Replace(path, "%s", `"${TOKEN} / {{#"`, 1)
		_, err := config.Parse("f", []byte(text), testEnvironment)
		if err == nil {
			t.Errorf("accepted: %s", text)
		}
		if shows(err) {
			t.Errorf("%s: a secret shows in:\n%v", text, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(fileOfSecrets)
	f.Add(fileWithEveryKey)
	f.Add("a: &a [*a]")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := config.Parse("f", []byte(text), testEnvironment)
		if (c == nil) == (err == nil) {
			t.Errorf("got %v and %v", c, err)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "f:") {
			t.Errorf("no place in: %v", err)
		}
	})
}

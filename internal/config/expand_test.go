package config_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParse_substitution(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for name, text := range map[string]string{"plain": "from file\n", "two": "a\n\n", "windows": "crlf\r\n", "none": "bare"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	vars := map[string]string{"A": "one", "EMPTY": "", "YAML": "{a: [b]} # c", "NESTED": "${A}"}
	for in, want := range map[string]string{
		`${A}`:                  "one",
		`"${A}"`:                "one",
		`'x${A}y${A}'`:          "xoneyone",
		`${B:-two words}`:       "two words",
		`${A:-two}`:             "one",
		`${EMPTY:-two}`:         "two",
		`"${EMPTY}"`:            "",
		`"${B:-}"`:              "",
		`${YAML}`:               "{a: [b]} # c",
		`${NESTED}`:             "${A}",
		`$${A}`:                 "${A}",
		`"$$${A}"`:              "$${A}",
		`"$ {A} $A {A} }"`:      "$ {A} $A {A} }",
		`${file:plain}`:         "from file",
		`${file:two}`:           "a\n",
		`${file:windows}`:       "crlf",
		`${file:./none}`:        "bare",
		`${B:-http://x:1/y?-z}`: "http://x:1/y?-z",
	} {
		c := parse(t, minimal+"source: {group_instance_id: x}\nkafka:\n  sasl: {mechanism: plain, username: u, password: p}\n  tls:\n    enabled: true\n    server_name: "+in+"\n", vars)
		if got := c.Kafka.TLS.ServerName; got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
}

func TestParse_substitutedTextIsConverted(t *testing.T) {
	c := parse(t, `
kafka: {brokers: ["${BROKERS}"]}
limits: {records: "${N}", bytes: "${SIZE}"}
responses:
  bodies: ${NO}
source:
  drain_timeout: ${DRAIN}
  start: ${WHEN}
dead_letters:
  breaker: {share: '${SHARE}'}
`+minimal, map[string]string{
		"BROKERS": "a:1, b:2", "N": "12", "SIZE": "1KiB", "NO": "false", "DRAIN": "40s", "SHARE": "0.25", "WHEN": "2026-01-02T03:04:05Z",
	})
	if diff := cmp.Diff([]string{"a:1", "b:2"}, c.Kafka.Brokers); diff != "" {
		t.Errorf("brokers (-want +got):\n%s", diff)
	}
	if c.Limits.Records != 12 || c.Limits.Bytes != 1024 || c.Responses.Bodies || c.Source.DrainTimeout != 40*time.Second || c.DeadLetters.Breaker.Share != 0.25 {
		t.Errorf("got %+v %+v %v %v", c.Limits, c.Responses, c.Source.DrainTimeout, c.DeadLetters.Breaker)
	}
	if want := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC); !c.Source.Start.At.Equal(want) {
		t.Errorf("start is %v, want %v", c.Source.Start.At, want)
	}
}

package main

import (
	"encoding/json"
	"strings"
	"testing"
)

const goodConfig = `
destinations:
  - name: crm
    type: kustomer
    kustomer: {api_key: s3cr3t-of-kustomer, base_url: "http://127.0.0.1:1"}
`

func TestCheck_goodFileGivesASummary(t *testing.T) {
	t.Parallel()
	got := runCommand(t, "", "check", "-c", writeFile(t, "c.yaml", goodConfig))
	got.want(t, exitOK, "ok: ", "")
	for _, want := range []string{"events", "events.responses", "dlq.events.deskstream", "deskstream.crm", "http://127.0.0.1:1"} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("the summary lacks %s:\n%s", want, got.stdout)
		}
	}
	if strings.Contains(got.stdout, "s3cr3t") {
		t.Errorf("the summary shows a secret:\n%s", got.stdout)
	}
}

func TestCheck_warningsAreOnStderrAndTheFileIsAccepted(t *testing.T) {
	t.Parallel()
	file := writeFile(t, "c.yaml", strings.Replace(goodConfig, "s3cr3t-of-kustomer", "s3cr3t", 1))
	got := runCommand(t, "", "check", "-c", file)
	got.want(t, exitOK, "ok: ", "c.yaml:5:25: warning: destinations[0].kustomer.api_key: has fewer than 16 characters")
	if strings.Contains(got.stdout+got.stderr, "s3cr3t") || strings.Contains(got.stdout, "warning: ") {
		t.Errorf("got:\n%s%s", got.stdout, got.stderr)
	}
}

func TestCheck_brokenFileShowsAllProblems(t *testing.T) {
	t.Parallel()
	got := runCommand(t, "", "check", "-c", writeFile(t, "c.yaml", "kafka: {broker: x}\nlimit: {}\ndestinations: []\n"))
	got.want(t, exitUsage, "", "did you mean \"brokers\"?")
	if !strings.Contains(got.stderr, "did you mean \"limits\"?") || !strings.Contains(got.stderr, "is refused: 3 problems") {
		t.Errorf("not all problems are shown:\n%s", got.stderr)
	}
}

func TestCheck_unreadableTLSFilesAreRefused(t *testing.T) {
	t.Parallel()
	file := writeFile(t, "c.yaml", "kafka: {tls: {enabled: true, ca_file: /does/not/exist}}\n"+goodConfig)
	runCommand(t, "", "check", "-c", file).want(t, exitUsage, "", "reading ca_file")
}

func TestCheck_schemaIsJSONAndNeedsNoFile(t *testing.T) {
	t.Parallel()
	got := runCommand(t, "", "check", "--schema")
	got.want(t, exitOK, "json-schema.org", "")
	if !json.Valid([]byte(got.stdout)) {
		t.Errorf("the schema is not JSON:\n%s", got.stdout)
	}
}

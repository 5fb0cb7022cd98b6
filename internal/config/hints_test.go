package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParse_unknownKeysAreNamedWhereTheyBelong(t *testing.T) {
	for text, want := range map[string]string{
		"retry: {max: 1s}" + minimal:            "did you mean destinations[].delivery.retry?",
		"api_key: x" + minimal:                  "did you mean destinations[].kustomer.api_key?",
		"userId: x" + minimal:                   "known here are kafka, source",
		"kafka: {broker: [a]}" + minimal:        `did you mean "brokers"?`,
		"lanes: [userId]" + minimal:             `did you mean "lane"?`,
		"xyzzy: {a: 1}" + minimal:               "known here are kafka, source",
		"source: {drain: 5s}" + minimal:         `did you mean "drain_timeout"?`,
		"source: {topics: [a], a: b}" + minimal: "known here are topics",
	} {
		if got := refusal(t, text); !strings.Contains(got, want) {
			t.Errorf("%.40q: the refusal lacks %q:\n%s", text, want, got)
		}
	}
}

func TestParse_mechanismsAreTakenInAnyCase(t *testing.T) {
	c := parse(t, `
kafka: {sasl: {mechanism: SCRAM-SHA-512, username: u, password: p}}
`+minimal, nil)
	if got := c.Kafka.SASL.Mechanism; got != "scram-sha-512" {
		t.Errorf("mechanism %q", got)
	}
	if got := refusal(t, "source: {isolation: READ_COMMITTED}"+minimal); !strings.Contains(got, "must be one of read_committed") {
		t.Errorf("a word of our own in another case is accepted:\n%s", got)
	}
}

func TestParse_warnsOfAVariableWithoutBraces(t *testing.T) {
	text := strings.Replace(minimal, "api_key: key-for-kustomer", "api_key: $KUSTOMER_API_KEY", 1)
	got := parse(t, text, nil).Warnings().Error()
	if want := "destinations[1].kustomer.api_key: is taken as it stands, since only ${NAME} is replaced: is it meant to be ${KUSTOMER_API_KEY}?"; !strings.Contains(got, want) {
		t.Errorf("the warnings lack %q:\n%s", want, got)
	}
}

func TestParse_warnsOfACredentialThatEverybodyMayRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte("a-key-that-is-long-enough"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(minimal, "api_key: key-for-kustomer", "api_key: ${file:"+path+"}", 1)
	if got := parse(t, text, nil).Warnings().Error(); strings.Contains(got, path) {
		t.Errorf("a file of mode 0600 has a warning:\n%s", got)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if got := parse(t, text, nil).Warnings().Error(); !strings.Contains(got, "may read the file") {
		t.Errorf("a file of mode 0644 has no warning:\n%s", got)
	}
}

func TestParse_aBaseURLHasNoVersion(t *testing.T) {
	for _, url := range []string{"https://api.kustomerapp.com/v1", "https://acme.api.kustomerapp.com/v1/"} {
		text := strings.Replace(minimal, "api_key: key-for-kustomer", "api_key: a-key-that-is-long-enough, base_url: "+url, 1)
		if got := refusal(t, text); !strings.Contains(got, "leave out /v1") {
			t.Errorf("%s: the refusal is\n%s", url, got)
		}
	}
}

// A caret behind what is shown points at nothing.
func TestParse_theCaretStandsUnderWhatIsShown(t *testing.T) {
	lines := strings.Split(refusal(t, "destinations: [{name: crm, type: kustomer, kustomer: {api_key: s3cr3t-value, base_url: 'ftp://x'}}]"), "\n")
	for i, line := range lines {
		if at := strings.IndexByte(line, '^'); at >= 0 && at >= len(lines[i-1]) {
			t.Errorf("the caret stands behind the line:\n%s\n%s", lines[i-1], line)
		}
	}
}

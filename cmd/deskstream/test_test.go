package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	examplePayments = repository + "/deploy/example/payments.yaml"
	exampleTests    = repository + "/deploy/example/payments.test.yaml"
)

func TestTest_theExamplePassesWithoutAnEnvironment(t *testing.T) {
	t.Parallel()
	runCommand(t, "", "test", exampleTests).want(t, exitOK, "4 tests, 0 failed\n", "")
	runCommand(t, "", "test", exampleTests, "--run", "closes").want(t, exitOK, "1 test, 0 failed\n", "")
	runCommand(t, "", "test", exampleTests, "--show").want(t, exitOK, "      - method: POST\n        path: /tickets\n", "")
	// The file stands beside its tests, and only with them it has a secret.
	runCommand(t, "", "check", examplePayments).want(t, exitUsage, "", "/run/secrets/trengo")
}

func TestTest_theFileOfTheFlagCountsBeforeTheTests(t *testing.T) {
	t.Parallel()
	other := writeFile(t, "other.yaml", strings.Replace(readFile(t, examplePayments), ">= 100.0", ">= 90.0", 1))
	got := runCommand(t, "", "test", exampleTests, "-c", other)
	got.want(t, exitFault, "FAIL  small amounts are no ticket", "")
	for _, line := range []string{"outcome: want skipped, got planned", "rule: want none, got payment-failed", "4 tests, 1 failed"} {
		if !strings.Contains(got.stdout, line) {
			t.Errorf("stdout lacks %q:\n%s", line, got.stdout)
		}
	}
	got = runCommand(t, "", "test", exampleTests, "-c", other, "-o", "json")
	var doc struct {
		Kind string
		Data struct {
			Passed, Failed int
			Files          []struct {
				Tests []struct {
					Passed   bool
					Problems []struct{ Differences []string }
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(got.stdout), &doc); err != nil || got.code != exitFault {
		t.Fatalf("exit code %d, %v: %s", got.code, err, got.stdout)
	}
	if doc.Kind != "test" || doc.Data.Passed != 3 || doc.Data.Failed != 1 || len(doc.Data.Files[0].Tests[1].Problems[0].Differences) < 2 {
		t.Errorf("document %+v", doc)
	}
}

func TestTest_wrongUsage(t *testing.T) {
	t.Parallel()
	runCommand(t, "", "test").want(t, exitUsage, "", "requires at least 1 arg")
	runCommand(t, "", "test", "/does/not/exist").want(t, exitUsage, "", "reading the tests")
	runCommand(t, "", "test", exampleTests, "--run", "nothing of it").want(t, exitUsage, "", "--run matches no test")
	runCommand(t, "", "test", exampleTests, "--run", "(").want(t, exitUsage, "", "--run: ")
	runCommand(t, "", "test", exampleTests, "--show", "--json").want(t, exitUsage, "", "--show prints text")
	runCommand(t, "", "test", exampleTests, "-c", writeFile(t, "bad.yaml", "nonsense: 1")).want(t, exitUsage, "", `unknown key "nonsense"`)
}

func TestDocs_thePageOfTestsShowsTheExample(t *testing.T) {
	t.Parallel()
	var shown []string
	for _, m := range fence.FindAllStringSubmatch(readFile(t, repository+"/docs/testing.md"), -1) {
		if m[1] == "yaml payments" {
			shown = append(shown, m[2])
		}
	}
	if diff := cmp.Diff([]string{readFile(t, exampleTests)}, shown); diff != "" {
		t.Errorf("docs/testing.md differs from %s (-file +page):\n%s", exampleTests, diff)
	}
}

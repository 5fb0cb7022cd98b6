package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/deskstream/deskstream/internal/config"
)

// sharing is the tests, and behind them the end of what they share.
type sharing struct{ *testing.M }

func (s sharing) Run() int {
	defer endShared()
	// Most of these tests wait for programs, brokers and sessions, so more of them run at once than
	// there are processors, unless -parallel says otherwise.
	flag.Parse()
	if given := flag.Lookup("test.parallel"); given.Value.String() == given.DefValue {
		_ = given.Value.Set("16")
	}
	return s.M.Run()
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(sharing{m}, goleak.Cleanup(removeBinary)) }

// result is what a run of the program gave.
type result struct {
	code           int
	stdout, stderr string
}

// runWith runs the program in this process with an environment and an input.
func runWith(ctx context.Context, getenv config.LookupFunc, stdin string, args ...string) result {
	var stdout, stderr transcript // several write at once, which a file takes
	code := run(ctx, args, getenv, streams{strings.NewReader(stdin), &stdout, &stderr})
	return result{code, stdout.String(), stderr.String()}
}

// runCommand is runWith without an environment.
func runCommand(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	return runWith(t.Context(), func(string) (string, bool) { return "", false }, stdin, args...)
}

// writeFile writes a file of the test and gives its path.
func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := t.TempDir() + "/" + name
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// deskConfig is a file with destinations of the given names at one desk.
func deskConfig(t *testing.T, url string, names ...string) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("destinations:\n")
	for _, name := range names {
		fmt.Fprintf(&b, `
  - name: %s
    type: kustomer
    kustomer: {api_key: s3cr3t-key-of-the-desk, base_url: "%s", advanced_transform: false}
    delivery:
      timeout: 30s
      rate_limit: {requests: 1000000}
      retry: {max_elapsed: 200ms, initial: 10ms, max: 50ms, max_attempts: 1}
`, name, url)
	}
	return writeFile(t, "c.yaml", b.String())
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (r result) want(t *testing.T, code int, stdout, stderr string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d\nstdout: %s\nstderr: %s", r.code, code, r.stdout, r.stderr)
	}
	if !strings.Contains(r.stdout, stdout) {
		t.Errorf("stdout lacks %q: %s", stdout, r.stdout)
	}
	if !strings.Contains(r.stderr, stderr) {
		t.Errorf("stderr lacks %q: %s", stderr, r.stderr)
	}
	if stdout == "" && r.stdout != "" {
		t.Errorf("got something on stdout: %s", r.stdout)
	}
	if stderr == "" && r.stderr != "" {
		t.Errorf("got something on stderr: %s", r.stderr)
	}
}

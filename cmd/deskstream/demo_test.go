package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
)

const addsUp = "It adds up: every event is accounted for at every destination."

// demoTable runs a demo that must add up and gives its table.
func demoTable(t *testing.T, args ...string) string {
	t.Helper()
	r := runCommand(t, "", append([]string{"demo"}, args...)...)
	if r.code != exitOK || !strings.Contains(r.stdout, addsUp) {
		t.Fatalf("demo %v: exit code %d\n%s\n%s", args, r.code, r.stdout, r.stderr)
	}
	if !strings.HasPrefix(r.stderr, "console   http://127.0.0.1:") {
		t.Errorf("the address of the console is not the first: %s", r.stderr)
	}
	for _, want := range []string{"broker    127.0.0.1:", stubtrengo.Path, stubkustomer.Path, "/metrics"} {
		if !strings.Contains(r.stderr, want) {
			t.Errorf("the addresses lack %q: %s", want, r.stderr)
		}
	}
	return r.stdout
}

// became are the lines of a table that say what became of events.
func became(table string) []string {
	var lines []string
	for line := range strings.Lines(table) {
		words := strings.Fields(line)
		if len(words) > 0 && slices.Contains([]string{"events", "delivered", "skipped", "dead"}, words[0]) {
			lines = append(lines, strings.Join(words, " "))
		}
	}
	return lines
}

func TestDemo_accountsForEveryEventOfAnUnreliableAPI(t *testing.T) {
	t.Parallel()
	table := demoTable(t, "--events", "300", "--fail-rate", "0.05", "--seed", "7", "--latency", "1ms")
	if lines := became(table); lines[0] != "events in 300" {
		t.Errorf("the table begins with %q, want 300 events", lines[0])
	}
	for _, want := range []string{
		"support-inbox (trengo)\n", "crm (kustomer)\n", "POST /tickets", "POST /v1/tracking/identityEvent",
		"skipped event_not_configured", "dead invalid/", "calls per track",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("the table lacks %q:\n%s", want, table)
		}
	}
}

func TestDemo_sameSeedGivesSameOutcomes(t *testing.T) {
	t.Parallel()
	first := became(demoTable(t, "--events", "300", "--seed", "3"))
	if len(first) < 10 {
		t.Fatalf("the table has only the lines %q", first)
	}
	if diff := cmp.Diff(first, became(demoTable(t, "--events", "300", "--seed", "3"))); diff != "" {
		t.Errorf("two runs of one seed differ: %s", diff)
	}
	if cmp.Equal(first, became(demoTable(t, "--events", "300", "--seed", "4"))) {
		t.Error("another seed gives the same outcomes")
	}
}

func TestDemo_goesOnWithTheDataOfAnEarlierRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	demoTable(t, "--events", "100", "--data-dir", dir)
	if lines := became(demoTable(t, "--events", "100", "--data-dir", dir)); lines[0] != "events in 200" {
		t.Errorf("the second table begins with %q, want 200 events", lines[0])
	}
}

func TestDemo_settlesWhatCameInWhenItIsStopped(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, w := io.Pipe()
	var stdout strings.Builder
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"demo", "--rate", "200"}, os.LookupEnv, streams{strings.NewReader(""), &stdout, w})
		_ = w.Close() // a pipe's Close never fails
	}()
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if address, found := strings.CutPrefix(lines.Text(), "received  "); found {
			awaitCall(t, address)
			cancel()
		}
	}
	if got := <-code; got != exitOK || !strings.Contains(stdout.String(), addsUp) || became(stdout.String())[0] == "events in 0" {
		t.Errorf("exit code %d\n%s", got, stdout.String())
	}
}

// awaitCall returns when the stub help desks have received something.
func awaitCall(t *testing.T, address string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), awaitBound)
	defer cancel()
	for tick := time.NewTicker(10 * time.Millisecond); ; <-tick.C {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Close = true
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Errorf("asking what was received: %v", err)
			return
		}
		first, err := bufio.NewReader(resp.Body).ReadString('\n')
		_ = resp.Body.Close() // what was not read does not matter
		if err == nil && first != "" {
			return
		}
	}
}

func TestDemo_refusesWrongUse(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--events", "-1"}, {"--rate", "-1"}, {"--fail-rate", "7"}, {"extra"}} {
		runCommand(t, "", append([]string{"demo"}, args...)...).want(t, exitUsage, "", "Error: ")
	}
}

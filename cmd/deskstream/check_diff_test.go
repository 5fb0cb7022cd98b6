package main

import (
	"encoding/json"
	"os"
	"strings"
	"syscall"
	"testing"
)

// What a reload takes gives exit code 0, what needs a restart 3.
func TestCheckDiff_showsWhatAReloadTakes(t *testing.T) {
	t.Parallel()
	old := writeFile(t, "old.yaml", goodConfig)
	for name, tt := range map[string]struct {
		from, to string
		code     int
		want     []string
		more     string // at the end of the file, under the destination
	}{
		"nothing":  {"crm", "crm", exitOK, []string{"no difference"}, ""},
		"a reload": {"s3cr3t-of-kustomer", "another-s3cr3t-of-kustomer", exitOK, []string{"destinations[crm].kustomer.api_key", "[redacted]", "reload"}, ""},
		"a restart": {
			"destinations:", "responses: {topic: other}\ndestinations:", exitRestart,
			[]string{"responses.topic", "events.responses", "other", "restart"},
			"",
		},
		// Each of these settings may change, but not so.
		"the first rules": {
			"destinations:", "destinations:", exitRestart,
			[]string{"destinations[crm].rules (the first ticket.key)", "destinations[crm].rules (the first one that opens tickets)", "restart"},
			"    rules: [{name: paid, match: {event: [Paid]}, ticket: {key: \"{{ invoice }}\", subject: Paid}}]\n",
		},
		"the first priority": {
			"destinations:", "destinations:", exitRestart,
			[]string{"whether destinations[crm] has priorities", "restart"},
			"    delivery: {priority: {track: high}}\n",
		},
	} {
		changed := writeFile(t, "new.yaml", strings.Replace(goodConfig, tt.from, tt.to, 1)+tt.more)
		got := runCommand(t, "", "check", "-c", changed, "--diff", old)
		got.want(t, tt.code, tt.want[0], "")
		for _, want := range tt.want {
			if !strings.Contains(got.stdout, want) || strings.Contains(got.stdout, "s3cr3t") {
				t.Errorf("%s: no %q, or a secret:\n%s", name, want, got.stdout)
			}
		}
	}
	runCommand(t, "", "check", "-c", old, "--diff", "/does/not/exist").want(t, exitUsage, "", "--diff")
}

func TestConfigShow_isAFileThatCheckTakesAndHidesSecrets(t *testing.T) {
	t.Parallel()
	file := writeFile(t, "c.yaml", strings.Replace(goodConfig, "s3cr3t-of-kustomer", "${SECRET_KEY}", 1))
	getenv := func(name string) (string, bool) { return "s3cr3t-of-kustomer", name == "SECRET_KEY" }
	text := runWith(t.Context(), getenv, "", "config", "show", "-c", file)
	text.want(t, exitOK, "drain_timeout: 35s", "")
	if strings.Contains(text.stdout, "s3cr3t") {
		t.Errorf("a secret is shown:\n%s", text.stdout)
	}
	runCommand(t, text.stdout, "check", "-c", "-").want(t, exitOK, "ok: ", "warning")
	var doc struct {
		Schema int
		Kind   string
		Data   struct{ Source struct{ Group string } }
	}
	got := runWith(t.Context(), getenv, "", "config", "show", "-c", file, "--json")
	if err := json.Unmarshal([]byte(got.stdout), &doc); err != nil || doc.Schema != 1 || doc.Kind != "config" || doc.Data.Source.Group != "deskstream" {
		t.Errorf("%v: %s", err, got.stdout)
	}
	runCommand(t, "", "config", "show", "-c", file, "-o", "xml").want(t, exitUsage, "", "text, json")
}

func TestHangUps_receivesTheSignal(t *testing.T) {
	received, stop := hangUps()
	defer stop()
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	<-received
}

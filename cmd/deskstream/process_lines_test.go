package main

import (
	"encoding/json"
	"os"
	"strings"
	"syscall"
	"testing"
)

// logged returns the entries of a process's log with a message.
func (p *process) logged(message string) []map[string]any {
	p.t.Helper()
	var list []map[string]any
	for line := range strings.Lines(p.stderr.String()) {
		var entry map[string]any
		if json.Unmarshal([]byte(line), &entry) == nil && entry["msg"] == message {
			list = append(list, entry)
		}
	}
	return list
}

// What an operator of the built program sees: one line for the start, one when it is ready, one for the
// partitions of a pipeline that are released at a stop; and what SIGHUP does to a process, nothing that
// stands in the file beside the settings that a reload takes.
func TestRun_saysItsStartItsStopAndAReload(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	path := w.config(settings{reserve: 0.5})
	p := w.start(path, "--create-topics")
	p.awaitLog("deskstream is ready")
	starts := p.logged("deskstream starts")
	if len(starts) != 1 || starts[0]["file"] != path || starts[0]["version"] == "" {
		t.Errorf("the start is logged as %v, want one line with the version and the file %s", starts, path)
	}
	if text, err := json.Marshal(starts); err != nil || strings.Contains(string(text), trengoToken) || strings.Contains(string(text), kustomerKey) {
		t.Errorf("the line of the start has a credential: %s, %v", text, err)
	}

	file := readFile(t, path)
	change := func(old, by string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(strings.Replace(file, old, by, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		p.signal(syscall.SIGHUP)
	}
	change("reserve: 0.5", "reserve: 0.25")
	p.awaitLog("configuration reloaded")
	if got := p.logged("configuration reloaded"); len(got) != 1 || !strings.Contains(toText(t, got[0]["changed"]), "rate_limit.reserve") {
		t.Errorf("the reload is logged as %v", got)
	}
	change("group: ", "group: another-")
	p.awaitLog("reload failed, the running configuration stays")
	if got := p.logged("reload failed, the running configuration stays"); len(got) != 1 || !strings.Contains(toText(t, got[0]["err"]), "source.group") {
		t.Errorf("the refused reload is logged as %v", got)
	}
	p.alive()

	w.produce(20, each(5))
	w.awaitCommitted(p)
	p.stop()
	if got := p.logged("partitions released, the next owner delivers what is open"); len(got) != 2 {
		t.Errorf("%d lines say that partitions are released, want one for each of two destinations: %v", len(got), got)
	}
	if got := p.logged("deskstream is ready"); len(got) != 1 {
		t.Errorf("%d lines say that it is ready, want 1", len(got))
	}
}

// toText is a member of a log's entry as text.
func toText(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

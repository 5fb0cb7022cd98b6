package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// completed are the words that a shell is offered for the last argument.
func completed(t *testing.T, args ...string) []string {
	t.Helper()
	got := runCommand(t, "", append([]string{"__complete"}, args...)...)
	var words []string
	for line := range strings.Lines(got.stdout) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, ":") {
			words = append(words, line)
		}
	}
	return words
}

func TestCompletion_knowsDestinationsClassesCodesAndLevels(t *testing.T) {
	t.Parallel()
	file := deskConfig(t, "http://127.0.0.1:1", "crm", "inbox")
	for _, tt := range []struct {
		args []string
		want []string
	}{
		{[]string{"dlq", "list", "--class", ""}, []string{"invalid", "rejected", "exhausted", "expired", "unknown"}},
		{[]string{"run", "--log-level", ""}, []string{"debug", "info", "warn", "error"}},
		{[]string{"dlq", "list", "-c", file, "--destination", ""}, []string{"crm", "inbox"}},
		{[]string{"hold", "-c", file, ""}, []string{"crm", "inbox"}},
		{[]string{"resume", "-c", "/does/not/exist", ""}, nil},
		{[]string{"status", "-o", ""}, []string{"text", "json"}},
	} {
		if got := completed(t, tt.args...); !slices.Equal(got, tt.want) {
			t.Errorf("%q completes to %q, want %q", tt.args, got, tt.want)
		}
	}
	if codes := completed(t, "dlq", "list", "--code", ""); !slices.Contains(codes, "contact_not_found") {
		t.Errorf("codes are %q", codes)
	}
}

// A program reads the help: every command, its flags and its exit codes.
func TestHelp_asJSONIsTheWholeTree(t *testing.T) {
	t.Parallel()
	var doc struct {
		Kind string
		Data helpDocument
	}
	got := runCommand(t, "", "--help", "--json")
	if err := json.Unmarshal([]byte(got.stdout), &doc); err != nil || got.code != exitOK || doc.Kind != "help" {
		t.Fatalf("%v: %+v", err, got)
	}
	found := map[string]helpDocument{}
	var visit func(h helpDocument)
	visit = func(h helpDocument) {
		found[h.Command] = h
		for _, child := range h.Commands {
			visit(child)
		}
	}
	visit(doc.Data)
	audit := found["deskstream audit"]
	if len(audit.Exits) != 4 || !slices.ContainsFunc(audit.Flags, func(f helpFlag) bool { return f.Name == "quiet" && f.Short == "q" }) {
		t.Errorf("audit is %+v", audit)
	}
	if _, ok := found["deskstream dlq list"]; !ok {
		t.Errorf("there is no dlq list among %d commands", len(found))
	}
	one := runCommand(t, "", "dlq", "list", "-h", "--json")
	if err := json.Unmarshal([]byte(one.stdout), &doc); err != nil || doc.Data.Command != "deskstream dlq list" {
		t.Errorf("%v: %s", err, one.stdout)
	}
}

func TestDiscard_asksBeforeItWrites(t *testing.T) {
	t.Parallel()
	a := &app{stdin: strings.NewReader("y\n")}
	if err := a.confirm("Discard 2 letters?"); err == nil || !strings.Contains(err.Error(), "--yes") {
		t.Errorf("what is no terminal was asked: %v", err)
	}
}

package main

import (
	"path/filepath"
	"testing"

	"github.com/deskstream/deskstream/internal/kafkatest"
)

// A typing mistake must not look like good news: "0 letters".
func TestDLQ_unknownValuesOfFiltersAreErrors(t *testing.T) {
	t.Parallel()
	b := newBox(t, kafkatest.Topic(lettersTopic, 2), kafkatest.Topic(statesTopic, 1), kafkatest.Topic(responsesTopic, 1))
	broken := ownLetter(2, "dlq.destination", "old-desk", "dlq.event.type", "trak", "dlq.code", "of_later_version")
	b.Produce(t, ownLetter(1), broken)
	plan := filepath.Join(t.TempDir(), "plan.json")
	for _, tt := range []struct {
		flag, value string
		code        int
		stderr      string
	}{
		{"destination", "crm", exitOK, ""},
		{"destination", "old-desk", exitOK, ""}, // renamed since: its letters can still be listed
		{"destination", "crn", exitUsage, `--destination: "crn" is not known, and no letter has it; did you mean "crm"?`},
		{"destination", "old-dsk", exitUsage, `did you mean "old-desk"?`},
		{"destination", "warehouse", exitUsage, `"warehouse" is not known, and no letter has it; there are crm, old-desk`},
		{"destination", "crm,warehouse", exitUsage, `"warehouse" is not known`},
		{"class", "rejected", exitOK, ""},
		{"class", "reject", exitUsage, `--class: "reject" is not known; did you mean "rejected"?`},
		{"class", "wrong", exitUsage, `"wrong" is not known; there are invalid, rejected, exhausted, expired, unknown`},
		{"code", "http_422", exitOK, ""},
		{"code", "http_999", exitOK, ""},
		{"code", "timeout", exitOK, ""},
		{"code", "of_later_version", exitOK, ""},
		{"code", "time_out", exitUsage, `--code: "time_out" is not known, and no letter has it; did you mean "timeout"?`},
		{"code", "http_42", exitUsage, `"http_42" is not known`},
		{"code", "nonsense", exitUsage, `there are not_json, not_an_object, `},
		{"code", "org.example.NotThereException", exitOK, "note: no letter has the code org.example.NotThereException"},
		{"dialect", "connect", exitOK, ""},
		{"dialect", "conect", exitUsage, `did you mean "connect"?`},
		{"dialect", "other", exitUsage, `there are deskstream, connect, spring, `},
		{"type", "page", exitOK, ""},
		{"type", "trak", exitOK, ""},
		{"type", "trck", exitUsage, `did you mean "track"?`},
	} {
		for _, command := range [][]string{{"list"}, {"plan"}, {"plan", "--discard", "-o", plan}, {"discard", "--yes", "--reason", "a test"}} {
			if tt.code == exitOK && (command[0] == "discard" || command[0] == "plan" && len(command) == 1) {
				continue // it would discard the letters, or ask the help desk
			}
			got := b.dlq(append(command, "--"+tt.flag, tt.value)...)
			if got.code != tt.code {
				t.Errorf("dlq %v --%s %s: exit code %d, want %d: %s", command, tt.flag, tt.value, got.code, tt.code, got.stderr)
			}
			got.wantAll(t, tt.code, "", tt.stderr)
		}
	}
	b.dlq("list", "--destination", "old-desk").wantAll(t, exitOK, "1 letter, 1 cause", "")
	b.dlq("plan", "--to", "crmm").want(t, exitUsage, "", `no destination is called "crmm" in the configuration; did you mean "crm"?`)
}

func TestDestinationFlag_namesTheKnownOnes(t *testing.T) {
	t.Parallel()
	file := deskConfig(t, "http://127.0.0.1:1", "crm", "inbox")
	for _, command := range [][]string{{"run"}, {"deliver"}, {"plan", "--offline"}} {
		args := append(command, "-c", file, "--destination")
		runCommand(t, "", append(args, "imbox")...).want(t, exitUsage, "", `no destination is called "imbox" in the configuration; did you mean "inbox"?`)
		runCommand(t, "", append(args, "zzzzzz")...).want(t, exitUsage, "", `no destination is called "zzzzzz" in the configuration; there are crm, inbox`)
	}
}

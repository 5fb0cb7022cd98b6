package main

import (
	"strings"
	"testing"

	"github.com/deskstream/deskstream/internal/kafkatest"
)

// What is exported is the events, one a line, and produce takes them.
func TestDLQExport_printsEventsThatProduceTakes(t *testing.T) {
	t.Parallel()
	b := newBox(t, kafkatest.Topic(lettersTopic, 1), kafkatest.Topic("events", 1))
	broken := ownLetter(3, "dlq.class", "invalid", "dlq.code", "not_json")
	broken.Value = []byte("no JSON")
	spread := ownLetter(2)
	spread.Value = []byte("{\n  \"type\": \"track\",\n  \"messageId\": \"m-2\", \"userId\": \"user-7\"\n}")
	b.Produce(t, ownLetter(1), spread, broken, ownLetter(4, "dlq.code", "http_404"))
	b.dlq("export").want(t, exitUsage, "", "no filter says which letters are meant")
	got := b.dlq("export", "--code", "http_422", "--code", "not_json")
	got.want(t, exitOK, identify("m-1")[:20], "2 events exported")
	lines := strings.Split(strings.TrimSpace(got.stdout), "\n")
	if len(lines) != 2 || lines[1] != `{"type":"track","messageId":"m-2","userId":"user-7"}` || !strings.Contains(got.stderr, "1 letter left out") {
		t.Errorf("exported %q\n%s", lines, got.stderr)
	}
	fixed := strings.ReplaceAll(got.stdout, "user-7", "user-8")
	runCommand(t, fixed, "produce", "-c", b.file).want(t, exitOK, "", "2 ")
	var values []string
	for _, r := range b.Consume(t, "events") {
		values = append(values, string(r.Value))
	}
	if text := strings.Join(values, "\n"); len(values) != 2 || strings.Count(text, "user-8") != 1 {
		t.Errorf("produced\n%s", text)
	}
}

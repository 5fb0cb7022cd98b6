package service

import (
	"bytes"
	"testing"

	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/internal/status"
)

func TestHostile_lanesPrintNothingThatSteersATerminal(t *testing.T) {
	for name, text := range map[string]string{"colours": "\x1b[1m\x1b[41m\nFORGED", "C1": "a\u009b1mb\u0085FORGED\u009d0;t\u009c", "directions": "a\u202eb\u2066c\nFORGED"} {
		var b bytes.Buffer
		if err := writeLanes(&b, 1, []status.Lane{{Lane: text[:min(len(text), 1024)], Topic: text[:min(len(text), 1024)]}}); err != nil {
			t.Fatal(err)
		}
		if got := b.Bytes(); !bytes.Equal(output.Safe(got), got) || bytes.Contains(got, []byte("\nFORGED")) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

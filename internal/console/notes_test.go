package console

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

func TestNotes_areBounded(t *testing.T) {
	n := new(notes)
	for i := range 10_000 {
		fmt.Fprintf(n, "note: the partition %d", i)
		_, _ = io.WriteString(n, " is missing\nnote: the same again\n\n")
	}
	for range 100 { // a line without an end
		_, _ = io.WriteString(n, strings.Repeat("é", maxNote))
	}
	list := n.lines()
	if len(list) != maxNotes+1 || list[0] != "the partition 0 is missing" || list[1] != "the same again" || list[maxNotes] != "and 9952 further notes, left out here" {
		t.Errorf("%d notes are\n%s", len(list), strings.Join(list, "\n"))
	}
	if kept := len(n.list); kept != maxNotes || cap(n.line) > 2*maxNote {
		t.Errorf("%d notes and %d bytes are kept", kept, cap(n.line))
	}
	_, _ = io.WriteString(n, "\n")
	if again := n.lines(); len(again) != maxNotes+1 || again[maxNotes] != list[maxNotes] {
		t.Errorf("with its end the line is counted again: %s", again[len(again)-1])
	}
}

func TestNotes_showALineWhoseEndIsStillToCome(t *testing.T) {
	n := new(notes)
	_, _ = io.WriteString(n, "note: the first\nthe second")
	if list := n.lines(); len(list) != 2 || list[0] != "the first" || list[1] != "the second" {
		t.Errorf("the notes are %q", list)
	}
}

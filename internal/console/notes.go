package console

import (
	"bytes"
	"slices"
	"strings"
	"sync"

	"github.com/deskstream/deskstream/internal/output"
)

// The bounds of notes: how many lines are kept, and how much of one, in bytes.
const (
	maxNotes = 50
	maxNote  = 2_000
)

// notes keeps the first of what engines note, one line each, and counts the others.
type notes struct {
	mu   sync.Mutex
	line []byte // the beginning of one whose end has not come yet
	list []string
	left int // lines that are not kept
}

// Write implements io.Writer.
func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for rest := p; len(rest) > 0; {
		text, after, ended := bytes.Cut(rest, []byte("\n"))
		n.line = append(n.line, text[:min(len(text), maxNote-len(n.line))]...)
		if rest = after; ended {
			n.list, n.left = n.taken()
			n.line = n.line[:0]
		}
	}
	return len(p), nil
}

// taken are the lines with the one that has begun, without the word before it.
func (n *notes) taken() (list []string, left int) {
	line := strings.TrimPrefix(strings.TrimSpace(strings.ToValidUTF8(string(n.line), "")), "note: ")
	switch {
	case line == "" || slices.Contains(n.list, line):
		return n.list, n.left
	case len(n.list) == maxNotes:
		return n.list, n.left + 1
	}
	return append(n.list, line), n.left
}

// lines are the notes.
func (n *notes) lines() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	list, left := n.taken()
	list = slices.Clone(list)
	if left > 0 {
		list = append(list, "and "+output.Count(left, "further note")+", left out here")
	}
	return list
}

package console

import (
	"slices"
	"strings"
	"sync"
)

// maxNotes is how many lines of notes a page shows.
const maxNotes = 50

// notes collects what engines note, one line each.
type notes struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(p)
}

// lines are the notes without the word before them.
func (n *notes) lines() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var list []string
	for line := range strings.Lines(n.text.String()) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "note: ")
		if line != "" && !slices.Contains(list, line) && len(list) < maxNotes {
			list = append(list, line)
		}
	}
	return list
}

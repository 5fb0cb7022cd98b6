package export

import (
	"fmt"
	"sync"
	"time"

	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/mapping/unified"
)

// meter counts the calls of one destination, for progress. Its methods may be called from any
// goroutine.
type meter struct {
	mu          sync.Mutex
	destination string
	calls       int // since the process began
	entity      unified.Entity
	page, pages int
	// begun is calls when the walk began, expected how many the walk takes, as far as is known.
	begun, expected int
	each            time.Duration // the time of a call by the reserve alone
	resting         bool
}

func (m *meter) called() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
}

func (m *meter) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls
}

// begin notes that a walk begins which takes so many calls.
func (m *meter) begin(expected int, each time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.begun, m.expected, m.each, m.resting = m.calls, expected, each, false
}

func (m *meter) rest() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.resting = true
}

// at notes the place of the walk.
func (m *meter) at(e unified.Entity, w walkState) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entity, m.page, m.pages = e, w.Steps+1, w.Size.Pages
}

// line is for people.
func (m *meter) line() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.resting {
		return m.destination + ": waiting for the next walk"
	}
	done := m.calls - m.begun
	line := fmt.Sprintf("%s: %s", m.destination, m.entity)
	if m.pages > 0 {
		line += fmt.Sprintf(", page %d of %d", m.page, max(m.page, m.pages))
	}
	line += fmt.Sprintf(", %s", output.Count(done, "call"))
	if left := m.expected - done; left > 0 {
		line += fmt.Sprintf(" of about %d, %s left", m.expected, output.Roughly(time.Duration(left)*m.each))
	}
	return line
}

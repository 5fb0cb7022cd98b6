package stub

import (
	"encoding/json"
	"sync"
	"time"
)

// Call is one call that a help desk received.
type Call struct {
	// Seq counts the calls of all help desks from 1, in the order of arrival.
	Seq int64 `json:"seq"`
	// Destination is the name of the help desk.
	Destination string `json:"destination"`
	// At is when the call had arrived completely.
	At time.Time `json:"at"`
	// Op is the method and the path's template, "PUT /contacts/{id}"; "" for a path
	// that the API does not have.
	Op     string `json:"op"`
	Method string `json:"method"`
	// Path is escaped, as it was sent, without the prefix at which the API is served.
	Path string `json:"path"`
	// Query is the encoded query.
	Query string `json:"query,omitempty"`
	// Body is kept only with Config.KeepBodies, and only if it is JSON.
	Body json.RawMessage `json:"body,omitempty"`
	// Status is what was answered; 0 while the call is open and when its connection was cut.
	Status int `json:"status"`
	// User is the identifier of the person whom the call is about, "" if it shows none.
	User string `json:"user,omitempty"`
	// Mark is the mark of the event that the call belongs to; see sample.FindMark.
	Mark string `json:"mark,omitempty"`
	// Fault names the failure that the stub injected, "" for an honest answer.
	Fault Fault `json:"fault,omitempty"`
	// Open is set until the call is answered.
	Open bool `json:"open,omitempty"`
	// ClosedEarly is set when the client went away before the answer.
	ClosedEarly bool `json:"closed_early,omitempty"`
}

// ledger is the list of calls. Entries are appended at arrival and completed with the
// answer. Only the ledger changes them.
type ledger struct {
	mu    sync.Mutex
	seq   int64
	calls []*Call
}

// add appends a call and numbers it.
func (l *ledger) add(c Call) *Call {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq++
	c.Seq, c.At, c.Open = l.seq, time.Now().UTC(), true
	l.calls = append(l.calls, &c)
	return l.calls[len(l.calls)-1]
}

func (l *ledger) finish(c *Call, status int, fault Fault, closedEarly bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.Status, c.Fault, c.ClosedEarly, c.Open = status, fault, closedEarly, false
}

// list returns copies of the calls of one destination, "" for all.
func (l *ledger) list(destination string) []Call {
	l.mu.Lock()
	defer l.mu.Unlock()
	calls := make([]Call, 0, len(l.calls))
	for _, c := range l.calls {
		if destination == "" || c.Destination == destination {
			calls = append(calls, *c)
		}
	}
	return calls
}

func (l *ledger) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls = nil
}

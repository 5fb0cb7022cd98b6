package trengo

import (
	"cmp"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/deskstream/deskstream/internal/stub"
)

// The states of a ticket. A new one is assigned to the owner of the token.
const (
	stateOpen     = "OPEN"
	stateAssigned = "ASSIGNED"
	stateClosed   = "CLOSED"
)

// The types of a message that API calls make.
const (
	outbound = "OUTBOUND"
	note     = "NOTE"
)

// message is a message or a note of a ticket. It is never changed.
type message struct {
	id   int64
	kind string
	text string
	at   time.Time
}

// ticket is a ticket of a contact in a channel. Its messages are appended to, never
// changed, so a copy can be read without the lock.
type ticket struct {
	id        int64
	contact   string
	channel   string
	subject   string
	state     string
	createdAt time.Time
	updatedAt time.Time
	closedAt  time.Time
	messages  []message // oldest first
}

// spoken is when the last message was sent, or when the ticket was made if there is
// none. Notes do not count.
func (t ticket) spoken() time.Time {
	if m, ok := t.latest(); ok {
		return m.at
	}
	return t.createdAt
}

// latest is the last message that is no note.
func (t ticket) latest() (message, bool) {
	for _, m := range slices.Backward(t.messages) {
		if m.kind != note {
			return m, true
		}
	}
	return message{}, false
}

// tickets are the tickets of one account.
type tickets struct {
	mu   sync.RWMutex
	byID map[string]*ticket
	made map[string]int // how many a contact had
}

func newTickets() *tickets {
	s := &tickets{}
	s.clear()
	return s
}

// open makes a ticket. Its id is a hash of the contact, plus how many tickets the
// contact had: ids of a contact's tickets grow with time, as the vendor's do.
func (s *tickets) open(contact, channel, subject string) ticket {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := stub.NumericID("ticket", contact) + int64(s.made[contact])
	for s.byID[strconv.FormatInt(id, 10)] != nil {
		id++ // another contact's
	}
	s.made[contact]++
	now := time.Now().UTC()
	t := &ticket{
		id: id, contact: contact, channel: channel, subject: subject, state: stateAssigned,
		createdAt: now, updatedAt: now,
	}
	s.byID[strconv.FormatInt(id, 10)] = t
	return *t
}

func (s *tickets) get(id string) (ticket, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if t, ok := s.byID[id]; ok {
		return *t, true
	}
	return ticket{}, false
}

// change lets a function change the ticket of an id, and returns it.
func (s *tickets) change(id string, with func(*ticket)) (ticket, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.byID[id]
	if !ok {
		return ticket{}, false
	}
	t.updatedAt = time.Now().UTC()
	with(t)
	return *t, true
}

func (s *tickets) setState(id, state string) (ticket, bool) {
	return s.change(id, func(t *ticket) {
		t.state, t.closedAt = state, time.Time{}
		if state == stateClosed {
			t.closedAt = t.updatedAt
		}
	})
}

// say adds a message to a ticket. Its id is a hash of the ticket, plus how many
// messages came before.
func (s *tickets) say(id, kind, text string) (ticket, bool) {
	return s.change(id, func(t *ticket) {
		next := stub.NumericID("message", id) + int64(len(t.messages))
		t.messages = append(t.messages, message{id: next, kind: kind, text: text, at: t.updatedAt})
	})
}

// merge ends the ticket of source for good: the one of target is what is left.
func (s *tickets) merge(target, source string) (ticket, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.byID[target]
	if !ok || s.byID[source] == nil || source == target {
		return ticket{}, false
	}
	t.updatedAt = time.Now().UTC()
	delete(s.byID, source)
	return *t, true
}

// list returns the tickets that a filter keeps, the one that was spoken in last first.
func (s *tickets) list(keep func(ticket) bool) []ticket {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var kept []ticket
	for _, t := range s.byID {
		if keep(*t) {
			kept = append(kept, *t)
		}
	}
	slices.SortFunc(kept, func(a, b ticket) int {
		return cmp.Or(b.spoken().Compare(a.spoken()), cmp.Compare(b.id, a.id))
	})
	return kept
}

func (s *tickets) count() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.byID)
}

func (s *tickets) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byID, s.made = make(map[string]*ticket), make(map[string]int)
}

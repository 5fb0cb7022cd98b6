package trengo

import (
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
	user int64 // who wrote it
	kind string
	text string
	at   time.Time
}

// ticket is a ticket of a contact in a channel. Its lists are appended to or
// replaced, never changed, so a copy can be read without the lock.
type ticket struct {
	id         int64
	contact    string
	channel    string
	subject    string
	state      string
	user, team int64 // whom it is assigned to, 0 for none
	createdAt  time.Time
	updatedAt  time.Time
	assignedAt time.Time
	closedAt   time.Time
	madeAt     time.Time // by the true clock, as is listed
	listed     time.Time // when it is in the list
	origin     origin
	merged     bool
	messages   []message // oldest first
	labels     []string  // ids
	fields     []fieldValue
}

// origin is what made a ticket.
type origin struct {
	user int64
	call int64
	mark string
}

// spoken is when the last message was sent, or when the ticket was made if there is
// none. Notes do not count.
func (t *ticket) spoken() time.Time {
	if m, ok := t.latest(); ok {
		return m.at
	}
	return t.createdAt
}

// latest is the last message that is no note.
func (t *ticket) latest() (message, bool) {
	for _, m := range slices.Backward(t.messages) {
		if m.kind != note {
			return m, true
		}
	}
	return message{}, false
}

// tickets are the tickets of one account.
type tickets struct {
	mu         sync.RWMutex
	byID       map[string]*ticket
	spoken     bySpoken       // those of byID
	all        []*ticket      // also those that were merged, in the order of their making
	made       map[string]int // how many a contact had
	ticketIDs  sequence
	messageIDs sequence
}

// sequence gives ids that grow with time, as the vendor's do over the whole account. Its
// nth id is the same in every run. That ids are missing in between is a guess: other
// accounts get theirs from the same sequence.
type sequence struct {
	last int64
	n    uint64
}

func (s *sequence) next() int64 {
	s.n++
	s.last += 1 + int64(stub.Mix(s.n)%97)
	return s.last
}

// What ids begin above. Ids of messages were seen beyond 2^31.
const (
	ticketsBegin  = 700_000_000
	messagesBegin = 5_100_000_000
)

func newTickets() *tickets {
	s := &tickets{ticketIDs: sequence{last: ticketsBegin}, messageIDs: sequence{last: messagesBegin}}
	s.clear()
	return s
}

// open makes a ticket of its contact, channel, subject, user, origin and moment. How long it takes
// to be in the list depends on how many tickets the contact had.
func (s *tickets) open(t ticket, lag func(nth int) time.Duration) ticket {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made[t.contact]++
	t.id, t.state, t.madeAt = s.ticketIDs.next(), stateAssigned, time.Now().UTC()
	t.listed = t.madeAt.Add(lag(s.made[t.contact]))
	t.updatedAt, t.assignedAt = t.createdAt, t.createdAt
	s.byID[strconv.FormatInt(t.id, 10)] = &t
	s.spoken.add(&t)
	s.all = append(s.all, &t)
	return t
}

func (s *tickets) get(id string) (ticket, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if t, ok := s.byID[id]; ok {
		return *t, true
	}
	return ticket{}, false
}

// change lets a function change the ticket of an id at a moment, and returns it.
func (s *tickets) change(id string, now time.Time, with func(*ticket)) (ticket, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.byID[id]
	if !ok {
		return ticket{}, false
	}
	t.updatedAt = now
	with(t)
	return *t, true
}

func (s *tickets) setState(id, state string, now time.Time) (ticket, bool) {
	return s.change(id, now, func(t *ticket) {
		t.state, t.closedAt = state, time.Time{}
		if state == stateClosed {
			t.closedAt = t.updatedAt
		}
	})
}

// say adds a message, without its id, to a ticket.
func (s *tickets) say(id string, m message) (ticket, bool) {
	return s.change(id, m.at, func(t *ticket) { s.add(t, m) })
}

// add adds a message to a ticket, with the lock held.
func (s *tickets) add(t *ticket, m message) {
	m.id = s.messageIDs.next()
	s.spoken.remove(t)
	t.messages = append(t.messages, m)
	s.spoken.add(t)
}

// assign gives a ticket to a user or to a team at the moment of a note, and adds the note if
// it has a text.
func (s *tickets) assign(id string, user, team int64, remark message) (ticket, bool) {
	return s.change(id, remark.at, func(t *ticket) {
		t.user, t.team, t.assignedAt = user, team, t.updatedAt
		switch {
		case t.state == stateClosed:
		case user == 0:
			t.state = stateOpen
		default:
			t.state = stateAssigned
		}
		if remark.text != "" {
			s.add(t, remark)
		}
	})
}

// merge ends the ticket of source for good: the one of target is what is left.
func (s *tickets) merge(target, source string, now time.Time) (ticket, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.byID[target]
	if !ok || s.byID[source] == nil || source == target {
		return ticket{}, false
	}
	t.updatedAt = now
	s.spoken.remove(s.byID[source])
	s.byID[source].merged = true
	delete(s.byID, source)
	return *t, true
}

// remove deletes a ticket, and reports whether there was one.
func (s *tickets) remove(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.byID[id]
	if ok {
		s.spoken.remove(t)
		delete(s.byID, id)
		s.all = slices.DeleteFunc(s.all, func(other *ticket) bool { return other == t })
	}
	return ok
}

// page returns a page of the tickets that a filter keeps, and whether more follow. The one that was
// spoken in last comes first, or last.
func (s *tickets) page(p pager, order sequenceOf, keep func(*ticket) bool) (part []ticket, more bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	now, skip := time.Now(), p.skip()
	for _, t := range order(s.spoken) {
		switch {
		case t.listed.After(now) || !keep(t):
		case skip > 0:
			skip--
		case len(part) == p.size:
			return part, true
		default:
			part = append(part, *t)
		}
	}
	return part, false
}

// history returns all tickets that were made, in the order of their making.
func (s *tickets) history() []ticket {
	s.mu.RLock()
	defer s.mu.RUnlock()
	history := make([]ticket, len(s.all))
	for i, t := range s.all {
		history[i] = *t
	}
	return history
}

func (s *tickets) count() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.byID)
}

// clear forgets the tickets. No id is given again: a client that goes on may remember the
// highest one that it saw.
func (s *tickets) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byID, s.made, s.spoken, s.all = make(map[string]*ticket), make(map[string]int), nil, nil
}

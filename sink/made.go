package sink

import "sync"

// madeKept is how many ids Made remembers as taken. A write that is looked for was sent
// minutes ago at most, unless its destination was held; that many objects take an hour and more.
const madeKept = 10_000

// Made is what is known of the objects of one kind that an account has, Trengo's tickets for
// example, whose ids grow with time: the highest id that any response has shown, and the ids
// that are known to be some event's. An effect that is looked for has a higher id than those
// before it, and none of another event. It is safe for concurrent use.
type Made struct {
	mu      sync.Mutex
	highest int64
	known   bool // a response has shown what there is
	maker   string
	taken   map[int64]string // the step whose each is
	order   []int64          // of taken, the oldest first; from next on once it is full
	next    int
	sending map[string]int
}

// Seen takes in an id that a response showed, 0 for the end of an empty list.
func (m *Made) Seen(id int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.highest, m.known = max(m.highest, id), true
}

// Floor is the highest id that any response has shown. It is not known before there was one.
func (m *Made) Floor() (id int64, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.highest, m.known
}

// Take notes that an id is that of an event's step, which is named by its Ref: the process may
// have lost the event since, and have it again. It reports false when it was another one's already.
func (m *Made) Take(id int64, step string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.highest, m.known = max(m.highest, id), true
	if of, taken := m.taken[id]; taken {
		return of == step
	}
	if m.taken == nil {
		m.taken = make(map[int64]string)
	}
	if len(m.order) < madeKept {
		m.order = append(m.order, id)
	} else {
		delete(m.taken, m.order[m.next])
		m.order[m.next] = id
		m.next = (m.next + 1) % madeKept
	}
	m.taken[id] = step
	return true
}

// Taken reports whether an id is that of another step than the named one.
func (m *Made) Taken(id int64, step string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	of, taken := m.taken[id]
	return taken && of != step
}

// SetMaker takes in the id of the desk's user that the account's writes are made by, "" for
// an unknown one.
func (m *Made) SetMaker(user string) {
	if user == "" {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.maker = user
}

// Maker is that user, "" as long as no response has shown it.
func (m *Made) Maker() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.maker
}

// Send notes that a write is on its way that makes an object of a description, for as long as
// done is not called: what is found of the description may be its effect.
func (m *Made) Send(description string) (done func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sending == nil {
		m.sending = make(map[string]int)
	}
	m.sending[description]++
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.sending[description]--; m.sending[description] == 0 {
			delete(m.sending, description)
		}
	}
}

// Sending reports whether a write of the description is on its way.
func (m *Made) Sending(description string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sending[description] > 0
}

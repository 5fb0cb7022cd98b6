package unified

import (
	"sync"

	"github.com/deskstream/deskstream/mapping"
)

// Room is memory for one webhook after another, for a program that is done with the event of one, and
// with its text, before it reads the next. The zero Room is ready. It is for one goroutine at a time.
type Room struct {
	values *mapping.Room // nil: none is used
	text   []byte        // of the latest event
	raw    []byte        // of the latest form
	about  about
}

// about are objects that an event is about.
type about struct {
	ticket  Ticket
	contact Contact
	comment Comment
}

// keptText is how long the text of an event may be whose memory is kept, in bytes.
const keptText = 16 << 10

// values are used from a body to its event, which is short, and take the most memory: so a few serve
// all rooms.
var values = sync.Pool{New: func() any { return new(mapping.Room) }}

// in returns the room of values.
func (r *Room) in() *mapping.Room {
	if r.values == nil {
		r.values = values.Get().(*mapping.Room)
	}
	return r.values
}

// Read says that a body's event is read: its Value is no longer good.
func (r *Room) Read() {
	if r.values != nil {
		r.values.Clear()
		values.Put(r.values)
		r.values = nil
	}
}

// Clear makes the room free: an event that was read in it, and its text, are no longer good.
func (r *Room) Clear() {
	r.Read()
	if cap(r.text) > keptText {
		r.text = nil
	}
	if cap(r.raw) > keptText {
		r.raw = nil
	}
	r.about = about{}
}

// Ticket returns a ticket without anything, the only one until Clear.
func (r *Room) Ticket() *Ticket { return &r.about.ticket }

// Contact returns a contact without anything, the only one until Clear.
func (r *Room) Contact() *Contact { return &r.about.contact }

// Comment returns a comment without anything, the only one until Clear.
func (r *Room) Comment() *Comment { return &r.about.comment }

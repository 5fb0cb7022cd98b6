package mapping

import (
	"bytes"
	"sync"
)

// builder reads a text into a Value. jsontext has checked the text as a whole before: what is left is
// to cut it where its tokens end, without asking again whether they are right.
type builder struct {
	// text is a copy of what is read. Numbers, and strings without escapes, are parts of it
	// and no copies of their own.
	text string
	at   int // where in text the next token begins, or what is between it and the last one
	// open are the members read so far of the objects and lists that are not closed yet,
	// the innermost last. When one is closed its members move to a slice of their own. most is
	// how many there were at once.
	open []Member
	most int
	// free is room for the members of objects and lists that are closed: one allocation
	// serves many small objects. About expected members are still to come.
	free     []Member
	expected int
	placed   int // members that got their room so far
}

var builders = sync.Pool{New: func() any { return new(builder) }}

// keptMembers is the room for members with which a builder returns to its pool at most.
const keptMembers = 1024

// sharedMembers is how many members share one allocation at most: it stays in memory as
// long as one of them is in use.
const sharedMembers = 64

// begin starts to read a text whose outermost object or list is at the given depth. Errors: those of
// a text that is no JSON, or nests too deeply.
func (b *builder) begin(data []byte, depth int) error {
	if err := check(data, depth); err != nil {
		return err
	}
	b.text = string(data)
	// An object or a list has one member more than commas. Commas in strings count too: it is
	// an estimate.
	b.expected = bytes.Count(data, comma) + opened(data)
	return nil
}

var comma = []byte{','}

// place returns room for n members.
func (b *builder) place(n int) []Member {
	if n > len(b.free) {
		b.free = make([]Member, max(n, min(b.expected, sharedMembers)))
	}
	b.expected -= n
	b.placed += n
	place := b.free[:n:n]
	b.free = b.free[n:]
	return place
}

// release returns the builder to its pool, without the text.
func (b *builder) release() {
	if cap(b.open) > keptMembers {
		return
	}
	clear(b.open[:max(b.most, len(b.open))])
	*b = builder{open: b.open[:0]}
	builders.Put(b)
}

// read reads a text whose outermost object or list is at the given depth. Errors: those of begin.
func (b *builder) read(data []byte, depth int) (Value, error) {
	if err := b.begin(data, depth); err != nil {
		return Value{}, err
	}
	b.open = append(b.open, Member{})
	b.value()
	return b.open[0].Value, nil
}

// next returns the first byte of the next token.
func (b *builder) next() byte {
	for isBetween(b.text[b.at]) {
		b.at++
	}
	return b.text[b.at]
}

// value reads the next value into the last of open, in place: a Value is large to be copied.
func (b *builder) value() {
	switch first := b.next(); first {
	case '{':
		b.nested(Object, b.members)
	case '[':
		b.nested(Array, b.elements)
	case '"':
		b.set(String, b.quoted())
	case 'n':
		b.set(Null, "")
		b.at += len("null")
	case 't', 'f':
		b.set(Bool, b.literal())
	default:
		b.set(Number, b.literal())
	}
}

func (b *builder) set(kind Kind, text string) {
	v := &b.open[len(b.open)-1].Value
	v.kind, v.text = kind, text
}

// quoted returns what the next string says: a part of text, if nothing is escaped.
func (b *builder) quoted() string {
	from, escapes := b.at+1, false
	for i := from; ; i++ {
		switch b.text[i] {
		case '"':
			b.at = i + 1
			if escapes {
				return unquote([]byte(b.text[from-1 : b.at]))
			}
			return b.text[from:i]
		case '\\':
			escapes = true
			i++
		}
	}
}

// literal returns the next number or boolean.
func (b *builder) literal() string {
	from := b.at
	for b.at < len(b.text) && !isBetween(b.text[b.at]) && b.text[b.at] != '}' && b.text[b.at] != ']' {
		b.at++
	}
	return b.text[from:b.at]
}

// nested reads an object or a list, into the last of open.
func (b *builder) nested(kind Kind, read func()) {
	from := len(b.open)
	b.at++ // the opening bracket
	read()
	b.at++ // the closing one
	v := &b.open[from-1].Value
	v.kind = kind
	if members := b.open[from:]; len(members) > 0 {
		v.members = b.place(len(members))
		copy(v.members, members)
	}
	b.most = max(b.most, len(b.open))
	b.open = b.open[:from]
}

func (b *builder) elements() {
	for b.next() != ']' {
		b.open = append(b.open, Member{})
		b.value()
	}
}

// dedupeFrom is the number of members from which repeated names are found by a map and
// not by comparing all names.
const dedupeFrom = 16

func (b *builder) members() {
	from := len(b.open)
	var index map[string]int // name to place, once there are many
	for b.next() != '}' {
		at := len(b.open)
		b.open = append(b.open, Member{Name: b.quoted()})
		b.value()
		read, m := b.open[from:at], &b.open[at]
		if index == nil && len(read) >= dedupeFrom {
			index = make(map[string]int, 2*len(read))
			for i := range read {
				index[read[i].Name] = i
			}
		}
		if i := find(read, index, m.Name); i >= 0 {
			read[i].Value, *m = m.Value, Member{}
			b.open = b.open[:at]
		} else if index != nil {
			index[m.Name] = len(read)
		}
	}
}

func find(members []Member, index map[string]int, name string) int {
	if index != nil {
		if i, ok := index[name]; ok {
			return i
		}
		return -1
	}
	for i := range members {
		if members[i].Name == name {
			return i
		}
	}
	return -1
}

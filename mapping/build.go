package mapping

import (
	"bytes"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// builder reads a text into a Value.
type builder struct {
	*tokens
	// text is a copy of what is read. Numbers, and strings without escapes, are parts of it
	// and no copies of their own.
	text string
	// open are the members read so far of the objects and lists that are not closed yet,
	// the innermost last. When one is closed its members move to a slice of their own.
	open []Member
	// free is room for the members of objects and lists that are closed: one allocation
	// serves many small objects. About expected members are still to come.
	free     []Member
	expected int
}

var builders = sync.Pool{New: func() any { return new(builder) }}

// keptMembers is the room for members with which a builder returns to its pool at most.
const keptMembers = 1024

// sharedMembers is how many members share one allocation at most: it stays in memory as
// long as one of them is in use.
const sharedMembers = 64

// begin starts to read a text whose outermost object or list is at the given depth.
func (b *builder) begin(data []byte, depth int) (err error) {
	if b.tokens, err = readTokens(data, depth); err != nil {
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
	place := b.free[:n:n]
	b.free = b.free[n:]
	return place
}

// release returns the builder to its pool, without the text.
func (b *builder) release() {
	if b.tokens != nil {
		b.tokens.free()
	}
	if cap(b.open) > keptMembers {
		return
	}
	clear(b.open)
	*b = builder{open: b.open[:0]}
	builders.Put(b)
}

// value reads the next value into the last of open.
func (b *builder) value() error {
	kind := b.PeekKind()
	switch kind {
	case '{', '[':
		return b.nested(kind)
	case '"':
		s, err := b.string()
		b.set(String, s)
		return err
	}
	raw, err := b.scalar()
	if err != nil {
		return err
	}
	switch kind {
	case 'n':
		b.set(Null, "")
	case 't', 'f':
		b.set(Bool, raw)
	default:
		b.set(Number, raw)
	}
	return nil
}

// scalar consumes a scalar or a name and returns its text, which is a part of b.text.
func (b *builder) scalar() (string, error) {
	raw, err := b.raw()
	if err != nil {
		return "", err
	}
	end := int(b.InputOffset())
	return b.text[end-len(raw) : end], nil
}

// set sets the value of the last of open, in place: a Value is large to be copied.
func (b *builder) set(kind Kind, text string) {
	v := &b.open[len(b.open)-1].Value
	v.kind, v.text = kind, text
}

// string consumes a string or a name and returns what it says.
func (b *builder) string() (string, error) {
	raw, err := b.scalar()
	switch {
	case err != nil:
		return "", err
	case strings.IndexByte(raw, '\\') >= 0:
		return unquote([]byte(raw)), nil
	default:
		return raw[1 : len(raw)-1], nil
	}
}

// nested reads an object or a list into the last of open.
func (b *builder) nested(opening jsontext.Kind) error {
	from := len(b.open)
	kind := Object
	var err error
	if opening == '{' {
		err = b.members()
	} else {
		kind, err = Array, b.elements()
	}
	if err != nil {
		return err
	}
	v := &b.open[from-1].Value
	v.kind = kind
	if members := b.open[from:]; len(members) > 0 {
		v.members = b.place(len(members))
		copy(v.members, members)
		clear(members)
	}
	b.open = b.open[:from]
	return nil
}

func (b *builder) elements() error {
	if err := b.step(); err != nil {
		return err
	}
	for b.PeekKind() != ']' {
		b.open = append(b.open, Member{})
		if err := b.value(); err != nil {
			return err
		}
	}
	return b.step()
}

// dedupeFrom is the number of members from which repeated names are found by a map and
// not by comparing all names.
const dedupeFrom = 16

func (b *builder) members() error {
	from := len(b.open)
	var index map[string]int // name to place, once there are many
	if err := b.step(); err != nil {
		return err
	}
	for b.PeekKind() != '}' {
		at := len(b.open)
		if err := b.member(); err != nil {
			return err
		}
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
	return b.step()
}

func (b *builder) member() error {
	name, err := b.string()
	if err != nil {
		return err
	}
	b.open = append(b.open, Member{Name: name})
	return b.value()
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

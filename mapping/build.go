package mapping

import "sync"

// builder makes a Value of a text.
type builder struct {
	scanner
	// text is what is read, once more as a string: strings without escapes and numbers
	// are parts of it, and no copies.
	text string
	// opened are the members read so far of the objects and lists that are not closed
	// yet, the innermost last. They move to a place of their own size at the end.
	opened []Member
}

var builders = sync.Pool{New: func() any { return new(builder) }}

// keptMembers is for how many members a builder has room while it waits for its next use.
const keptMembers = 1024

// free gives the builder back. It keeps nothing of the text.
func (b *builder) free() {
	if cap(b.opened) > keptMembers {
		return
	}
	clear(b.opened[:cap(b.opened)])
	*b = builder{opened: b.opened[:0]}
	builders.Put(b)
}

// value reads the next value, which is at the given depth if it is an object or a list,
// into the newest of opened.
func (b *builder) value(depth int) error {
	c := b.next()
	from := b.at
	switch c {
	case '{', '[':
		return b.nested(c, depth)
	case '"':
		s, err := b.string()
		b.set(String, s)
		return err
	}
	if err := b.scalar(); err != nil {
		return err
	}
	switch c {
	case 'n':
		b.set(Null, "")
	case 't', 'f':
		b.set(Bool, b.text[from:b.at])
	default:
		b.set(Number, b.text[from:b.at])
	}
	return nil
}

// set gives the newest of opened its value, in its place: a Value is large to be handed on.
func (b *builder) set(kind Kind, text string) {
	v := &b.opened[len(b.opened)-1].Value
	v.kind, v.text = kind, text
}

// string reads a string.
func (b *builder) string() (string, error) {
	b.next()
	from := b.at
	escapes, err := b.quoted()
	switch {
	case err != nil:
		return "", err
	case escapes:
		return unquote(b.data[from:b.at]), nil
	default:
		return b.text[from+1 : b.at-1], nil
	}
}

func (b *builder) nested(opening byte, depth int) error {
	if depth > MaxDepth {
		return errDeep
	}
	from := len(b.opened)
	kind := Object
	var err error
	if opening == '{' {
		err = b.members(depth)
	} else {
		kind, err = Array, b.elements(depth)
	}
	if err != nil {
		return err
	}
	v := &b.opened[from-1].Value
	v.kind = kind
	if members := b.opened[from:]; len(members) > 0 {
		v.members = make([]Member, len(members))
		copy(v.members, members)
	}
	b.opened = b.opened[:from]
	return nil
}

func (b *builder) elements(depth int) error {
	for more := b.open(']'); more; {
		b.opened = append(b.opened, Member{})
		err := b.value(depth + 1)
		if err == nil {
			more, err = b.more(']')
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// dedupeFrom is the number of members above which repeated names are found by a
// map and no longer by comparing all names.
const dedupeFrom = 16

func (b *builder) members(depth int) error {
	from := len(b.opened)
	var index map[string]int // name to place, once there are many
	for more := b.open('}'); more; {
		at := len(b.opened)
		err := b.member(depth)
		if err != nil {
			return err
		}
		read, m := b.opened[from:at], &b.opened[at]
		if index == nil && len(read) >= dedupeFrom {
			index = make(map[string]int, 2*len(read))
			for i := range read {
				index[read[i].Name] = i
			}
		}
		if i := find(read, index, m.Name); i >= 0 {
			read[i].Value = m.Value
			b.opened = b.opened[:at]
		} else if index != nil {
			index[m.Name] = len(read)
		}
		if more, err = b.more('}'); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) member(depth int) error {
	name, err := b.string()
	if err != nil {
		return err
	}
	if err := b.take(':'); err != nil {
		return err
	}
	b.opened = append(b.opened, Member{Name: name})
	return b.value(depth + 1)
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

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

// value reads the next value, which is at the given depth if it is an object or a list.
func (b *builder) value(depth int) (Value, error) {
	c := b.next()
	from := b.at
	switch c {
	case '{', '[':
		return b.nested(c, depth)
	case '"':
		s, err := b.string()
		return Str(s), err
	}
	if err := b.scalar(); err != nil {
		return Value{}, err
	}
	switch c {
	case 'n':
		return NullValue(), nil
	case 't', 'f':
		return Boolean(c == 't'), nil
	default:
		return Num(b.text[from:b.at]), nil
	}
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

func (b *builder) nested(opening byte, depth int) (Value, error) {
	if depth > MaxDepth {
		return Value{}, errDeep
	}
	from := len(b.opened)
	v := Value{kind: Object}
	var err error
	if opening == '{' {
		err = b.members(depth)
	} else {
		v.kind, err = Array, b.elements(depth)
	}
	if err != nil {
		return Value{}, err
	}
	v.members = append([]Member(nil), b.opened[from:]...)
	b.opened = b.opened[:from]
	return v, nil
}

func (b *builder) elements(depth int) error {
	for more := b.open(']'); more; {
		v, err := b.value(depth + 1)
		if err != nil {
			return err
		}
		b.opened = append(b.opened, Member{Value: v})
		if more, err = b.more(']'); err != nil {
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
		m, err := b.member(depth)
		if err != nil {
			return err
		}
		read := b.opened[from:]
		if index == nil && len(read) >= dedupeFrom {
			index = make(map[string]int, 2*len(read))
			for i := range read {
				index[read[i].Name] = i
			}
		}
		if i := find(read, index, m.Name); i >= 0 {
			read[i].Value = m.Value
		} else {
			if index != nil {
				index[m.Name] = len(read)
			}
			b.opened = append(b.opened, m)
		}
		if more, err = b.more('}'); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) member(depth int) (m Member, err error) {
	if m.Name, err = b.string(); err != nil {
		return m, err
	}
	if err = b.take(':'); err != nil {
		return m, err
	}
	m.Value, err = b.value(depth + 1)
	return m, err
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

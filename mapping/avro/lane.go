package avro

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/deskstream/deskstream/mapping"
)

// Peek returns what q asks for of a record's bytes. It builds no more of the event than
// that, unless the event's own fields are not enough.
func (s *Schema) Peek(data, key []byte, q *mapping.Query) string {
	names, ok := q.Names()
	if !ok {
		return s.build(data, key, q)
	}
	w := walker{data: data}
	root, f := w.alternative(s.root)
	if f != nil {
		return q.Of(mapping.Value{}, key)
	}
	p := peek{event: root, data: data, depth: q.At().Depth()}
	if len(q.At().Tokens()) == 0 {
		p.from = make([]int, len(root.fields))
		if w.record(root, func(i, at int) { p.from[i] = at }) != nil {
			return q.Of(mapping.Value{}, key)
		}
		return q.Pick(key, func(slot int) mapping.Value { return p.member(names[slot]) })
	}
	if w.record(root, nil) != nil {
		return q.Of(mapping.Value{}, key)
	}
	w = walker{data: data}
	switch n := w.seek(s.root, q.At().Tokens()); {
	case n == nil:
		return q.Of(mapping.Value{}, key)
	case n.kind == recordKind:
		p.event, p.from = n, w.fields(n)
		return q.Pick(key, func(slot int) mapping.Value { return p.member(names[slot]) })
	case n.kind == stringKind && n.logical == noLogical:
		text, _ := w.bytes()
		return q.Scan(text, key)
	default:
		return s.build(data, key, q)
	}
}

// build is Peek by building the event.
func (s *Schema) build(data, key []byte, q *mapping.Query) string {
	body, _ := s.Decode(data, q.At()) // absent if the event cannot be read
	return q.Of(body, key)
}

// seek goes to the value that is at the path of names in a value, of bytes that were
// walked before. It returns its type, nil for nothing. A list, a map or JSON on the way is
// returned itself: what it holds is known when it is built.
func (w *walker) seek(n *node, names []string) *node {
	for n.kind == unionKind {
		i, _ := w.varint()
		n = n.branches[i]
	}
	switch {
	case len(names) == 0, n.kind == mapKind, n.kind == arrayKind, n.logical == jsonLogical:
		return n
	case n.kind != recordKind:
		return nil
	}
	for _, f := range n.fields {
		if f.name == names[0] {
			return w.seek(f.node, names[1:])
		}
		_ = w.value(f.node, 1)
	}
	return nil
}

// fields are where the fields of a record begin, of bytes that were walked before.
func (w *walker) fields(n *node) []int {
	from := make([]int, len(n.fields))
	for i, f := range n.fields {
		from[i] = w.at
		_ = w.value(f.node, 1)
	}
	return from
}

// peek looks at single members of an event.
type peek struct {
	event *node
	data  []byte
	from  []int // where the fields begin
	depth int   // of the event
}

// member is what Decode has under a name of the event, where lists and objects are empty.
func (p peek) member(name string) mapping.Value {
	v := p.named(name)
	if own, other := Names[name]; other && usable(v) && !usable(p.field(own)) {
		v = mapping.Value{} // it goes by its own name
	}
	if slices.Contains(packed, name) {
		// A text too deep to be read is refused by Decode: no lane in it then.
		unpacked, err := unpackMember(v, p.depth+1)
		if err != nil {
			return mapping.Value{}
		}
		return unpacked
	}
	return v
}

// named is a field's value, or that of the field with its other name.
func (p peek) named(name string) mapping.Value {
	v := p.field(name)
	if usable(v) {
		return v
	}
	// Several fields can stand for one name: the first in the schema counts.
	for _, f := range p.event.fields {
		if Names[f.name] == name {
			if other := p.field(f.name); usable(other) {
				return other
			}
		}
	}
	return v
}

func (p peek) field(name string) mapping.Value {
	for i, f := range p.event.fields {
		if f.name == name {
			w := walker{data: p.data, at: p.from[i]}
			return w.scalar(f.node)
		}
	}
	return mapping.Value{}
}

// scalar reads one value, of bytes that were walked before. A list, map or record is
// empty.
func (w *walker) scalar(n *node) mapping.Value {
	switch n.kind {
	case nullKind:
		return mapping.NullValue()
	case boolKind:
		return mapping.Boolean(w.data[w.at] == 1)
	case intKind, longKind:
		i, _ := w.varint()
		return n.integer(i)
	case floatKind:
		return number(float64(math.Float32frombits(binary.LittleEndian.Uint32(w.data[w.at:]))), 32)
	case doubleKind:
		return number(math.Float64frombits(binary.LittleEndian.Uint64(w.data[w.at:])), 64)
	case fixedKind:
		return n.binary(w.data[w.at : w.at+n.size])
	case bytesKind:
		b, _ := w.bytes()
		return n.binary(b)
	case stringKind:
		b, _ := w.bytes()
		var v mapping.Value
		if convert(&v, n, string(b), 2) != nil {
			return mapping.Value{} // JSON that is too deep
		}
		return v
	case enumKind:
		i, _ := w.varint()
		return mapping.Str(n.symbols[i])
	case unionKind:
		i, _ := w.varint()
		return w.scalar(n.branches[i])
	case arrayKind:
		return mapping.Arr()
	default:
		return mapping.Obj()
	}
}

package avro

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/deskstream/deskstream/mapping"
)

// Lane is mapping.Lane for a record's bytes. It builds no more of the event than the
// fields that it is asked for.
func (s *Schema) Lane(data, key []byte, fields []string) string {
	p := peek{root: s.root, data: data, from: make([]int, len(s.root.fields))}
	w := walker{data: data}
	readable := w.record(s.root, func(i, at int) { p.from[i] = at }) == nil
	return mapping.LaneOf(key, fields, func(field string) mapping.Value {
		if !readable {
			return mapping.Value{}
		}
		return p.member(field)
	})
}

// peek looks at single members of an event.
type peek struct {
	root *node
	data []byte
	from []int // where the fields begin
}

// member is what Decode has under a name at the top, where lists and objects are empty.
func (p peek) member(name string) mapping.Value {
	v := p.named(name)
	if own, other := Names[name]; other && usable(v) && !usable(p.field(own)) {
		v = mapping.Value{} // it goes by its own name
	}
	if slices.Contains(packed, name) {
		// A text too deep to be read is refused by Decode: no lane in it then.
		unpacked, err := unpackMember(v, 2)
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
	for _, f := range p.root.fields {
		if Names[f.name] == name {
			if other := p.field(f.name); usable(other) {
				return other
			}
		}
	}
	return v
}

func (p peek) field(name string) mapping.Value {
	for i, f := range p.root.fields {
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

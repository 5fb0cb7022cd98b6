package avro

import (
	"slices"

	"github.com/deskstream/deskstream/mapping"
)

// Decode reads a record's bytes, all of them, and returns the body of the event at p.
// Members are in the schema's order, those of maps by name, because a map has no order
// in Avro. Errors: bad_avro with the place, too_deep, those of Pointer.Event.
func (s *Schema) Decode(data []byte, p mapping.Pointer) (mapping.Value, error) {
	native, err := s.native(data)
	if err != nil {
		return mapping.Value{}, err
	}
	return s.event(native, p)
}

// native reads the bytes with goavro, once a walk has shown that they can be trusted.
func (s *Schema) native(data []byte) (any, error) {
	if f := s.check(data); f != nil {
		return nil, f.error()
	}
	native, _, err := s.codec.NativeFromBinary(data)
	if err != nil {
		// What goavro says quotes the value. It refuses what the walk has passed only for
		// a map that has a name twice.
		return nil, &mapping.Error{Code: mapping.BadAvro, Message: "the record cannot be read, as when a map has one name twice"}
	}
	return native, nil
}

// event makes the body of the event at p from what goavro read.
func (s *Schema) event(native any, p mapping.Pointer) (mapping.Value, error) {
	root, native := unwrap(s.root, native)
	record := mapping.NullValue()
	if fields, ok := native.(map[string]any); ok {
		members, err := recordMembers(root, fields, 1)
		if err != nil {
			return mapping.Value{}, err
		}
		record = mapping.Obj(members...)
	}
	found := p.Find(record)
	if found.Kind() != mapping.Object {
		return p.Event(found) // JSON text, which has the names of events already
	}
	members, err := unpack(rename(Names, found.Members()), p.Depth())
	return mapping.Obj(members...), err
}

// convert sets v to what goavro read along the same schema: only that tells a union,
// which goavro returns as a map of one member, from a map or record of one. A list, map
// or record in its place is at the given depth. It fills the value in where it
// stands: passing values up from level to level took as long as the rest.
func convert(v *mapping.Value, n *node, native any, depth int) error {
	if native == nil {
		*v = mapping.NullValue()
		return nil
	}
	n, native = unwrap(n, native)
	switch x := native.(type) {
	case string:
		if n.logical == jsonLogical {
			var err error
			*v, err = jsonText(x, depth)
			return err
		}
		if n.kind == enumKind {
			x = n.symbol(x)
		}
		*v = mapping.Str(x)
	case map[string]any:
		return convertMap(v, n, x, depth)
	case []any:
		members := make([]mapping.Member, len(x))
		for i, item := range x {
			if err := convert(&members[i].Value, n.items, item, depth+1); err != nil {
				return err
			}
		}
		*v = mapping.Arr().With(members)
	case bool:
		*v = mapping.Boolean(x)
	case int32:
		*v = n.integer(int64(x))
	case int64:
		*v = n.integer(x)
	case float32:
		*v = number(float64(x), 32)
	case float64:
		*v = number(x, 64)
	case []byte:
		*v = n.binary(x)
	default:
		return &mapping.Error{Code: mapping.BadAvro, Message: "the record has a value of a type that is not known"}
	}
	return nil
}

// unwrap is the branch of a union and the value in it; of another type itself.
func unwrap(n *node, native any) (*node, any) {
	if n.kind != unionKind {
		return n, native
	}
	if wrapped, ok := native.(map[string]any); ok {
		for _, b := range n.branches {
			if b.kind == nullKind {
				continue // null is not wrapped
			}
			if v, ok := wrapped[b.native]; ok {
				return b, v
			}
		}
	}
	return n, nil
}

func convertMap(v *mapping.Value, n *node, native map[string]any, depth int) error {
	switch n.kind {
	case fixedKind:
		*v = n.binary(nil) // of size 0
		return nil
	case recordKind:
		members, err := recordMembers(n, native, depth)
		*v = mapping.Obj(members...)
		return err
	default:
	}
	var few [32]string // on the stack, where sorting costs no more than comparing
	names := few[:0]
	for name := range native {
		names = append(names, name)
	}
	slices.Sort(names)
	members := make([]mapping.Member, len(names))
	for i, name := range names {
		members[i].Name = name
		if err := convert(&members[i].Value, n.items, native[name], depth+1); err != nil {
			return err
		}
	}
	*v = mapping.Obj(members...)
	return nil
}

func recordMembers(n *node, native map[string]any, depth int) ([]mapping.Member, error) {
	members := make([]mapping.Member, len(n.fields))
	for i := range n.fields {
		f := &n.fields[i]
		members[i].Name = f.name
		if err := convert(&members[i].Value, f.node, native[f.native], depth+1); err != nil {
			return nil, err
		}
	}
	return members, nil
}

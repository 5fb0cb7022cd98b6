package avro

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"

	"github.com/deskstream/deskstream/mapping"
)

// Append appends the bytes of a record that holds the members of v, so that Decode
// gives the same values again. Of a union's types the first that fits counts. The
// error names the member that the schema has no place for.
func (s *Schema) Append(dst []byte, v mapping.Value) ([]byte, error) {
	native, err := rootNative(s.root, v)
	if err != nil {
		return dst, err
	}
	data, err := s.codec.BinaryFromNative(dst, native)
	if err != nil {
		return dst, errors.New("the event does not fit its schema") // goavro's words quote the event
	}
	return data, nil
}

// rootNative is what goavro writes of an event: of a union the first record that fits.
func rootNative(root *node, v mapping.Value) (any, error) {
	err := error(&unfitError{why: "fits no record"})
	for _, b := range root.alternatives() {
		if b.kind != recordKind {
			continue
		}
		var native any
		if native, err = toNative(b, ownNames(b, v)); err != nil {
			continue
		}
		if root.kind == unionKind {
			native = nativeUnion(b, native)
		}
		return native, nil
	}
	return nil, err
}

// ownNames gives members the other names of Names where the record has those only.
func ownNames(record *node, body mapping.Value) mapping.Value {
	has := func(name string) bool {
		return slices.ContainsFunc(record.fields, func(f field) bool { return f.name == name })
	}
	var members []mapping.Member
	for other, own := range Names {
		if !has(other) || has(own) {
			continue
		}
		if members == nil {
			members = slices.Clone(body.Members())
		}
		for i := range members {
			if members[i].Name == own {
				members[i].Name = other
			}
		}
	}
	if members == nil {
		return body
	}
	return body.With(members)
}

// unfitError says why a value cannot be of a type.
type unfitError struct {
	path []string
	why  string
}

func (e *unfitError) Error() string {
	f := fault{path: e.path}
	return f.place() + " " + e.why
}

func unfit(n *node) error {
	what := n.kind.String()
	if n.named() {
		what = n.name
	}
	return &unfitError{why: "does not fit its type, " + what}
}

func within(err error, name string) error {
	if own, ok := errors.AsType[*unfitError](err); ok {
		own.path = append(own.path, name)
	}
	return err
}

// toNative makes what goavro writes from a value.
func toNative(n *node, v mapping.Value) (any, error) {
	switch n.kind {
	case nullKind:
		if !v.Exists() {
			return nil, nil
		}
	case boolKind:
		if v.Kind() == mapping.Bool {
			return v.IsTrue(), nil
		}
	case intKind, longKind:
		return integerNative(n, v)
	case floatKind, doubleKind:
		return floatNative(n, v)
	case stringKind:
		if n.logical == jsonLogical && v.Kind() != mapping.Absent {
			return v.JSON(), nil
		}
		if v.Kind() == mapping.String {
			return v.Str(), nil
		}
	case enumKind:
		if i := slices.Index(n.symbols, v.Str()); i >= 0 && v.Kind() == mapping.String {
			return nativeSymbol(i), nil
		}
	case bytesKind, fixedKind:
		b, err := base64.StdEncoding.DecodeString(v.Str())
		if err == nil && v.Kind() == mapping.String && n.logical == noLogical && (n.kind == bytesKind || len(b) == n.size && n.size > 0) {
			return b, nil
		}
	case arrayKind:
		return listNative(n, v)
	case mapKind:
		return mapNative(n, v)
	case recordKind:
		return recordNative(n, v)
	case unionKind:
		return unionNative(n, v)
	default:
	}
	return nil, unfit(n)
}

// unionNative takes the first type that fits. What it says when none does is of the
// last that it tried, which for a type or null is the type.
func unionNative(n *node, v mapping.Value) (any, error) {
	err := unfit(n)
	for _, b := range n.branches {
		if (b.kind == nullKind) == v.Exists() {
			continue
		}
		native, errBranch := toNative(b, v)
		if errBranch == nil {
			if b.kind == nullKind {
				return nil, nil
			}
			return nativeUnion(b, native), nil
		}
		err = errBranch
	}
	return nil, err
}

func listNative(n *node, v mapping.Value) (any, error) {
	if v.Kind() != mapping.Array {
		return nil, unfit(n)
	}
	list := make([]any, v.Len())
	for i, m := range v.Members() {
		var err error
		if list[i], err = toNative(n.items, m.Value); err != nil {
			return nil, within(err, fmt.Sprintf("[%d]", i))
		}
	}
	return list, nil
}

func mapNative(n *node, v mapping.Value) (any, error) {
	if v.Kind() != mapping.Object {
		return nil, unfit(n)
	}
	members := make(map[string]any, v.Len())
	for _, m := range v.Members() {
		native, err := toNative(n.items, m.Value)
		if err != nil {
			return nil, within(err, m.Name)
		}
		members[m.Name] = native
	}
	return members, nil
}

func recordNative(n *node, v mapping.Value) (any, error) {
	if v.Kind() != mapping.Object {
		return nil, unfit(n)
	}
	for _, m := range v.Members() {
		if !slices.ContainsFunc(n.fields, func(f field) bool { return f.name == m.Name }) {
			return nil, within(&unfitError{why: "is no field of " + n.name}, m.Name)
		}
	}
	members := make(map[string]any, len(n.fields))
	for _, f := range n.fields {
		native, err := toNative(f.node, v.Get(f.name))
		if err != nil {
			return nil, within(err, f.name)
		}
		members[f.native] = native
	}
	return members, nil
}

// integerNative takes a whole number, or the text that Decode makes of one.
func integerNative(n *node, v mapping.Value) (any, error) {
	i, err := strconv.ParseInt(v.Text(), 10, 64)
	if v.Kind() == mapping.String {
		i, err = n.parseInteger(v.Str())
	}
	if err != nil || n.integer(i).JSON() != v.JSON() {
		return nil, unfit(n)
	}
	if n.kind == intKind {
		if i < math.MinInt32 || i > math.MaxInt32 {
			return nil, unfit(n)
		}
		return int32(i), nil
	}
	return i, nil
}

// floatNative takes a number that loses nothing of its value.
func floatNative(n *node, v mapping.Value) (any, error) {
	bits := 64
	if n.kind == floatKind {
		bits = 32
	}
	f, err := strconv.ParseFloat(v.Text(), bits)
	if v.Kind() != mapping.Number || err != nil || !sameNumber(number(f, bits).Text(), v.Text(), f) {
		return nil, unfit(n)
	}
	if n.kind == floatKind {
		return float32(f), nil
	}
	return f, nil
}

// sameNumber compares two literals of about the value f.
func sameNumber(a, b string, f float64) bool {
	if a == b {
		return true
	}
	// Beyond this, comparing takes as long as the exponent of a literal says.
	if abs := math.Abs(f); abs < 1e-30 || abs > 1e30 {
		return false
	}
	x, okX := new(big.Rat).SetString(a)
	y, okY := new(big.Rat).SetString(b)
	return okX && okY && x.Cmp(y) == 0
}

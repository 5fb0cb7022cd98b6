package avro

import "slices"

// kind is what a node is to the binary encoding.
type kind uint8

const (
	nullKind kind = iota
	boolKind
	intKind
	longKind
	floatKind
	doubleKind
	bytesKind
	stringKind
	arrayKind
	mapKind
	enumKind
	fixedKind
	recordKind
	unionKind
	unknownKind // a name whose type was not defined yet
)

var kindNames = [...]string{
	"null", "boolean", "int", "long", "float", "double", "bytes", "string",
	"array", "map", "enum", "fixed", "record", "union", "unknown",
}

// String is the kind's name in schemas.
func (k kind) String() string { return kindNames[k] }

// primitives are the kinds that a schema names without defining them.
var primitives = func() map[string]kind {
	kinds := map[string]kind{}
	for k := nullKind; k <= stringKind; k++ {
		kinds[k.String()] = k
	}
	return kinds
}()

// node is one type of a schema. Types that refer to themselves are loops of nodes.
type node struct {
	kind    kind
	name    string // the full name of a record, enum or fixed
	native  string // goavro's name for it
	logical logical

	scale    int      // of a decimal
	size     int      // of a fixed
	symbols  []string // of an enum
	items    *node    // of an array or map
	fields   []field  // of a record
	branches []*node  // of a union
}

// field is one field of a record.
type field struct {
	name   string
	native string // goavro's name for it
	node   *node
}

// named reports whether the type is defined by a name of its own.
func (n *node) named() bool {
	return n.kind == recordKind || n.kind == enumKind || n.kind == fixedKind
}

// alternatives are the branches of a union, or the type alone.
func (n *node) alternatives() []*node {
	if n.kind == unionKind {
		return n.branches
	}
	return []*node{n}
}

// endless reports whether every value of the type would hold another of a record's own
// type without an end: that record within itself with no union, list or map between.
// What such a record stands behind can be empty, so only what a value must hold counts.
func endless(root *node) bool {
	const open, closed = 1, 2
	state := map[*node]int{}
	var visit func(n *node) bool
	visit = func(n *node) bool {
		if n.kind != recordKind || state[n] != 0 {
			return state[n] == open
		}
		state[n] = open
		endless := slices.ContainsFunc(n.fields, func(f field) bool { return visit(f.node) })
		state[n] = closed
		return endless
	}
	return visit(root)
}

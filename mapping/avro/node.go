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
	native  string // the name by which goavro's unions know it
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
	name string
	node *node
}

// named tells whether the type is defined by a name of its own.
func (n *node) named() bool {
	return n.kind == recordKind || n.kind == enumKind || n.kind == fixedKind
}

// endless tells whether a value of the type would hold another of its own type for
// ever: a record within itself with no union, list or map between.
func endless(root *node) bool {
	const open, closed = 1, 2
	state := map[*node]int{}
	var visit func(n *node) bool
	visit = func(n *node) bool {
		switch n.kind {
		case recordKind:
			if state[n] != 0 {
				return state[n] == open
			}
			state[n] = open
			for _, f := range n.fields {
				if visit(f.node) {
					return true
				}
			}
			state[n] = closed
		case unionKind, arrayKind, mapKind:
			return false // here a value can end; what is behind is looked at below
		default:
		}
		return false
	}
	return slices.ContainsFunc(reachable(root), visit)
}

// reachable are all types that a schema uses.
func reachable(root *node) []*node {
	seen := map[*node]bool{root: true}
	list := []*node{root}
	add := func(n *node) {
		if n != nil && !seen[n] {
			seen[n] = true
			list = append(list, n)
		}
	}
	for i := 0; i < len(list); i++ {
		add(list[i].items)
		for _, f := range list[i].fields {
			add(f.node)
		}
		for _, b := range list[i].branches {
			add(b)
		}
	}
	return list
}

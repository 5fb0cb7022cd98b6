package avro

import (
	"encoding/json"
	"strings"
)

// canonical is the schema in Avro's parsing canonical form, but for the order of
// members: each named type is defined where it is used first and has its full name.
func canonical(root *node) string {
	c := canonicalizer{defined: map[*node]bool{}}
	text, err := json.Marshal(c.schema(root, ""))
	if err != nil {
		panic("encoding a schema: " + err.Error()) // it is made of maps and texts only
	}
	return string(text)
}

type canonicalizer struct{ defined map[*node]bool }

func (c canonicalizer) schema(n *node, namespace string) any {
	switch {
	case n.kind == unionKind:
		members := make([]any, len(n.branches))
		for i, b := range n.branches {
			members[i] = c.schema(b, namespace)
		}
		return members
	case n.kind == arrayKind:
		return map[string]any{"type": "array", "items": c.schema(n.items, namespace)}
	case n.kind == mapKind:
		return map[string]any{"type": "map", "values": c.schema(n.items, namespace)}
	case !n.named():
		return n.kind.String()
	case c.defined[n]:
		return n.native
	}
	c.defined[n] = true
	// goavro puts a type without a namespace into the one around it.
	n.native = fullName(n.name, namespace)
	if i := strings.LastIndexByte(n.native, '.'); i >= 0 {
		namespace = n.native[:i]
	}
	return c.definition(n, namespace)
}

func (c canonicalizer) definition(n *node, namespace string) any {
	definition := map[string]any{"type": n.kind.String(), "name": n.native}
	switch n.kind {
	case enumKind:
		definition["symbols"] = n.symbols
	case fixedKind:
		definition["size"] = n.size
	default:
		fields := make([]any, len(n.fields))
		for i, f := range n.fields {
			fields[i] = map[string]any{"name": f.name, "type": c.schema(f.node, namespace)}
		}
		definition["fields"] = fields
	}
	return definition
}

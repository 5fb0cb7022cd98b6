package avro

import (
	"encoding/json"
	"strconv"

	"github.com/linkedin/goavro/v2"
)

// nativeSchema is the schema in the least form from which goavro knows how the bytes lie:
// without logical types, defaults and documentation, in which real schemas have faults
// that do not matter for reading. Names are made up by position, because goavro refuses
// names that other libraries take: with letters such as ß, or with hyphens.
func nativeSchema(root *node) string {
	w := nativeWriter{defined: map[*node]bool{}}
	text, err := json.Marshal(w.schema(root))
	if err != nil {
		panic("encoding a schema: " + err.Error()) // it is made of maps and texts only
	}
	return string(text)
}

type nativeWriter struct{ defined map[*node]bool }

func (w nativeWriter) schema(n *node) any {
	switch {
	case n.kind == unionKind:
		members := make([]any, len(n.branches))
		for i, b := range n.branches {
			members[i] = w.schema(b)
		}
		return members
	case n.kind == arrayKind:
		return map[string]any{"type": "array", "items": w.schema(n.items)}
	case n.kind == mapKind:
		return map[string]any{"type": "map", "values": w.schema(n.items)}
	case !n.named():
		return n.kind.String()
	case w.defined[n]:
		return n.native
	}
	n.native = "T" + strconv.Itoa(len(w.defined))
	w.defined[n] = true
	return w.definition(n)
}

func (w nativeWriter) definition(n *node) any {
	definition := map[string]any{"type": n.kind.String(), "name": n.native}
	switch {
	case n.kind == enumKind:
		symbols := make([]string, len(n.symbols))
		for i := range symbols {
			symbols[i] = nativeSymbol(i)
		}
		definition["symbols"] = symbols
	case n.kind == fixedKind && n.size > 0:
		definition["size"] = n.size
	default:
		// A fixed of size 0, which goavro refuses, is a record without fields to it.
		definition["type"] = "record"
		fields := make([]any, len(n.fields))
		for i := range n.fields {
			n.fields[i].native = "f" + strconv.Itoa(i)
			fields[i] = map[string]any{"name": n.fields[i].native, "type": w.schema(n.fields[i].node)}
		}
		definition["fields"] = fields
	}
	return definition
}

// nativeSymbol is goavro's name for a symbol of an enum.
func nativeSymbol(i int) string { return "s" + strconv.Itoa(i) }

// symbol is the symbol of an enum that goavro names, text itself for what is none.
func (n *node) symbol(text string) string {
	i, err := strconv.Atoi(text[min(1, len(text)):])
	if err != nil || i < 0 || i >= len(n.symbols) {
		return text
	}
	return n.symbols[i]
}

// nativeUnion is what goavro writes for a value of a union's branch.
func nativeUnion(branch *node, native any) any { return goavro.Union(branch.native, native) }

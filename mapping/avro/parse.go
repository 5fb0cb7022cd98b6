package avro

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Bounds of a schema, far above any real one: it comes from outside.
const (
	maxSchemaDepth = 200
	maxFixed       = 1 << 24 // bytes
)

// parser builds the nodes of a schema and of those that it refers to.
type parser struct {
	named map[string]*node
	depth int
}

func newParser() *parser { return &parser{named: map[string]*node{}} }

// parse reads one schema. Names that it does not define are left open until finish.
func (p *parser) parse(text string) (*node, error) {
	var schema any
	if err := json.Unmarshal([]byte(text), &schema); err != nil {
		// A registry keeps the schema of a single name without its quotes at times.
		if _, primitive := primitives[strings.TrimSpace(text)]; !primitive {
			return nil, errors.New("it is not JSON")
		}
		schema = strings.TrimSpace(text)
	}
	return p.node(schema, "")
}

// finish says which names were never defined.
func (p *parser) finish(root *node) (*node, error) {
	var missing []string
	for name, n := range p.named {
		if n.kind == unknownKind {
			missing = append(missing, name)
		}
	}
	if missing != nil {
		slices.Sort(missing)
		return nil, fmt.Errorf("type %s is not defined", strings.Join(missing, ", "))
	}
	return root, nil
}

// node reads one type within a namespace.
func (p *parser) node(schema any, namespace string) (*node, error) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxSchemaDepth {
		return nil, fmt.Errorf("it nests more than %d levels", maxSchemaDepth)
	}
	switch s := schema.(type) {
	case string:
		return p.byName(s, namespace), nil
	case []any:
		return p.union(s, namespace)
	case map[string]any:
		return p.described(s, namespace)
	default:
		return nil, errors.New("a type is neither a name, a list nor an object")
	}
}

// byName is a primitive, or the type of that name, whether it is defined yet or not.
func (p *parser) byName(name, namespace string) *node {
	if k, ok := primitives[name]; ok {
		return &node{kind: k, native: name}
	}
	full := fullName(name, namespace)
	// A name that is not known in its namespace may be one without any.
	if known := p.named[name]; p.named[full] == nil && known != nil {
		return known
	}
	if p.named[full] == nil {
		p.named[full] = &node{kind: unknownKind, name: full}
	}
	return p.named[full]
}

func fullName(name, namespace string) string {
	if namespace == "" || strings.Contains(name, ".") {
		return name
	}
	return namespace + "." + name
}

func (p *parser) union(members []any, namespace string) (*node, error) {
	n := &node{kind: unionKind}
	for _, member := range members {
		b, err := p.node(member, namespace)
		if err != nil {
			return nil, err
		}
		if b.kind == unionKind {
			return nil, errors.New("a union holds a union")
		}
		n.branches = append(n.branches, b)
	}
	if len(n.branches) == 0 {
		return nil, errors.New("a union is empty")
	}
	return n, nil
}

// described reads a type that is given as an object.
func (p *parser) described(s map[string]any, namespace string) (*node, error) {
	switch t := s["type"].(type) {
	case string:
		switch t {
		case "record", "error":
			return p.record(s, namespace)
		case "enum":
			return p.enum(s, namespace)
		case "fixed":
			return p.fixed(s, namespace)
		case "array":
			return p.container(arrayKind, s["items"], namespace)
		case "map":
			return p.container(mapKind, s["values"], namespace)
		}
		n := p.byName(t, namespace)
		if n.kind <= stringKind {
			n.setLogical(s)
		}
		return n, nil
	case nil:
		return nil, errors.New("a type is not given")
	default:
		return p.node(t, namespace)
	}
}

func (p *parser) container(k kind, items any, namespace string) (*node, error) {
	n, err := p.node(items, namespace)
	return &node{kind: k, native: k.String(), items: n}, err
}

// define makes the node of a named type, or fills the one that was referred to before.
func (p *parser) define(k kind, s map[string]any, namespace string) (n *node, inner string, err error) {
	name, _ := s["name"].(string)
	if own, ok := s["namespace"].(string); ok {
		namespace = own
	}
	if name == "" {
		return nil, "", fmt.Errorf("a type of kind %s has no name", k)
	}
	full := fullName(name, namespace)
	if i := strings.LastIndexByte(full, '.'); i >= 0 {
		namespace = full[:i]
	}
	n = p.named[full]
	switch {
	case n == nil:
		n = &node{name: full}
		p.named[full] = n
	case n.kind != unknownKind:
		return nil, "", fmt.Errorf("type %s is defined twice", full)
	}
	n.kind = k
	return n, namespace, nil
}

func (p *parser) record(s map[string]any, namespace string) (*node, error) {
	n, namespace, err := p.define(recordKind, s, namespace)
	if err != nil {
		return nil, err
	}
	fields, ok := s["fields"].([]any)
	if !ok {
		return nil, fmt.Errorf("record %s has no list of fields", n.name)
	}
	for _, f := range fields {
		member, _ := f.(map[string]any)
		name, _ := member["name"].(string)
		if name == "" {
			return nil, fmt.Errorf("a field of record %s has no name", n.name)
		}
		t, err := p.fieldType(member, namespace)
		if err != nil {
			return nil, fmt.Errorf("field %s.%s: %w", n.name, name, err)
		}
		if slices.ContainsFunc(n.fields, func(f field) bool { return f.name == name }) {
			return nil, fmt.Errorf("record %s has two fields named %s", n.name, name)
		}
		n.fields = append(n.fields, field{name: name, node: t})
	}
	return n, nil
}

// fieldType is the type of a field. Some writers put what belongs to the type, such
// as its logical type, beside it.
func (p *parser) fieldType(member map[string]any, namespace string) (*node, error) {
	n, err := p.node(member["type"], namespace)
	if err == nil && n.kind <= stringKind && n.logical == noLogical {
		n.setLogical(member)
	}
	return n, err
}

func (p *parser) enum(s map[string]any, namespace string) (*node, error) {
	n, _, err := p.define(enumKind, s, namespace)
	if err != nil {
		return nil, err
	}
	symbols, _ := s["symbols"].([]any)
	for _, symbol := range symbols {
		text, ok := symbol.(string)
		if !ok {
			return nil, fmt.Errorf("enum %s has a symbol that is no text", n.name)
		}
		if slices.Contains(n.symbols, text) {
			return nil, fmt.Errorf("enum %s has the symbol %s twice", n.name, text)
		}
		n.symbols = append(n.symbols, text)
	}
	if n.symbols == nil {
		return nil, fmt.Errorf("enum %s has no symbols", n.name)
	}
	return n, nil
}

func (p *parser) fixed(s map[string]any, namespace string) (*node, error) {
	n, _, err := p.define(fixedKind, s, namespace)
	if err != nil {
		return nil, err
	}
	size, ok := s["size"].(float64)
	if !ok || size < 0 || size > maxFixed || size != float64(int(size)) {
		return nil, fmt.Errorf("fixed %s has no size from 0 to %d", n.name, maxFixed)
	}
	n.size = int(size)
	n.setLogical(s)
	return n, nil
}

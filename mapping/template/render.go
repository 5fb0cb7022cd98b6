package template

import (
	"errors"
	"strings"

	"github.com/deskstream/deskstream/mapping"
)

// maxSteps limits the work of one rendering, such as nested loops over a large event.
const maxSteps = 100_000

// searchedPerStep is how many members or bytes a lookup may read per step.
const searchedPerStep = 1000

// ErrTooMuchWork ends a rendering that takes more steps than a line of text ever needs.
var ErrTooMuchWork = errors.New("the template takes too many steps for this event")

// errFull ends a rendering whose output has reached its limit.
var errFull = errors.New("output is full")

// Render renders the template over root. Output longer than limit bytes is cut before
// the character that would exceed the limit. The only error is ErrTooMuchWork.
func (t *Template) Render(root mapping.Value, limit int) (out string, cut bool, err error) {
	r := &renderer{limit: limit, root: root, scope: &scope{context: root}}
	err = r.nodes(t.nodes)
	if errors.Is(err, errFull) {
		return strings.ToValidUTF8(r.out.String()[:limit], ""), true, nil
	}
	return r.out.String(), false, err
}

// Value returns the value that the template prints, as the event has it. ok is false when the
// template is more than one name.
func (t *Template) Value(root mapping.Value) (v mapping.Value, ok bool) {
	if len(t.nodes) != 1 {
		return mapping.Value{}, false
	}
	o, ok := t.nodes[0].(*output)
	if !ok || o.call.helper != "" {
		return mapping.Value{}, false
	}
	r := &renderer{root: root, scope: &scope{context: root}}
	return r.callValue(o.call), true
}

// scope is where names are looked up. Sections that change the context add an inner one.
type scope struct {
	outer   *scope
	context mapping.Value
	names   map[string]mapping.Value // block parameters
	data    map[string]mapping.Value // @index and the like; nil for those of outer
}

type renderer struct {
	out   strings.Builder
	limit int
	steps int
	root  mapping.Value
	scope *scope
}

func (r *renderer) step() error {
	if r.steps++; r.steps > maxSteps {
		return ErrTooMuchWork
	}
	return nil
}

func (r *renderer) write(s string) error {
	if r.out.Len()+len(s) > r.limit {
		r.out.WriteString(s[:r.limit-r.out.Len()])
		return errFull
	}
	r.out.WriteString(s)
	return nil
}

func (r *renderer) nodes(nodes []node) error {
	for _, n := range nodes {
		if err := r.step(); err != nil {
			return err
		}
		if err := r.node(n); err != nil {
			return err
		}
	}
	return nil
}

func (r *renderer) node(n node) error {
	switch n := n.(type) {
	case text:
		return r.write(string(n))
	case *output:
		return r.write(r.callValue(n.call).Text())
	default:
		return r.block(n.(*block))
	}
}

func (r *renderer) block(b *block) error {
	switch c := b.call; c.helper {
	case helperIf, helperUnless:
		v := r.value(c.args[0])
		yes := truthy(v) || v.IsZeroNumber() && truthy(r.value(c.includeZero))
		if yes == (c.helper == helperIf) {
			return r.nodes(b.body)
		}
		return r.nodes(b.inverse)
	case helperEach:
		return r.each(b, r.value(c.args[0]))
	case helperWith:
		v := r.value(c.args[0])
		if !truthy(v) && !v.IsZeroNumber() {
			return r.nodes(b.inverse)
		}
		return r.within(b, &scope{context: v, names: named(b.params, v)})
	default:
		return r.section(b, r.callValue(c))
	}
}

// section renders a block without a helper: its body once for true or a value, or once
// per element of a list; else its inverse.
func (r *renderer) section(b *block, v mapping.Value) error {
	switch {
	case v.IsTrue():
		return r.nodes(b.body)
	case !v.Exists() || v.Kind() == mapping.Bool:
		return r.nodes(b.inverse)
	case v.Kind() == mapping.Array:
		return r.each(b, v)
	default:
		return r.within(b, &scope{context: v})
	}
}

func (r *renderer) each(b *block, v mapping.Value) error {
	members := v.Members()
	if len(members) == 0 {
		return r.nodes(b.inverse)
	}
	for i, m := range members {
		if err := r.step(); err != nil {
			return err
		}
		key := mapping.Int(int64(i))
		if v.Kind() == mapping.Object {
			key = mapping.Str(m.Name)
		}
		err := r.within(b, &scope{context: m.Value, names: named(b.params, m.Value, key), data: map[string]mapping.Value{
			"index": mapping.Int(int64(i)), "key": key,
			"first": mapping.Boolean(i == 0), "last": mapping.Boolean(i == len(members)-1),
		}})
		if err != nil {
			return err
		}
	}
	return nil
}

func named(names []string, values ...mapping.Value) map[string]mapping.Value {
	m := make(map[string]mapping.Value, len(names))
	for i, name := range names[:min(len(names), len(values))] {
		m[name] = values[i]
	}
	return m
}

// within renders the body in an inner scope.
func (r *renderer) within(b *block, s *scope) error {
	s.outer = r.scope
	r.scope = s
	err := r.nodes(b.body)
	r.scope = s.outer
	return err
}

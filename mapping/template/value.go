package template

import (
	"strconv"
	"unicode/utf16"

	"github.com/deskstream/deskstream/mapping"
)

// callValue returns the value of a call in {{ }}.
func (r *renderer) callValue(c *call) mapping.Value {
	switch c.helper {
	case helperLookup:
		return r.member(r.value(c.args[0]), scalar(r.value(c.args[1])))
	case helperLog:
		return mapping.Value{}
	}
	if l, ok := c.head.(literal); ok { // {{"a name"}} means the member of that name
		return r.member(r.scope.context, l.value.Text())
	}
	return r.value(c.head)
}

func (r *renderer) value(o operand) mapping.Value {
	switch o := o.(type) {
	case literal:
		return o.value
	case *call:
		return r.callValue(o)
	default:
		return r.path(o.(*path))
	}
}

func (r *renderer) path(p *path) mapping.Value {
	if p.data {
		return r.dataPath(p)
	}
	s, parts := r.scope, p.parts
	for range p.depth {
		if s = s.outer; s == nil {
			return mapping.Value{}
		}
	}
	if !p.scoped && len(parts) > 0 {
		if v, ok := s.named(parts[0]); ok {
			return r.follow(v, parts[1:])
		}
	}
	return r.follow(s.context, parts)
}

// named returns the value of a block parameter; that of the innermost section counts.
func (s *scope) named(name string) (mapping.Value, bool) {
	for ; s != nil; s = s.outer {
		if v, ok := s.names[name]; ok {
			return v, true
		}
	}
	return mapping.Value{}, false
}

// dataPath returns the value of @name: @root, or a variable of a loop. Each ".." leaves one loop.
func (r *renderer) dataPath(p *path) mapping.Value {
	s := r.scope.loop()
	for range p.depth {
		if s == nil {
			return mapping.Value{}
		}
		s = s.outer.loop()
	}
	if len(p.parts) == 0 {
		return mapping.Value{}
	}
	if p.parts[0] == "root" {
		return r.follow(r.root, p.parts[1:])
	}
	if s == nil {
		return mapping.Value{}
	}
	return r.follow(s.data[p.parts[0]], p.parts[1:])
}

// loop returns the innermost scope that a loop added, nil if there is none.
func (s *scope) loop() *scope {
	for s != nil && s.data == nil {
		s = s.outer
	}
	return s
}

func (r *renderer) follow(v mapping.Value, parts []string) mapping.Value {
	for _, part := range parts {
		v = r.member(v, part)
	}
	return v
}

// scalar returns the text by which lookup finds a member, "" for a list or an object.
func scalar(v mapping.Value) string {
	if v.Kind() == mapping.Array || v.Kind() == mapping.Object {
		return ""
	}
	return v.Text()
}

// member returns a member of a value: of an object by name, of a list by place, and
// the length of a list. Text counts as a list of UTF-16 units, as it does in JavaScript.
func (r *renderer) member(v mapping.Value, name string) mapping.Value {
	r.steps += (v.Len() + len(v.Str())) / searchedPerStep
	switch v.Kind() {
	case mapping.Object:
		return v.Get(name)
	case mapping.Array:
		if name == "length" {
			return mapping.Int(int64(v.Len()))
		}
		return v.At(place(name))
	case mapping.String:
		units := utf16.Encode([]rune(v.Str()))
		if name == "length" {
			return mapping.Int(int64(len(units)))
		}
		if i := place(name); i >= 0 && i < len(units) {
			return mapping.Str(string(utf16.Decode(units[i : i+1])))
		}
	default: // The others have no members.
	}
	return mapping.Value{}
}

// place returns the number that a name spells, -1 if it spells none.
func place(name string) int {
	i, err := strconv.Atoi(name)
	if err != nil || strconv.Itoa(i) != name {
		return -1
	}
	return i
}

// truthy reports whether if takes v as true. Absent, null, false, 0, "" and an empty
// list are false.
func truthy(v mapping.Value) bool {
	switch v.Kind() {
	case mapping.Bool:
		return v.IsTrue()
	case mapping.String:
		return v.Str() != ""
	case mapping.Number:
		return !v.IsZeroNumber()
	case mapping.Array:
		return v.Len() > 0
	default:
		return v.Exists()
	}
}

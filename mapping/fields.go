package mapping

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// fieldPath names a field of an event: a member, or by names with dots between one that
// lies deeper.
type fieldPath struct {
	name  string
	parts []string
}

func newFieldPath(name string) fieldPath {
	return fieldPath{name: name, parts: strings.Split(name, ".")}
}

// places are where the field may be: a member that has the whole name comes first, as
// in RudderStack's destinations.
func (p fieldPath) places() [][]string {
	if len(p.parts) == 1 {
		return [][]string{p.parts}
	}
	return [][]string{{p.name}, p.parts}
}

// holds reports whether other lies within what p names.
func (p fieldPath) holds(other fieldPath) bool { return strings.HasPrefix(other.name, p.name+".") }

// renamed is a field of the event that is read from another place.
type renamed struct {
	target, source fieldPath
	isID           bool
}

// isPersonID reports whether a field is an id of the person that an event is about.
func isPersonID(field string) bool { return field == "userId" || field == "anonymousId" }

// CheckFields returns what is wrong with other names for fields, all of it.
func CheckFields(fields map[string]string) []error {
	var errs []error
	names := slices.Sorted(maps.Keys(fields))
	for i, name := range names {
		target, source := newFieldPath(name), newFieldPath(fields[name])
		switch {
		case hasBlankPart(target) || hasBlankPart(source):
			errs = append(errs, fmt.Errorf("%q: %q: a name, and each part of a dotted one, must not be blank", name, fields[name]))
		case source.holds(target):
			errs = append(errs, fmt.Errorf("%s cannot be read from %s: it lies in there", name, fields[name]))
		}
		for _, other := range names[i+1:] {
			if target.holds(newFieldPath(other)) {
				errs = append(errs, fmt.Errorf("%s and %s overlap: name one of them", name, other))
			}
		}
	}
	return errs
}

func hasBlankPart(p fieldPath) bool {
	return slices.ContainsFunc(p.parts, func(part string) bool { return strings.TrimSpace(part) == "" })
}

// renames are the fields that have another name, in a fixed order.
func renames(fields map[string]string) []renamed {
	var list []renamed
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if other := fields[name]; other != name {
			list = append(list, renamed{target: newFieldPath(name), source: newFieldPath(other), isID: isPersonID(name)})
		}
	}
	return list
}

// isTangled reports whether what is at field depends on other fields with other names.
func (r *Reader) isTangled(field string) bool {
	p := newFieldPath(field)
	return slices.ContainsFunc(r.fields, func(f renamed) bool {
		return p.holds(f.target) || f.target.holds(p) || p.holds(f.source) || f.source.holds(p) ||
			p.name == f.source.name && (f.isID || len(p.parts) > 1)
	})
}

// move is a value that goes to another place.
type move struct {
	from  []string
	to    fieldPath
	value Value
}

// rename puts each field with another name in its place. A field that is not there under
// its other name, or is an empty text, stays what it is. So does an id of a person where
// the other name has none, with a warning.
func (e *Event) rename(fields []renamed) {
	var moves []move
	for i := range fields {
		if m, ok := e.moveOf(&fields[i]); ok {
			moves = append(moves, m)
		}
	}
	if moves == nil {
		return
	}
	var top []string // members that make room, or have gone
	for _, m := range moves {
		if top = append(top, m.to.name); len(m.from) == 1 {
			top = append(top, m.from[0])
		}
	}
	e.Body = e.Body.Without(top...)
	for _, m := range moves {
		if len(m.from) > 1 {
			e.Body = e.Body.withoutPath(m.from)
		}
	}
	for _, m := range moves {
		e.put(m.to.parts, m.value)
	}
}

// moveOf is what has to move for a field, false for nothing.
func (e *Event) moveOf(f *renamed) (move, bool) {
	for _, path := range f.source.places() {
		v := e.Body.Get(path...)
		if isUsable(v) && (!f.isID || !e.NoIDs.refuse(v)) {
			return move{from: path, to: f.target, value: v}, true
		}
		if w := e.noIDWarning(f.source.name, v); f.isID && w != "" {
			e.Warnings = append(e.Warnings, w)
		}
	}
	return move{}, false
}

// put sets the value at a path. What is on the way and is no object makes room, with
// a warning.
func (e *Event) put(path []string, v Value) {
	for i := 1; i < len(path); i++ {
		parent := e.Body.Get(path[:i]...)
		e.requireObject(&parent, path[:i]...)
	}
	e.Body = e.Body.withPath(path, v)
}

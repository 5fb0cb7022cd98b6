package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// decoder reads a parsed file into structs and notes every problem on the way.
type decoder struct {
	lookup LookupFunc
	places map[string]place // of what the file gives, by path: "destinations[0].name"
	broken map[string]bool  // paths whose value could not be read, so that checks leave them
	found  *Problems
	warned *Problems // of a file that is accepted
	lines  []int     // on which the file's values begin, ascending
}

// unreadable notes that a path's value is wrong by itself.
func (d *decoder) unreadable(path string, at place, message string) {
	d.broken[path] = true
	d.problem(at, "%s: %s", path, message)
}

func (d *decoder) problem(at place, format string, args ...any) {
	d.found.List = append(d.found.List, Problem{at.line, at.column, fmt.Sprintf(format, args...)})
}

// block reads a mapping into a struct.
func (d *decoder) block(g given, v reflect.Value) {
	list, ok := entries(g.node)
	if !ok {
		d.broken[g.path] = true
		d.problem(g.at, "%smust be a block of keys", prefix(g.path))
		return
	}
	fields := fieldsOf(v.Type())
	seen := map[string]place{}
	for _, entry := range list {
		f, at, ok := d.known(g.path, entry, fields, seen)
		if !ok {
			d.hide(entry.value)
			continue
		}
		inner := given{join(g.path, f.key), at, entry.value}
		if f.desk != "" {
			d.settings(inner, v.Field(f.index), f)
			continue
		}
		d.value(inner, v.Field(f.index), f)
	}
}

// settings reads the settings of a desk into v, a map of them.
func (d *decoder) settings(g given, v reflect.Value, f field) {
	block := reflect.New(f.typ).Elem()
	d.value(g, block, f)
	if block.IsNil() {
		return
	}
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	v.SetMapIndex(reflect.ValueOf(f.desk), block)
}

// known finds the field of an entry's key, unless the key is unknown or was given.
func (d *decoder) known(path string, entry entry, fields []field, seen map[string]place) (field, place, bool) {
	at := placeOf(entry.key)
	key, ok := d.key(entry.key, at)
	if !ok {
		return field{}, at, false
	}
	if first, dup := seen[key]; dup {
		d.problem(at, "%sthe key %q is given twice, first on line %d", prefix(path), key, first.line)
		return field{}, at, false
	}
	seen[key] = at
	i := slices.IndexFunc(fields, func(f field) bool { return f.key == key })
	if i < 0 {
		nearest, advice := suggest(key, fields)
		if nearest != "" {
			d.broken[join(path, nearest)] = true // it was most likely meant, so its absence is no news
		}
		if !looksLikeKey.MatchString(key) {
			d.found.masks.add(at.line, at.column) // more likely a value in a key's place
		}
		d.problem(at, "%s%s", prefix(path), advice)
		return field{}, at, false
	}
	return fields[i], at, true
}

// key is the text of a mapping's key.
func (d *decoder) key(node *yaml.Node, at place) (string, bool) {
	if message := unsupported(node); message != "" {
		d.problem(at, "%s", message)
		return "", false
	}
	s, ok := readScalar(node)
	if !ok || s.kind == none {
		d.problem(at, "a key must be plain text")
		return "", false
	}
	return s.text, true
}

// given is what the file gives for a path.
type given struct {
	path string
	at   place // of its key
	node *yaml.Node
}

// value reads any value into v, the field that f describes.
func (d *decoder) value(g given, v reflect.Value, f field) {
	d.places[g.path] = g.at
	if message := unsupported(g.node); message != "" {
		d.hide(g.node)
		d.unreadable(g.path, placeOf(g.node), message)
		return
	}
	if word, ok := wordOf(f.typ); ok {
		if _, scalar := readScalar(g.node); scalar {
			d.scalar(g, v.Field(word.index), word)
			return
		}
	}
	switch {
	case f.typ.Kind() == reflect.Pointer:
		v.Set(reflect.New(f.typ.Elem()))
		setDefaults(v.Elem())
		d.block(g, v.Elem())
	case isBlock(f.typ):
		d.block(g, v)
	case f.typ.Kind() == reflect.Slice:
		d.list(g, v, f)
	case f.typ.Kind() == reflect.Map:
		d.names(g, v, f)
	default:
		d.scalar(g, v, f)
	}
}

// list reads a sequence into a slice, which replaces the default.
func (d *decoder) list(g given, v reflect.Value, f field) {
	if g.node == nil || g.node.Kind != yaml.SequenceNode {
		d.unreadable(g.path, g.at, "must be a list, like [a, b]")
		return
	}
	items := g.node.Content
	if v.SetZero(); len(items) == 0 {
		return // an empty list is none given
	}
	v.Set(reflect.MakeSlice(f.typ, len(items), len(items)))
	element := f
	element.typ = f.typ.Elem()
	for i, item := range items {
		target := v.Index(i)
		if isBlock(element.typ) {
			setDefaults(target)
		}
		d.value(given{indexed(g.path, i), itemPlace(item, g.at), item}, target, element)
	}
}

// itemPlace is where an element begins; of a block that is its first key.
func itemPlace(item *yaml.Node, around place) place {
	if list, ok := entries(item); ok && len(list) > 0 {
		return placeOf(list[0].key)
	}
	if item == nil {
		return around
	}
	return placeOf(item)
}

// names reads a mapping of free names to texts, which may be words of f's.
func (d *decoder) names(g given, v reflect.Value, f field) {
	list, ok := entries(g.node)
	if !ok {
		d.unreadable(g.path, g.at, "must be a block of names")
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	seen := map[string]bool{}
	for _, entry := range list {
		at := placeOf(entry.key)
		key, ok := d.key(entry.key, at)
		if !ok {
			continue
		}
		if seen[key] {
			d.problem(at, "%s: the key %q is given twice", g.path, key)
		}
		seen[key] = true
		text := reflect.New(v.Type().Elem()).Elem()
		d.value(given{join(g.path, key), at, entry.value}, text, field{typ: text.Type(), enum: f.enum})
		v.SetMapIndex(reflect.ValueOf(key), text)
	}
}

// scalar reads a single value.
func (d *decoder) scalar(g given, v reflect.Value, f field) {
	if f.typ == secretType {
		d.hide(g.node)
	}
	s, ok := readScalar(g.node)
	switch {
	case !ok:
		d.unreadable(g.path, g.at, "must be a single value")
		return
	case s.kind == none:
		d.unreadable(g.path, g.at, "has no value; give one or remove the key")
		return
	}
	at := placeOf(g.node)
	d.places[g.path] = at
	if err := d.set(s, v, f); err != nil {
		d.unreadable(g.path, at, err.Error())
		return
	}
	if bareReference.MatchString(s.text) {
		d.warn(g.path, "is taken as it stands, since only ${NAME} is replaced: is it meant to be ${%s}?", s.text[1:])
	}
	if f.typ == secretType {
		d.warnOfReaders(g.path, s.text)
	}
}

// set converts a scalar into v. Its errors quote no value, because it can be secret.
func (d *decoder) set(s scalar, v reflect.Value, f field) error {
	var err error
	written := s.text
	if s.text, s.replaced, err = expand(written, d.lookup); err != nil {
		return err
	}
	if err := s.fits(f.typ); err != nil {
		return err
	}
	if f.typ == secretType {
		v.Set(reflect.ValueOf(secretOf(written, s.text, d.lookup)))
		return nil
	}
	if err := convert(v, s.text); err != nil {
		return err
	}
	if err := choose(v, f); err != nil {
		return err
	}
	return inRange(v, f)
}

// choose holds a text against the words that its field takes; in any case where the
// field says so: manuals of Kafka spell SCRAM-SHA-512.
func choose(v reflect.Value, f field) error {
	if len(f.enum) == 0 || v.String() == "" && f.def == "" {
		return nil
	}
	for _, word := range f.enum {
		if word == v.String() || f.anyCase && strings.EqualFold(word, v.String()) {
			v.SetString(word)
			return nil
		}
	}
	return errors.New("must be one of " + strings.Join(f.enum, ", "))
}

// fits refuses what YAML reads as another type than the field has. A substituted
// text has no type, so it fits wherever it can be converted.
func (s scalar) fits(t reflect.Type) error {
	if s.replaced {
		return nil
	}
	switch t.Kind() {
	case reflect.String, reflect.Struct:
		if s.kind == boolean {
			return errors.New("must be text; quote it")
		}
	case reflect.Bool, reflect.Int, reflect.Int64, reflect.Float64:
		if s.kind == quoted && t != durationType && t != sizeType {
			return errors.New("must not be quoted")
		}
	}
	return nil
}

// place is where a path stands in the file, or the nearest block around it.
func (d *decoder) place(path string) place {
	for path != "" {
		if at, ok := d.places[path]; ok {
			return at
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return place{1, 1}
}

// given reports whether the file gives a path.
func (d *decoder) given(path string) bool {
	_, ok := d.places[path]
	return ok
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func prefix(path string) string {
	if path == "" {
		return ""
	}
	return path + ": "
}

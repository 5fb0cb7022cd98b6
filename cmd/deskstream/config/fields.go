package config

import (
	"encoding"
	"reflect"
	"strings"
	"sync"
	"time"
)

// field is one key of a struct, as its tags describe it.
type field struct {
	key   string
	index int
	typ   reflect.Type

	def        string // as the file would spell it
	doc        string
	enum       []string
	anyCase    bool // of the enum's words
	min, below string
}

// fieldsOf lists the keys of a struct in the order of its fields.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() { // no key of the file
			continue
		}
		fields = append(fields, field{
			key: f.Tag.Get("yaml"), index: i, typ: f.Type,
			def: f.Tag.Get("default"), doc: f.Tag.Get("doc"), enum: list(f.Tag.Get("enum")), anyCase: f.Tag.Get("case") == "any",
			min: f.Tag.Get("min"), below: f.Tag.Get("below"),
		})
	}
	return fields
}

func list(tag string) []string {
	if tag == "" {
		return nil
	}
	return strings.Split(tag, ",")
}

var (
	secretType   = reflect.TypeFor[Secret]()
	durationType = reflect.TypeFor[time.Duration]()
	sizeType     = reflect.TypeFor[Size]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// isBlock reports whether a value of the type is a mapping of the file with known keys.
func isBlock(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t != secretType && !reflect.PointerTo(t).Implements(textType)
}

// setDefaults gives every key of a struct its default, blocks included. Lists of
// blocks and blocks behind a pointer stay empty.
func setDefaults(v reflect.Value) {
	for _, f := range fieldsOf(v.Type()) {
		target := v.Field(f.index)
		switch {
		case isBlock(f.typ):
			setDefaults(target)
		case f.def != "":
			setDefault(target, f)
		}
	}
}

func setDefault(target reflect.Value, f field) {
	texts := []string{f.def}
	if target.Kind() == reflect.Slice {
		texts = list(f.def)
		target.Set(reflect.MakeSlice(f.typ, len(texts), len(texts)))
	}
	for i, text := range texts {
		element := target
		if target.Kind() == reflect.Slice {
			element = target.Index(i)
		}
		if err := convert(element, text); err != nil {
			panic("default of " + f.key + ": " + err.Error()) // a fault of the tag, found by every test
		}
	}
}

// harmlessKeys are all keys that hold no secret.
var harmlessKeys = sync.OnceValue(func() map[string]bool {
	keys := map[string]bool{}
	collectHarmless(reflect.TypeFor[Config](), keys)
	return keys
})

func collectHarmless(t reflect.Type, keys map[string]bool) {
	for _, f := range fieldsOf(t) {
		keys[f.key] = f.typ != secretType
		inner := f.typ
		if inner.Kind() == reflect.Slice || inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if isBlock(inner) {
			collectHarmless(inner, keys)
		}
	}
}

// harmless reports whether a key is known and holds no secret.
func harmless(key string) bool { return harmlessKeys()[key] }

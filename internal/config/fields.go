package config

import (
	"encoding"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/deskstream/deskstream/desk/all"
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
	required   bool
	reload     bool // a running process takes a change of it, see Diff
	optional   bool // a block that is refused where it makes no sense, even with its defaults
	min, below string

	desk string // whose settings they are; index is that of Settings
}

// fieldsOf lists the keys of a struct in the order of its fields.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		switch {
		case !f.IsExported(): // no key of the file
		case f.Tag.Get("word") != "": // see wordOf
		case f.Type == settingsType:
			fields = append(fields, settingsFields(i)...)
		default:
			fields = append(fields, field{
				key: f.Tag.Get("yaml"), index: i, typ: f.Type,
				def: f.Tag.Get("default"), doc: ofDesks(f.Tag.Get("doc")), enum: list(ofDesks(f.Tag.Get("enum"))), anyCase: f.Tag.Get("case") == "any",
				required: f.Tag.Get("required") == "true", reload: f.Tag.Get("reload") == "true", optional: f.Tag.Get("optional") == "true", min: f.Tag.Get("min"), below: f.Tag.Get("below"),
			})
		}
	}
	return fields
}

// wordOf is the field of a block that takes a single word, which the file may give instead of the
// block.
func wordOf(t reflect.Type) (f field, ok bool) {
	if !isBlock(t) {
		return field{}, false
	}
	for i := range t.NumField() {
		if words := t.Field(i).Tag.Get("word"); words != "" {
			return field{index: i, typ: t.Field(i).Type, enum: list(words)}, true
		}
	}
	return field{}, false
}

// settingsFields are the keys of a destination that hold the settings of its desk.
func settingsFields(index int) []field {
	var fields []field
	for _, k := range all.Kinds() {
		fields = append(fields, field{
			key: k.Name, index: index, typ: reflect.TypeOf(k.Settings()), desk: k.Name,
			doc: "The settings of a " + k.Title + " destination.",
		})
	}
	return fields
}

// ofDesks fills in what a text says of all desks: {desks} is their names, {limits} the limits
// that they document.
func ofDesks(text string) string {
	if !strings.Contains(text, "{") {
		return text
	}
	var names, limits []string
	for _, k := range all.Kinds() {
		names = append(names, k.Name)
		if k.Requests > 0 {
			limits = append(limits, k.Name+" "+strconv.Itoa(k.Requests))
		}
	}
	return strings.NewReplacer("{desks}", strings.Join(names, ","), "{limits}", strings.Join(limits, ", ")).Replace(text)
}

// in is the field's value in the struct v, a zero one for settings that are not given.
func (f field) in(v reflect.Value) reflect.Value {
	at := v.Field(f.index)
	if f.desk == "" {
		return at
	}
	if s, ok := at.Interface().(Settings)[f.desk]; ok {
		return reflect.ValueOf(s)
	}
	return reflect.Zero(f.typ)
}

func list(tag string) []string {
	if tag == "" {
		return nil
	}
	return strings.Split(tag, ",")
}

var (
	settingsType = reflect.TypeFor[Settings]()
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
		target := f.in(v)
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

// harmlessKeys are all keys that hold no secret. A word of a secret's key is not among them: it
// may be what a slip has left of it.
var harmlessKeys = sync.OnceValue(func() map[string]bool {
	keys := map[string]bool{}
	collectHarmless(reflect.TypeFor[Config](), keys)
	for key, isHarmless := range keys {
		if !isHarmless {
			for word := range strings.SplitSeq(key, "_") {
				delete(keys, word)
			}
		}
	}
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

package mapping

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Kind is the type of a Value.
type Kind uint8

// The kinds of a Value. Absent is the zero Kind: what a lookup of nothing gives.
const (
	Absent Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

var kindNames = [...]string{"absent", "null", "a boolean", "a number", "text", "a list", "an object"}

// String names the kind as messages to people do, with its article.
func (k Kind) String() string { return kindNames[k] }

// Member is one named value of an object. Elements of a list are members without a name.
type Member struct {
	Name  string
	Value Value
}

// Value is one JSON value. It keeps the order of members and the literal of
// numbers. The zero Value is absent. Values are immutable: nothing changes a
// member list after it was handed to Obj or Arr.
type Value struct {
	kind    Kind
	text    string // the string, or the literal of a number or boolean
	members []Member
}

// Str is the JSON string s.
func Str(s string) Value { return Value{kind: String, text: s} }

// Num is the JSON number with the given literal, which must be valid JSON.
func Num(literal string) Value { return Value{kind: Number, text: literal} }

// Int is the JSON number i.
func Int(i int64) Value { return Num(strconv.FormatInt(i, 10)) }

// Boolean is the JSON boolean b.
func Boolean(b bool) Value { return Value{kind: Bool, text: strconv.FormatBool(b)} }

// NullValue is the JSON null.
func NullValue() Value { return Value{kind: Null} }

// Obj is a JSON object of the given members in that order. Absent members are
// left out when it is written.
func Obj(members ...Member) Value { return Value{kind: Object, members: members} }

// Arr is a JSON list of the given elements.
func Arr(elements ...Value) Value {
	members := make([]Member, len(elements))
	for i, e := range elements {
		members[i].Value = e
	}
	return Value{kind: Array, members: members}
}

// Kind returns what v is.
func (v Value) Kind() Kind { return v.kind }

// Exists reports whether v is anything but absent and null.
func (v Value) Exists() bool { return v.kind > Null }

// Members are the members of an object or the elements of a list, in order; nil
// for anything else. The slice belongs to v.
func (v Value) Members() []Member { return v.members }

// Len is the number of members or elements.
func (v Value) Len() int { return len(v.members) }

// Str is the text of a string, and "" for anything else.
func (v Value) Str() string {
	if v.kind == String {
		return v.text
	}
	return ""
}

// Text is v in text form: a string as it is, a number by its literal, a boolean
// as true or false, an object or a list as compact JSON. Absent and null are "".
func (v Value) Text() string {
	switch v.kind {
	case String, Number, Bool:
		return v.text
	case Array, Object:
		return v.JSON()
	default:
		return ""
	}
}

// IsTrue reports whether v is the boolean true.
func (v Value) IsTrue() bool { return v.kind == Bool && v.text == "true" }

// IsZeroNumber reports whether v is the number 0, however it is written.
func (v Value) IsZeroNumber() bool {
	if v.kind != Number {
		return false
	}
	mantissa, _, _ := strings.Cut(strings.ToLower(v.text), "e")
	return !strings.ContainsAny(mantissa, "123456789")
}

// Get is the value at a path of member names; absent if a step is missing or is
// no object. A name is taken literally: a dot in it is no separator.
func (v Value) Get(path ...string) Value {
	at := &v
	for _, name := range path {
		if at = at.find(name); at == nil {
			return Value{}
		}
	}
	return *at
}

// At is element i of a list; absent outside of it and for anything else.
func (v Value) At(i int) Value {
	if v.kind != Array || i < 0 || i >= len(v.members) {
		return Value{}
	}
	return v.members[i].Value
}

// Path is Get with the path as dotted text, "context.traits.email".
func (v Value) Path(dotted string) Value {
	at, more := &v, true
	for more {
		var name string
		name, dotted, more = strings.Cut(dotted, ".")
		if at = at.find(name); at == nil {
			return Value{}
		}
	}
	return *at
}

// find is the member of that name of an object, in its place: a Value is large to be
// handed on. It is nil if there is none.
func (v *Value) find(name string) *Value {
	if v.kind != Object {
		return nil
	}
	for i := range v.members {
		if v.members[i].Name == name {
			return &v.members[i].Value
		}
	}
	return nil
}

// Without is v without the named members.
func (v Value) Without(names ...string) Value {
	named := func(m Member) bool { return slices.Contains(names, m.Name) }
	if v.kind != Object || !slices.ContainsFunc(v.members, named) {
		return v
	}
	return Obj(slices.DeleteFunc(slices.Clone(v.members), named)...)
}

// With is a list or an object like v that has these members instead of its own.
func (v Value) With(members []Member) Value {
	if v.kind != Object && v.kind != Array {
		return v
	}
	return Value{kind: v.kind, members: members}
}

// JSON is v as compact JSON text: members in order, numbers by their literal,
// nothing escaped that JSON does not demand. An absent value is null, an absent
// member is left out.
func (v Value) JSON() string { return string(v.AppendJSON(nil)) }

// AppendJSON appends what JSON returns to dst.
func (v Value) AppendJSON(dst []byte) []byte { return v.appendTo(slices.Grow(dst, v.size())) }

// size is how long the JSON of v is where nothing has to be escaped, or a little less.
func (v Value) size() int {
	n := len(v.text) + len(`""`)
	for i := range v.members {
		n += len(v.members[i].Name) + len(`"":,`) + v.members[i].Value.size()
	}
	return n
}

func (v Value) appendTo(dst []byte) []byte {
	switch v.kind {
	case String:
		return appendString(dst, v.text)
	case Number, Bool:
		return append(dst, v.text...)
	case Array:
		dst = append(dst, '[')
		for i := range v.members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = v.members[i].Value.appendTo(dst)
		}
		return append(dst, ']')
	case Object:
		dst = append(dst, '{')
		first := true
		for i := range v.members {
			if v.members[i].Value.kind == Absent {
				continue
			}
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = appendString(dst, v.members[i].Name)
			dst = append(dst, ':')
			dst = v.members[i].Value.appendTo(dst)
		}
		return append(dst, '}')
	default:
		return append(dst, "null"...)
	}
}

// appendString cannot fail: a string of ours is valid UTF-8, or is made so.
func appendString(dst []byte, s string) []byte {
	if simple(s) {
		return append(append(append(dst, '"'), s...), '"')
	}
	quoted, err := jsontext.AppendQuote(dst, s)
	if err != nil {
		quoted, _ = jsontext.AppendQuote(dst, strings.ToValidUTF8(s, "\uFFFD"))
	}
	return quoted
}

// MarshalJSON makes a Value usable with encoding/json.
func (v Value) MarshalJSON() ([]byte, error) { return v.AppendJSON(nil), nil }

// plain are the bytes that need no escape in a JSON string.
var plain = func() (plain [256]bool) {
	for c := range plain {
		plain[c] = c >= ' ' && c != '"' && c != '\\'
	}
	return plain
}()

// simple reports whether s needs no escapes in quotes: most texts do.
func simple(s string) bool {
	for i := range len(s) {
		if !plain[s[i]] || s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

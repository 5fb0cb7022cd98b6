package mapping

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxDepth is how many levels of objects and lists an event may nest, the event
// itself included.
const MaxDepth = 1000

// dedupeFrom is the number of members above which repeated names are found by a
// map and no longer by comparing all names.
const dedupeFrom = 16

// ParseJSON reads one JSON text (RFC 8259). Of a name given twice in one object the
// last value counts, in the place of the first. An escaped surrogate without its
// other half becomes U+FFFD. Errors: not_json, also for text that is not UTF-8 and
// for anything behind the value; too_deep for more than MaxDepth levels.
func ParseJSON(data []byte) (Value, error) { return ParseNested(data, 1) }

// ParseNested is ParseJSON for a text that stands within an event: an object or list
// in its place is at the given depth, 1 for the event itself.
func ParseNested(data []byte, depth int) (Value, error) {
	if !utf8.Valid(data) {
		return Value{}, &Error{Code: NotJSON, Message: "the value is not valid UTF-8"}
	}
	dec := newDecoder(data)
	v, err := parse(dec, depth)
	if err != nil {
		return Value{}, decodeError(err)
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return Value{}, &Error{Code: NotJSON, Message: "more follows behind the JSON value"}
	}
	return v, nil
}

// newDecoder reads data, which must be valid UTF-8, in place: a Buffer is not copied.
func newDecoder(data []byte) *jsontext.Decoder {
	return jsontext.NewDecoder(bytes.NewBuffer(data),
		jsontext.AllowDuplicateNames(true), // the last one wins, as in every JavaScript sender
		jsontext.AllowInvalidUTF8(true))    // for escaped surrogates without their other half
}

// ParseObject is ParseJSON for a text that must be a JSON object: not_an_object if
// it is something else.
func ParseObject(data []byte) (Value, error) {
	v, err := ParseJSON(data)
	if err == nil && v.kind != Object {
		return Value{}, &Error{Code: NotAnObject, Message: "the value is " + v.kind.String() + ", not a JSON object"}
	}
	return v, err
}

var errDeep = &Error{Code: TooDeep, Message: "the value nests more than 1000 levels"}

func decodeError(err error) error {
	if own, ok := errors.AsType[*Error](err); ok {
		return own
	}
	// The text of a syntax error can quote the input, which is the customer's.
	message := "the value is not JSON"
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		message = "the value ends before its JSON does"
	}
	return &Error{Code: NotJSON, Message: message}
}

func parse(dec *jsontext.Decoder, depth int) (Value, error) {
	tok, err := dec.ReadToken()
	if err != nil {
		return Value{}, err
	}
	switch tok.Kind() {
	case 'n':
		return Value{kind: Null}, nil
	case 't', 'f':
		return Boolean(tok.Bool()), nil
	case '"':
		return Str(tok.String()), nil
	case '0':
		return Num(tok.String()), nil
	}
	if depth > MaxDepth {
		return Value{}, errDeep
	}
	if tok.Kind() == '[' {
		return parseArray(dec, depth)
	}
	return parseObject(dec, depth)
}

func parseArray(dec *jsontext.Decoder, depth int) (Value, error) {
	var members []Member
	for dec.PeekKind() != ']' {
		v, err := parse(dec, depth+1)
		if err != nil {
			return Value{}, err
		}
		members = append(members, Member{Value: v})
	}
	_, err := dec.ReadToken()
	return Value{kind: Array, members: members}, err
}

func parseObject(dec *jsontext.Decoder, depth int) (Value, error) {
	var members []Member
	var index map[string]int // name to place, once there are many
	for dec.PeekKind() != '}' {
		tok, err := dec.ReadToken()
		if err != nil {
			return Value{}, err
		}
		name := tok.String()
		v, err := parse(dec, depth+1)
		if err != nil {
			return Value{}, err
		}
		if index == nil && len(members) >= dedupeFrom {
			index = make(map[string]int, 2*len(members))
			for i := range members {
				index[members[i].Name] = i
			}
		}
		if i := find(members, index, name); i >= 0 {
			members[i].Value = v
			continue
		}
		if index != nil {
			index[name] = len(members)
		}
		members = append(members, Member{Name: name, Value: v})
	}
	_, err := dec.ReadToken()
	return Value{kind: Object, members: members}, err
}

func find(members []Member, index map[string]int, name string) int {
	if index != nil {
		if i, ok := index[name]; ok {
			return i
		}
		return -1
	}
	for i := range members {
		if members[i].Name == name {
			return i
		}
	}
	return -1
}

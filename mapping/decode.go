package mapping

import "unicode/utf8"

// MaxDepth is how many levels of objects and lists an event may nest, the event
// itself included.
const MaxDepth = 1000

// ParseJSON reads one JSON text (RFC 8259). Of a name given twice in one object the
// last value counts, in the place of the first. An escaped surrogate without its
// other half becomes U+FFFD. Errors: not_json, also for text that is not UTF-8 and
// for anything behind the value; too_deep for more than MaxDepth levels.
func ParseJSON(data []byte) (Value, error) { return ParseNested(data, 1) }

// ParseNested is ParseJSON for a text that stands within an event: an object or list
// in its place is at the given depth, 1 for the event itself.
func ParseNested(data []byte, depth int) (Value, error) {
	if !utf8.Valid(data) {
		return Value{}, errUTF8
	}
	b := builders.Get().(*builder)
	defer b.free()
	b.scanner, b.text = scanner{data: data}, string(data)
	b.opened = append(b.opened, Member{})
	err := b.value(depth)
	if err == nil {
		err = b.end()
	}
	if err != nil {
		return Value{}, err
	}
	return b.opened[0].Value, nil
}

// ParseObject is ParseJSON for a text that must be a JSON object: not_an_object if
// it is something else. A byte-order mark before it is skipped.
func ParseObject(data []byte) (Value, error) { return Pointer{}.parse(data) }

// The faults of a text. None quotes the text, which is the customer's.
var (
	errUTF8   = &Error{Code: NotJSON, Message: "the value is not valid UTF-8"}
	errDeep   = &Error{Code: TooDeep, Message: "the value nests more than 1000 levels"}
	errSyntax = &Error{Code: NotJSON, Message: "the value is not JSON"}
	errCut    = &Error{Code: NotJSON, Message: "the value ends before its JSON does"}
	errMore   = &Error{Code: NotJSON, Message: "more follows behind the JSON value"}
)

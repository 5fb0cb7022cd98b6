package mapping

// MaxDepth is how many levels of objects and lists an event may nest, the event itself
// included.
const MaxDepth = 1000

// ParseJSON reads one JSON text (RFC 8259). If an object has a name twice, the last value
// counts, in the place of the first. An escaped surrogate without its other half becomes
// U+FFFD. Errors: not_json, also for text that is not UTF-8 and for text after the value;
// too_deep for more than MaxDepth levels.
func ParseJSON(data []byte) (Value, error) { return ParseNested(data, 1) }

// ParseNested is ParseJSON for a text inside a record: its outermost object or list is at
// the given depth, 1 for the record itself.
func ParseNested(data []byte, depth int) (Value, error) {
	b := builders.Get().(*builder)
	defer b.release()
	return b.read(data, depth)
}

// ParseObject is ParseJSON for a text that must be a JSON object, else the error is
// not_an_object. A byte-order mark before it is skipped.
func ParseObject(data []byte) (Value, error) { return Pointer{}.parse(data) }

// The errors of a text. None quotes the text: it is the customer's.
var (
	errUTF8   = &Error{Code: NotJSON, Message: "the value is not valid UTF-8"}
	errDeep   = &Error{Code: TooDeep, Message: "the value nests more than 1000 levels"}
	errSyntax = &Error{Code: NotJSON, Message: "the value is not JSON"}
	errCut    = &Error{Code: NotJSON, Message: "the value ends before its JSON does"}
	errMore   = &Error{Code: NotJSON, Message: "more follows behind the JSON value"}
)

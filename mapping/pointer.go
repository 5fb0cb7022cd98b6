package mapping

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Pointer is the place in a record that holds the event. The zero Pointer is the record.
type Pointer struct {
	text   string
	tokens []string
}

// ParsePointer reads a member's name, or a JSON Pointer (RFC 6901), which begins with a
// slash. "" is the record itself. The error says what is wrong with the text.
func ParsePointer(text string) (Pointer, error) {
	rest, isPointer := strings.CutPrefix(text, "/")
	switch {
	case text == "":
		return Pointer{}, nil
	case !isPointer && strings.TrimSpace(text) == "":
		return Pointer{}, errors.New("is blank: write a member's name, or a JSON Pointer like /body/event")
	case !isPointer:
		return Pointer{text: text, tokens: []string{text}}, nil
	}
	p := Pointer{text: text}
	for token := range strings.SplitSeq(rest, "/") {
		switch {
		case token == "":
			return Pointer{}, errors.New("has an empty name between slashes")
		case strings.Contains(escapes.Replace(token), "~"):
			return Pointer{}, errors.New("has a ~ that is neither ~0 (a tilde) nor ~1 (a slash)")
		}
		p.tokens = append(p.tokens, unescape.Replace(token))
	}
	if len(p.tokens) > maxTokens {
		return Pointer{}, errors.New("is deeper than " + strconv.Itoa(maxTokens) + " levels")
	}
	return p, nil
}

// maxTokens is how deep an event may lie: far less than what a record may nest.
const maxTokens = 100

var (
	escapes  = strings.NewReplacer("~0", "", "~1", "")
	unescape = strings.NewReplacer("~0", "~", "~1", "/")
)

// Tokens are the names on the way from the record to the event, none for the record.
func (p Pointer) Tokens() []string { return p.tokens }

// Depth is the level at which the event is, 1 for the record.
func (p Pointer) Depth() int { return len(p.tokens) + 1 }

// Find returns what is at p, absent if nothing does.
func (p Pointer) Find(record Value) Value {
	for _, token := range p.tokens {
		if record.kind == Array {
			record = record.At(index(token))
		} else {
			record = record.Get(token)
		}
	}
	return record
}

// index is the place in a list that a token means, -1 for none.
func index(token string) int {
	i, err := strconv.ParseUint(token, 10, 31)
	if err != nil || len(token) > 1 && token[0] == '0' {
		return -1
	}
	return int(i)
}

// Event returns the event that was found at p: v itself, or what its JSON text says.
// Errors: not_an_object, not_json, too_deep.
func (p Pointer) Event(v Value) (Value, error) {
	if v.kind != String || len(p.tokens) == 0 {
		return v, p.checkKind(v.kind)
	}
	return p.parse([]byte(v.text))
}

// parse reads the event's text.
func (p Pointer) parse(text []byte) (Value, error) {
	v, err := ParseNested(withoutMark(text), p.Depth())
	if err != nil {
		return Value{}, p.fault(err)
	}
	return v, p.checkKind(v.kind)
}

func (p Pointer) checkKind(kind Kind) error {
	switch {
	case kind == Object:
		return nil
	case kind == Absent:
		return FieldError(NotAnObject, p.text, "is missing: source.unwrap says that it holds the event")
	case len(p.tokens) == 0:
		return FieldError(NotAnObject, "the value", "is "+kind.String()+", not a JSON object")
	default:
		return FieldError(NotAnObject, p.text, "is "+kind.String()+", not a JSON object")
	}
}

// fault says of a fault where it is.
func (p Pointer) fault(err error) error {
	if fault, ok := errors.AsType[*Error](err); ok && len(p.tokens) > 0 {
		return &Error{Code: fault.Code, Message: p.text + ": " + fault.Message}
	}
	return err
}

// locate returns the text of the event in a record that is JSON. Errors: those of Event,
// except that the event's own text is not read.
func (p Pointer) locate(record []byte) ([]byte, error) {
	if len(p.tokens) == 0 {
		return record, nil
	}
	s, err := readTokens(withoutMark(record), 1)
	if err != nil {
		return nil, err
	}
	defer s.free()
	found, err := s.seek(p.tokens)
	if err == nil {
		err = s.end()
	}
	if err != nil {
		return nil, err
	}
	v := rawScalar(found)
	if v.kind == String {
		return []byte(v.text), nil
	}
	return found, p.checkKind(v.kind)
}

// seek reads over a value, and returns the text of what is in it at the path; nil for
// nothing.
func (t *tokens) seek(path []string) (found []byte, err error) {
	kind := t.PeekKind()
	if len(path) > 0 && (kind == '{' || kind == '[') {
		return t.seekWithin(kind, path)
	}
	if found, err = t.raw(); len(path) > 0 {
		found = nil
	}
	return found, err
}

// seekWithin is seek for an object or a list, whose opening bracket is next.
func (t *tokens) seekWithin(opening jsontext.Kind, path []string) (found []byte, err error) {
	if err := t.step(); err != nil {
		return nil, err
	}
	wanted := index(path[0])
	for i := 0; t.PeekKind() != opening+2; i++ { // the closing one, in ASCII
		here := i == wanted
		if opening == '{' {
			name, err := t.raw()
			if err != nil {
				return nil, err
			}
			here = isNamed(name, path[0])
		}
		if here {
			found, err = t.seek(path[1:])
		} else {
			err = t.skip()
		}
		if err != nil {
			return nil, err
		}
	}
	return found, t.step()
}

// mark is the byte-order mark, which some programs write before UTF-8.
var mark = []byte("\uFEFF")

func withoutMark(text []byte) []byte { return bytes.TrimPrefix(text, mark) }

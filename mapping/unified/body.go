package unified

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"unicode/utf8"

	"github.com/mailru/easyjson/jwriter"

	"github.com/deskstream/deskstream/mapping"
)

// rawDepth is where the original may stand in an event: below the event, or an object of it.
const rawDepth = 3

// mark is the byte-order mark that may stand before a text.
var mark = []byte("\uFEFF")

// Body is what a desk sent, as a value to look up fields in, and as it goes on.
type Body struct {
	// Value is absent where the body cannot be read.
	Value mapping.Value
	// Raw is the body as JSON object.
	Raw Raw
}

// JSONBody reads a JSON text. One that is not UTF-8, no JSON, or nested more deeply than an
// event may be, has no Value, and its text as {"text"} or {"base64"}.
func JSONBody(body []byte) Body { return new(Room).JSONBody(body) }

// JSONBody is the function of this name.
func (r *Room) JSONBody(body []byte) Body {
	v, err := r.in().ParseNested(bytes.TrimPrefix(body, mark), rawDepth)
	switch {
	case err != nil:
		return Body{Raw: Wrapped(body)}
	case v.Kind() != mapping.Object:
		return Body{Raw: marshal(map[string]Raw{"body": compact(body)})}
	}
	return Body{Value: v, Raw: onOneLine(body)}
}

// Wrapped is a body that is not read: as {"text"}, or as {"base64"} where it is no UTF-8.
func Wrapped(body []byte) Raw {
	if utf8.Valid(body) {
		return marshal(map[string]string{"text": string(body)})
	}
	return InBase64(body)
}

// InBase64 is a body as {"base64"}.
func InBase64(body []byte) Raw {
	return marshal(map[string]string{"base64": base64.StdEncoding.EncodeToString(body)})
}

// onOneLine is a JSON text without line breaks and, as far as that is seen at a glance, without other
// blanks between its tokens. Desks send none.
func onOneLine(body []byte) Raw {
	body = bytes.TrimPrefix(body, mark)
	if bytes.IndexByte(body, '\n') < 0 && bytes.IndexByte(body, '\r') < 0 && !bytes.Contains(body, []byte(`": `)) {
		return body
	}
	return compact(body)
}

// compact is a JSON text without blanks between its tokens.
func compact(body []byte) Raw {
	var b bytes.Buffer
	if json.Compact(&b, bytes.TrimPrefix(body, mark)) != nil {
		return Wrapped(body)
	}
	return b.Bytes()
}

// marshal writes what has a JSON form.
func marshal(v any) Raw {
	text, err := Encode(v)
	if err != nil {
		panic("encoding texts: " + err.Error()) // maps of texts have a JSON form
	}
	return text
}

// Encode returns v as JSON on one line, with <, > and & as they are. Events and objects have no
// other error than a Raw that is no JSON.
func Encode(v any) ([]byte, error) { return appendJSON(nil, v) }

func appendJSON(to []byte, v any) ([]byte, error) {
	b := bytes.NewBuffer(to)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// EncodeEvent is Encode for an event all of whose originals are JSON on one line, as Body has them. It
// does not read them again, and its encoder is made from the tags beforehand.
func EncodeEvent(e *Event) ([]byte, error) { return new(Room).EncodeEvent(e) }

// EncodeEvent is the function of this name.
func (r *Room) EncodeEvent(e *Event) ([]byte, error) {
	w := jwriter.Writer{NoEscapeHTML: true}
	w.Buffer.Buf = r.text[:0]
	if room := e.room(); cap(r.text) < room {
		w.Buffer.Buf = make([]byte, 0, room)
	}
	r.text = nil // where it is too small after all, easyjson keeps it
	e.MarshalEasyJSON(&w)
	text, err := w.BuildBytes()
	if err == nil {
		r.text = text
	}
	return text, err
}

//go:generate go tool easyjson -no_std_marshalers -output_filename event_easyjson.go event.go

// room is about what the text takes, and rather more than less.
func (e *Event) room() int {
	n := 2048 + len(e.Raw)
	if e.Comment != nil {
		n += len(e.Comment.Body) + len(e.Comment.HTML)
	}
	return n
}

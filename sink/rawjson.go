package sink

import (
	"bytes"
	"strings"

	"github.com/mailru/easyjson"
	"github.com/mailru/easyjson/jwriter"

	"github.com/deskstream/deskstream/mapping"
)

// RawJSON is JSON text that stands in an outcome as it is. It is made of a value or by
// encoding/json, so that it is JSON without being read again. The zero RawJSON is none.
type RawJSON struct{ text []byte }

// RawJSONOf is the text of v.
func RawJSONOf(v mapping.Value) RawJSON { return RawJSON{v.AppendJSON(nil)} }

// IsZero reports whether there is none.
func (r RawJSON) IsZero() bool { return r.text == nil }

// isText reports whether it is a JSON string.
func (r RawJSON) isText() bool { return len(r.text) > 0 && r.text[0] == '"' }

// String is the text, "" for none.
func (r RawJSON) String() string { return string(r.text) }

// MarshalJSON gives the text itself.
func (r RawJSON) MarshalJSON() ([]byte, error) { return marshal(r) }

// MarshalEasyJSON writes the text itself, with its line separators U+2028 and U+2029 escaped:
// readers of JSON lines may split there.
func (r RawJSON) MarshalEasyJSON(w *jwriter.Writer) {
	switch {
	case r.text == nil:
		w.RawString("null")
	case bytes.Contains(r.text, separators):
		w.RawString(escapeSeparators.Replace(string(r.text)))
	default:
		w.Buffer.AppendBytes(r.text)
	}
}

// separators is how U+2028 and U+2029 begin in UTF-8.
var separators = []byte("\xe2\x80")

// escapeSeparators escapes them, which can stand in a text's strings only.
var escapeSeparators = strings.NewReplacer("\u2028", `\u2028`, "\u2029", `\u2029`)

// marshal is for json.Marshaler.
func marshal(v easyjson.Marshaler) ([]byte, error) {
	w := jwriter.Writer{NoEscapeHTML: true}
	v.MarshalEasyJSON(&w)
	return w.BuildBytes()
}

// UnmarshalJSON keeps the text itself.
func (r *RawJSON) UnmarshalJSON(data []byte) error {
	r.text = append([]byte(nil), data...)
	return nil
}

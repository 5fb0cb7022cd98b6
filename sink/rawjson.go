package sink

import "github.com/deskstream/deskstream/mapping"

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
func (r RawJSON) MarshalJSON() ([]byte, error) {
	if r.text == nil {
		return []byte("null"), nil
	}
	return r.text, nil
}

// UnmarshalJSON keeps the text itself.
func (r *RawJSON) UnmarshalJSON(data []byte) error {
	r.text = append([]byte(nil), data...)
	return nil
}

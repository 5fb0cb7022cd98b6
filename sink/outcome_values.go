package sink

import (
	"slices"
	"strconv"
	"time"

	"github.com/mailru/easyjson/jwriter"
)

// Time is a moment that is written in UTC with milliseconds.
type Time struct{ time.Time }

// TimeFormat is how moments are written in outcomes and dead letters.
const TimeFormat = "2006-01-02T15:04:05.000Z"

// MarshalText writes the moment by TimeFormat.
func (t Time) MarshalText() ([]byte, error) { return t.append(nil), nil }

// MarshalJSON writes the moment by TimeFormat, see MarshalEasyJSON.
func (t Time) MarshalJSON() ([]byte, error) { return marshal(t) }

// MarshalEasyJSON writes the moment by TimeFormat. The zero time is the beginning of 1970,
// Kafka's own 0, which says as little: the schema has no null here.
func (t Time) MarshalEasyJSON(w *jwriter.Writer) {
	if t.IsZero() {
		t.Time = time.UnixMilli(0)
	}
	w.RawByte('"')
	w.Buffer.EnsureSpace(len(TimeFormat))
	w.Buffer.Buf = t.append(w.Buffer.Buf)
	w.RawByte('"')
}

// String is the moment by TimeFormat.
func (t Time) String() string { return string(t.append(nil)) }

// append appends the moment by TimeFormat. Of the layouts with a fraction the standard
// library has no quick one.
func (t Time) append(dst []byte) []byte {
	utc := t.UTC()
	dst = utc.AppendFormat(dst, time.RFC3339)
	return utc.AppendFormat(dst[:len(dst)-len("Z")], ".000Z")
}

// VendorIDs are a help desk's ids by what they are of, "contact_id" and the like.
type VendorIDs map[string]string

// MarshalEasyJSON writes them in order, as encoding/json does.
func (ids VendorIDs) MarshalEasyJSON(w *jwriter.Writer) {
	if ids == nil {
		w.RawString("null")
		return
	}
	names := make([]string, 0, 8) // on the stack, unless there are more
	for name := range ids {
		names = append(names, name)
	}
	slices.Sort(names)
	w.RawByte('{')
	for i, name := range names {
		if i > 0 {
			w.RawByte(',')
		}
		w.String(name)
		w.RawByte(':')
		w.String(ids[name])
	}
	w.RawByte('}')
}

// Milliseconds is a duration.
type Milliseconds float64

// MarshalEasyJSON writes it as encoding/json does, without an exponent: none that is
// measured is so long or so short that it had one there.
func (ms Milliseconds) MarshalEasyJSON(w *jwriter.Writer) {
	w.Buffer.EnsureSpace(len("-9007199254740992.000000001"))
	w.Buffer.Buf = strconv.AppendFloat(w.Buffer.Buf, float64(ms), 'f', -1, 64)
}

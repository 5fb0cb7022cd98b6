package avro

import (
	"encoding/base64"
	"math"
	"strconv"
	"time"

	"github.com/deskstream/deskstream/mapping"
)

// logical is what a type means beyond how its bytes lie.
type logical uint8

const (
	noLogical logical = iota
	dateLogical
	timeMillis
	timeMicros
	timestampMillis
	timestampMicros
	timestampNanos
	localMillis
	localMicros
	localNanos
	decimalLogical
	bigDecimalLogical
	durationLogical
	uuidLogical // of a fixed; that of a string is text as it is
	jsonLogical // our own: a string that holds JSON
)

// logicals are the logical types by their names, for the kinds that may have them.
var logicals = map[kind]map[string]logical{
	intKind: {"date": dateLogical, "time-millis": timeMillis},
	longKind: {
		"time-micros":      timeMicros,
		"timestamp-millis": timestampMillis, "local-timestamp-millis": localMillis,
		"timestamp-micros": timestampMicros, "local-timestamp-micros": localMicros,
		"timestamp-nanos": timestampNanos, "local-timestamp-nanos": localNanos,
	},
	bytesKind:  {"decimal": decimalLogical, "big-decimal": bigDecimalLogical},
	fixedKind:  {"decimal": decimalLogical, "uuid": uuidLogical, "duration": durationLogical},
	stringKind: {"json": jsonLogical},
}

// Bounds of a decimal: turning bytes into digits takes more time than their number.
const (
	maxPrecision    = 1000
	maxDecimalBytes = 512
	uuidSize        = 16
	durationSize    = 12
)

// setLogical takes the logical type of a schema's object. One that is not known or
// does not fit its type is ignored, as Avro's specification wants it.
func (n *node) setLogical(s map[string]any) {
	name, _ := s["logicalType"].(string)
	l := logicals[n.kind][name]
	switch l {
	case decimalLogical:
		precision, _ := s["precision"].(float64)
		scale, _ := s["scale"].(float64)
		if precision < 1 || precision > maxPrecision || scale < 0 || scale > precision || n.size > maxDecimalBytes {
			return
		}
		n.scale = int(scale)
	case uuidLogical:
		if n.size != uuidSize {
			return
		}
	case durationLogical:
		if n.size != durationSize {
			return
		}
	default:
	}
	n.logical = l
}

// integer is the value of an int or a long.
func (n *node) integer(i int64) mapping.Value {
	switch n.logical {
	case dateLogical:
		day := time.Unix(i*24*60*60, 0).UTC()
		if !yearFits(day) {
			return mapping.Int(i)
		}
		return mapping.Str(day.Format(time.DateOnly))
	case timeMillis:
		return clock(i, time.Millisecond)
	case timeMicros:
		return clock(i, time.Microsecond)
	case timestampMillis:
		return moment(time.UnixMilli(i), 3, "Z", i)
	case localMillis:
		return moment(time.UnixMilli(i), 3, "", i)
	case timestampMicros:
		return moment(time.UnixMicro(i), 6, "Z", i)
	case localMicros:
		return moment(time.UnixMicro(i), 6, "", i)
	case timestampNanos:
		return moment(time.Unix(0, i), 9, "Z", i)
	case localNanos:
		return moment(time.Unix(0, i), 9, "", i)
	default:
		return mapping.Int(i)
	}
}

// parseInteger is the number that integer makes a text of, or another one if there is
// none: the caller compares.
func (n *node) parseInteger(text string) (int64, error) {
	layout, unit := time.RFC3339Nano, time.Millisecond
	switch n.logical {
	case dateLogical:
		t, err := time.Parse(time.DateOnly, text)
		return t.Unix() / (24 * 60 * 60), err
	case timeMillis, timeMicros:
		t, err := time.Parse("15:04:05", text)
		since := t.Sub(time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC))
		if n.logical == timeMicros {
			return since.Microseconds(), err
		}
		return since.Milliseconds(), err
	case timestampMicros:
		unit = time.Microsecond
	case timestampNanos:
		unit = time.Nanosecond
	case timestampMillis:
	case localMillis, localMicros, localNanos:
		layout = "2006-01-02T15:04:05"
		unit = map[logical]time.Duration{localMillis: time.Millisecond, localMicros: time.Microsecond, localNanos: time.Nanosecond}[n.logical]
	default:
		return 0, strconv.ErrSyntax
	}
	t, err := time.Parse(layout, text)
	switch unit {
	case time.Millisecond:
		return t.UnixMilli(), err
	case time.Microsecond:
		return t.UnixMicro(), err
	default:
		return t.UnixNano(), err
	}
}

// moment is a time as text with that many digits of a second, three where they say
// all, as in events in JSON; or the number itself outside of the years that RFC 3339 has.
func moment(t time.Time, digits int, zone string, i int64) mapping.Value {
	t = t.UTC()
	if !yearFits(t) {
		return mapping.Int(i)
	}
	fraction := t.Nanosecond()
	if fraction%int(time.Millisecond) == 0 {
		digits = 3
	}
	var buf [40]byte
	// The layout of RFC 3339 is the one that package time is quick with.
	text := append(t.AppendFormat(buf[:0], time.RFC3339)[:len("2006-01-02T15:04:05")], '.')
	unit := int(time.Second)
	for range digits {
		unit /= 10
		text = append(text, byte('0'+fraction/unit%10))
	}
	return mapping.Str(string(append(text, zone...)))
}

func yearFits(t time.Time) bool { return t.Year() >= 0 && t.Year() <= 9999 }

// clock is a time of day as text, or the number itself if it is none.
func clock(i int64, unit time.Duration) mapping.Value {
	if i < 0 || i >= int64(24*time.Hour/unit) {
		return mapping.Int(i)
	}
	layout := "15:04:05.000"
	if unit == time.Microsecond && i%1000 != 0 {
		layout = "15:04:05.000000"
	}
	return mapping.Str(time.Unix(0, i*int64(unit)).UTC().Format(layout))
}

// number is the value of a float or a double of that many bits. Infinities and NaN are
// null, as JavaScript writes them in JSON.
func number(f float64, bits int) mapping.Value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return mapping.NullValue()
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return mapping.Num(strconv.FormatFloat(f, format, -1, bits))
}

// binary is the value of bytes or of a fixed.
func (n *node) binary(b []byte) mapping.Value {
	switch n.logical {
	case decimalLogical:
		return mapping.Num(decimal(b, n.scale))
	case bigDecimalLogical:
		if literal, ok := bigDecimal(b); ok {
			return mapping.Num(literal)
		}
		return mapping.Str(base64.StdEncoding.EncodeToString(b))
	case durationLogical:
		return mapping.Str(duration(b))
	case uuidLogical:
		return mapping.Str(UUID([uuidSize]byte(b)))
	default:
		return mapping.Str(base64.StdEncoding.EncodeToString(b))
	}
}

package unified

import (
	"strings"
	"time"
)

// Time is a moment as RFC 3339 in UTC with milliseconds, "" for none.
type Time string

// form is how moments are written, fraction what it has after the seconds.
const (
	form     = "2006-01-02T15:04:05.000Z"
	fraction = ".000Z"
)

// At is the moment. Years that RFC 3339 cannot write, and the zero moment, give none.
func At(t time.Time) Time {
	t = t.UTC()
	if t.IsZero() || t.Year() < 1 || t.Year() > 9999 {
		return ""
	}
	// Of the layouts with a fraction time has no quick one.
	text := t.AppendFormat(make([]byte, 0, len(form)), time.RFC3339)
	return Time(t.AppendFormat(text[:len(text)-len("Z")], fraction))
}

// isForm reports whether a moment of RFC 3339 is written as Time writes it.
func isForm(text string) bool {
	return len(text) == len(form) && text[19] == '.' && text[23] == 'Z'
}

// ParseTime reads a moment that a desk wrote: with an offset as RFC 3339, or with a blank instead
// of the T and without an offset, which then is wall time of zone. What is no moment gives none.
// A wall time that a zone has twice is the one or the other.
func ParseTime(text string, zone *time.Location) Time {
	if text = strings.TrimSpace(text); text == "" {
		return ""
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		if isForm(text) && t.Year() >= 1 && !t.IsZero() {
			return Time(text)
		}
		return At(t)
	}
	for _, layout := range []string{time.DateTime, "2006-01-02T15:04:05"} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return At(t)
		}
	}
	return ""
}

// Moment is the moment of t, zero for none.
func (t Time) Moment() time.Time {
	at, err := time.Parse(time.RFC3339Nano, string(t))
	if err != nil {
		return time.Time{}
	}
	return at
}

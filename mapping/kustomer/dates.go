package kustomer

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/deskstream/deskstream/mapping"
)

var (
	// calendar is a date, or a date and a time with or without a zone.
	calendar = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?([Zz]|[+-][0-9]{2}:[0-9]{2})?)?$`)
	// rfc3339 is a full date-time, RFC 3339 section 5.6.
	rfc3339  = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})$`)
	unixText = regexp.MustCompile(`^([0-9]{10}|[0-9]{13})$`)
)

var calendarLayouts = []string{
	"2006-01-02", "2006-01-02T15:04", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04:05Z07:00",
}

// otherLayouts are the further spellings of dates that senders' databases and
// languages print. None of them leaves day and month open.
var otherLayouts = []string{
	"2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05Z07",
	"2006-01-02 15:04:05 UTC", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 -0700 UTC",
	"2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07",
	"Mon, 02 Jan 2006 15:04:05 GMT", "Mon, 02 Jan 2006 15:04:05 -0700", "Mon Jan 02 2006 15:04:05 GMT-0700",
}

// parseCalendar reads a day, or a moment of one, that really exists.
func parseCalendar(text string) (time.Time, bool) {
	if len(text) < len(time.DateOnly) || text[len("2006")] != '-' || !calendar.MatchString(text) {
		return time.Time{}, false
	}
	return parseAny(strings.ToUpper(text), calendarLayouts)
}

func parseAny(text string, layouts []string) (time.Time, bool) {
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// date takes a date, or Unix time in seconds or milliseconds, and makes it an
// RFC 3339 date-time in UTC. One that is such a date-time already stays as written.
func date(n *notes, label string, v mapping.Value) mapping.Value {
	text := strings.TrimSpace(v.Str())
	t, ok := parseCalendar(text)
	switch {
	case ok && rfc3339.MatchString(text):
		return mapping.Str(text)
	case ok:
	case v.Kind() == mapping.Number || unixText.MatchString(text):
		t, ok = unix(strings.TrimSpace(v.Text()))
	default:
		// JavaScript ends the text of a Date with the zone's name in brackets.
		text, _, _ = strings.Cut(text, " (")
		t, ok = parseAny(text, otherLayouts)
	}
	t = t.UTC()
	if !ok || t.Year() < 0 || t.Year() > 9999 {
		n.leftOut(label, "it is neither a date nor a Unix time")
		return mapping.Value{}
	}
	return mapping.Str(t.Format("2006-01-02T15:04:05.000Z"))
}

// Limits of Unix time: in seconds up to the year 5138, else in milliseconds.
const (
	unixSeconds = 1e11
	unixMillis  = 1e14
)

func unix(literal string) (time.Time, bool) {
	f, err := strconv.ParseFloat(literal, 64)
	switch {
	case err != nil || math.Abs(f) >= unixMillis:
		return time.Time{}, false
	case math.Abs(f) < unixSeconds:
		f *= 1000
	}
	return time.UnixMilli(int64(math.Round(f))), true
}

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
	rfc3339 = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})$`)
)

var calendarLayouts = []string{
	"2006-01-02", "2006-01-02T15:04", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04:05Z07:00",
}

// parseCalendar reads a day, or a moment of one, that really exists.
func parseCalendar(text string) (time.Time, bool) {
	if len(text) < len(time.DateOnly) || text[len("2006")] != '-' || !calendar.MatchString(text) {
		return time.Time{}, false
	}
	text = strings.ToUpper(text)
	for _, layout := range calendarLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// firstYear is the first year that is taken for one: Go's time that was never set has the
// year 1, and others have years of two digits.
const (
	firstYear   = 1000
	whyTooEarly = "it is before the year 1000"
)

func tooEarly(t time.Time) bool { return t.Year() < firstYear || t.UTC().Year() < firstYear }

// date takes a date, or Unix time, and makes it an RFC 3339 date-time in UTC. One that
// is such a date-time already stays as written.
func date(n *notes, label string, v mapping.Value) mapping.Value {
	return moment(n, source{label, v}, func(u unixTime) (time.Time, bool) {
		t, ok := u.time()
		return t, ok && u.whole > 0
	})
}

// birthday is date for a day in the past of its event. So it may be before 1970, and what
// as seconds would lie ahead is milliseconds.
func birthday(ev mapping.Event) coerce {
	return func(n *notes, label string, v mapping.Value) mapping.Value {
		return moment(n, source{label, v}, func(u unixTime) (time.Time, bool) {
			t, ok := u.time()
			if ok && u.whole < unixMillis && t.After(present(ev)) {
				t = time.UnixMilli(u.whole)
			}
			return t, ok
		})
	}
}

// writtenIn is where the future begins at the earliest. An event without a time happened
// at some time after this was written.
var writtenIn = time.Date(2027, time.January, 1, 0, 0, 0, 0, time.UTC)

// present returns where the future of an event begins: at its own time, if it has one that
// a clock may show.
func present(ev mapping.Event) time.Time {
	for _, field := range []string{"receivedAt", "timestamp", "originalTimestamp"} {
		if t, ok := parseCalendar(ev.Body.Get(field).Str()); ok && t.After(writtenIn) {
			return t
		}
	}
	return writtenIn
}

// moment takes what reads as a moment; fromUnix reads its Unix time.
func moment(n *notes, s source, fromUnix func(unixTime) (time.Time, bool)) mapping.Value {
	text := mapping.Trim(s.value.Str())
	t, ok := parseCalendar(text)
	asWritten := ok && rfc3339.MatchString(text)
	switch {
	case ok:
	case s.value.Kind() == mapping.Number:
		t, ok = fromNumber(s.value.Text(), fromUnix)
	case jsonNumber.MatchString(text):
		t, ok = fromNumber(text, fromUnix)
	default:
		t, ok = parseSpelled(text)
	}
	switch {
	case ok && tooEarly(t):
		n.leftOut(s.path, whyTooEarly)
		return mapping.Value{}
	case asWritten:
		return mapping.Str(text)
	case !ok || t.UTC().Year() > 9999:
		n.leftOut(s.path, "it is neither a date nor a Unix time")
		return mapping.Value{}
	}
	return mapping.Str(formatted(t.UTC()))
}

// formatted is RFC 3339 with milliseconds, or microseconds where there are any.
func formatted(t time.Time) string {
	if t.Nanosecond()%int(time.Millisecond) < int(time.Microsecond) {
		return t.Format("2006-01-02T15:04:05.000Z")
	}
	return t.Format("2006-01-02T15:04:05.000000Z")
}

// fromNumber reads eight digits that are a date as it, and other numbers as Unix time.
func fromNumber(literal string, fromUnix func(unixTime) (time.Time, bool)) (time.Time, bool) {
	const layout = "20060102"
	digits, isWhole := mapping.Whole(literal)
	if isWhole && len(digits) == len(layout) {
		t, err := time.Parse(layout, digits)
		return t, err == nil
	}
	u, err := parseUnix(literal, digits)
	if err != nil {
		return time.Time{}, false
	}
	return fromUnix(u)
}

// parseUnix reads the digits of a whole number, or the literal of one with a fraction.
func parseUnix(literal, digits string) (u unixTime, err error) {
	if digits != "" {
		u.whole, err = strconv.ParseInt(digits, 10, 64)
		return u, err
	}
	number, err := strconv.ParseFloat(literal, 64)
	whole, fraction := math.Modf(number)
	return unixTime{int64(whole), fraction}, err
}

// Where the units of Unix time begin. Nine and ten digits are seconds, from March 1973 on.
// More would lie after the year 2286 as seconds: so many are milliseconds, and from fifteen
// on microseconds. Fewer digits are a year, a day of a spreadsheet, or anything.
const (
	unixSeconds = 1e8
	unixMillis  = 1e10
	unixMicros  = 1e14
	unixEnd     = 1e16
)

// unixTime is a number of seconds, milliseconds or microseconds since 1970. A negative one
// is the time before.
type unixTime struct {
	whole    int64
	fraction float64
}

// time reports false for a number that is no time in any of the units.
func (u unixTime) time() (t time.Time, ok bool) {
	unit := time.Microsecond
	switch size := max(u.whole, -u.whole); {
	case size < unixSeconds || size >= unixEnd:
		return time.Time{}, false
	case size < unixMillis:
		t, unit = time.Unix(u.whole, 0), time.Second
	case size < unixMicros:
		t, unit = time.UnixMilli(u.whole), time.Millisecond
	default:
		t = time.UnixMicro(u.whole)
	}
	return t.Add(time.Duration(u.fraction * float64(unit)).Round(time.Microsecond)), true
}

package kustomer

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Parts of the spellings below, in lower case and with single blanks.
const (
	weekday = `(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? )`
	month   = `(?P<month>[a-z]{3,9})\.?`
	clock   = `(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?(?: ?(?P<half>[ap])\.?m\.?)?`
	// zone is a name or an offset. Go writes a name after the offset, Java one in brackets.
	zone = `(?:(?P<zone>[a-z]{1,4})|(?:utc|gmt)?(?P<offset>[+-]\d\d(?::?\d\d)?)(?: (?:[a-z]{3,5}|[+-]\d\d(?:\d\d)?))?)(?:\[[^\]]*\])*`
	// tail is the time of the day. Go's monotonic clock and a comment say nothing.
	tail = `(?:(?:t|,? (?:at )?)` + clock + `(?: ?` + zone + `)?(?: m=[+-][\d.]+)?(?: ?\([^()]*\))?)?$`
)

// spellings are the further forms of dates that senders' databases and languages print.
// None of them leaves day and month open.
var spellings = []*regexp.Regexp{
	// 2026/01/02, 2026-1-2, and Go's time: 2026-01-02 03:04:05.6 +0100 CET
	regexp.MustCompile(`^(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})` + tail),
	// 20260102T030405Z, ISO 8601's basic form
	regexp.MustCompile(`^(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)` +
		`(?:[t ](?P<hour>\d\d):?(?P<minute>\d\d)(?::?(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?(?: ?` + zone + `)?)?$`),
	// Fri, 2 Jan 2026 03:04:05 +0000, RFC 5322 section 3.3
	regexp.MustCompile(`^` + weekday + `?(?P<day>\d{1,2})[ -]` + month + `,?[ -](?P<year>\d{4})` + tail),
	// January 2, 2026, and JavaScript's Fri Jan 02 2026 03:04:05 GMT+0100 (CET)
	regexp.MustCompile(`^` + weekday + `?` + month + ` (?P<day>\d{1,2})(?:st|nd|rd|th)?,? (?P<year>\d{4})` + tail),
	// Fri Jan 02 03:04:05 UTC 2026, as Java's Date and the command date print it
	regexp.MustCompile(`^` + weekday + month + ` (?P<day>\d{1,2}) ` + clock + `(?: ` + zone + `)? (?P<year>\d{4})$`),
}

// maxSpelled is longer than any spelling, its comment included.
const maxSpelled = 128

// parseSpelled reads one of the spellings. Without a zone it is UTC.
func parseSpelled(text string) (time.Time, bool) {
	if len(text) > maxSpelled {
		return time.Time{}, false
	}
	text = strings.ToLower(strings.Join(strings.Fields(text), " "))
	for _, form := range spellings {
		if found := form.FindStringSubmatch(text); found != nil {
			return parts{form, found}.time()
		}
	}
	return time.Time{}, false
}

// parts are what a spelling found, by name.
type parts struct {
	form  *regexp.Regexp
	found []string
}

func (p parts) text(name string) string {
	if i := p.form.SubexpIndex(name); i >= 0 {
		return p.found[i]
	}
	return ""
}

// number is a part that is made of digits, 0 where it is missing.
func (p parts) number(name string) int {
	n, _ := strconv.Atoi(p.text(name))
	return n
}

// time reports false for a day, a time or a zone that does not exist.
func (p parts) time() (time.Time, bool) {
	month, hour, offset := p.month(), p.hour(), p.offset()
	minute, second := p.number("minute"), p.number("second")
	if month == 0 || hour < 0 || minute > 59 || second > 59 || offset == nil {
		return time.Time{}, false
	}
	t := time.Date(p.number("year"), month, p.number("day"), hour, minute, second, p.nanoseconds(), offset)
	return t, t.Month() == month // a day too many is one of the next month
}

// month is 0 for a word that is none.
func (p parts) month() time.Month {
	text := p.text("month")
	if n, err := strconv.Atoi(text); err == nil {
		return time.Month(n)
	}
	for m := time.January; m <= time.December; m++ {
		if name := strings.ToLower(m.String()); text == name || text == name[:3] || text == "sept" && m == time.September {
			return m
		}
	}
	return 0
}

// hour is negative for an hour that a clock does not have.
func (p parts) hour() int {
	hour := p.number("hour")
	switch half := p.text("half"); {
	case half == "" && hour < 24:
		return hour
	case half == "" || hour < 1 || hour > 12:
		return -1
	case half == "p":
		return hour%12 + 12
	default:
		return hour % 12
	}
}

// nanoseconds are the fraction of the second, without what is less than a microsecond.
func (p parts) nanoseconds() int {
	const micros = 6
	digits := (p.text("fraction") + strings.Repeat("0", micros))[:micros]
	n, _ := strconv.Atoi(digits)
	return n * int(time.Microsecond)
}

// zones are the names that mean one offset wherever they are printed, in hours: those of
// RFC 5322 section 4.3 and Europe's. CST is in Chicago and in Shanghai. time.Parse would
// take any three letters, and read those that it does not know as UTC.
var zones = map[string]int{
	"": 0, "z": 0, "utc": 0, "gmt": 0, "ut": 0,
	"est": -5, "edt": -4, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7,
	"wet": 0, "west": 1, "cet": 1, "cest": 2, "eet": 2, "eest": 3,
}

// offset is nil for a zone that is not known, or that is not on earth.
func (p parts) offset() *time.Location {
	text := strings.ReplaceAll(p.text("offset"), ":", "")
	if text == "" {
		hours, ok := zones[p.text("zone")]
		if !ok {
			return nil
		}
		return time.FixedZone("", hours*int(time.Hour/time.Second))
	}
	hours, _ := strconv.Atoi(text[1:3])
	minutes, _ := strconv.Atoi((text + "00")[3:5])
	if hours > 18 || minutes > 59 {
		return nil
	}
	seconds := (hours*60 + minutes) * 60
	if text[0] == '-' {
		seconds = -seconds
	}
	return time.FixedZone("", seconds)
}

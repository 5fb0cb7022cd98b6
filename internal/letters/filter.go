package letters

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Filter says which letters are meant. What is empty asks for nothing; of a list one entry has
// to fit. Compile gives what picks them.
type Filter struct {
	IDs          []string // whole, or the beginning of one
	Fingerprints []string // the same
	Destinations []string
	Classes      []string
	Codes        []string
	Statuses     []int
	Types        []string // of the event
	Users        []string // the lane's value
	Dialects     []string
	// Since and Until bound when the letter was written; Until is not in it.
	Since, Until time.Time
	// Topics, Partitions and Offsets are those of the source.
	Topics     []string
	Partitions []int
	Offsets    []Range
}

// Range is the offsets From up to and with To.
type Range struct{ From, To int64 }

// ParseRange reads "118", "118-200", "118-" and "-200".
func ParseRange(s string) (Range, error) {
	from, to, is := strings.Cut(s, "-")
	if !is {
		to = from
	}
	r := Range{From: 0, To: 1<<63 - 1}
	var errFrom, errTo error
	if from != "" {
		r.From, errFrom = strconv.ParseInt(from, 10, 64)
	}
	if to != "" {
		r.To, errTo = strconv.ParseInt(to, 10, 64)
	}
	if errFrom != nil || errTo != nil || from == "" && to == "" || r.From > r.To {
		return Range{}, fmt.Errorf("%q is no offset and no range of offsets such as 118-200", s)
	}
	return r, nil
}

// Picker is a compiled filter: the one thing by which letters are counted, planned, sent again
// and discarded. Its zero value picks none.
type Picker struct {
	every bool
	fits  []func(*Letter) bool // all have to
	since time.Time
}

// Every picks all letters.
func Every() Picker { return Picker{every: true} }

// ErrEmptyFilter says that a filter names nothing by which it could pick letters.
var ErrEmptyFilter = errors.New("the filter names nothing")

// Compile gives what picks letters by a filter, or ErrEmptyFilter for one that names nothing.
func (f *Filter) Compile() (Picker, error) {
	p := Picker{since: f.Since}
	oneOf(&p, f.IDs, func(l *Letter, id string) bool { return begins(l.ID, id) })
	oneOf(&p, f.Fingerprints, func(l *Letter, print string) bool { return begins(l.Fingerprint, print) })
	oneOf(&p, f.Destinations, func(l *Letter, name string) bool { return l.Destination == name })
	oneOf(&p, f.Classes, func(l *Letter, class string) bool { return l.Class == class })
	oneOf(&p, f.Codes, func(l *Letter, code string) bool { return l.Code == code })
	oneOf(&p, f.Statuses, func(l *Letter, status int) bool { return l.Status == status })
	oneOf(&p, f.Types, func(l *Letter, typ string) bool { return l.EventType == typ })
	oneOf(&p, f.Users, func(l *Letter, user string) bool { return l.Lane == user })
	oneOf(&p, f.Dialects, func(l *Letter, d string) bool { return string(l.Dialect) == d })
	oneOf(&p, f.Topics, func(l *Letter, topic string) bool { return l.Source.Topic == topic })
	oneOf(&p, f.Partitions, func(l *Letter, n int) bool { return l.Source.Known && int(l.Source.Partition) == n })
	oneOf(&p, f.Offsets, func(l *Letter, r Range) bool {
		return l.Source.Known && r.From <= l.Source.Offset && l.Source.Offset <= r.To
	})
	if !f.Since.IsZero() {
		p.fits = append(p.fits, func(l *Letter) bool { return !l.At.Timestamp.Before(f.Since) })
	}
	if !f.Until.IsZero() {
		p.fits = append(p.fits, func(l *Letter) bool { return l.At.Timestamp.Before(f.Until) })
	}
	if len(p.fits) == 0 {
		return Picker{}, ErrEmptyFilter
	}
	return p, nil
}

// oneOf has a picker ask for one of a list, if there is one.
func oneOf[T any](p *Picker, list []T, fits func(*Letter, T) bool) {
	if len(list) > 0 {
		list = slices.Clone(list)
		p.fits = append(p.fits, func(l *Letter) bool {
			return slices.ContainsFunc(list, func(v T) bool { return fits(l, v) })
		})
	}
}

// begins reports whether a text begins with another one that says something.
func begins(text, with string) bool { return with != "" && strings.HasPrefix(text, with) }

// Picks reports whether a letter is one of those that are asked for.
func (p *Picker) Picks(l *Letter) bool {
	for _, fits := range p.fits {
		if !fits(l) {
			return false
		}
	}
	return p.every || len(p.fits) > 0
}

// Since is the time before which no letter is picked that was written then, zero for none.
func (p *Picker) Since() time.Time { return p.since }

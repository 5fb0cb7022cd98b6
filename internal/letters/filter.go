package letters

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Filter picks letters. What is empty picks all; of a list one entry has to fit.
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

// Match reports whether the filter picks a letter.
func (f *Filter) Match(l *Letter) bool {
	at := l.At.Timestamp
	return anyPrefix(f.IDs, l.ID) && anyPrefix(f.Fingerprints, l.Fingerprint) &&
		oneOf(f.Destinations, l.Destination) && oneOf(f.Classes, l.Class) && oneOf(f.Codes, l.Code) &&
		oneOf(f.Statuses, l.Status) && oneOf(f.Types, l.EventType) && oneOf(f.Users, l.Lane) &&
		oneOf(f.Dialects, string(l.Dialect)) &&
		(f.Since.IsZero() || !at.Before(f.Since)) && (f.Until.IsZero() || at.Before(f.Until)) &&
		oneOf(f.Topics, l.Source.Topic) && (len(f.Partitions) == 0 || l.Source.Known) && oneOf(f.Partitions, int(l.Source.Partition)) &&
		f.inRange(l)
}

func (f *Filter) inRange(l *Letter) bool {
	return len(f.Offsets) == 0 || l.Source.Known && slices.ContainsFunc(f.Offsets, func(r Range) bool {
		return r.From <= l.Source.Offset && l.Source.Offset <= r.To
	})
}

func oneOf[T comparable](list []T, v T) bool { return len(list) == 0 || slices.Contains(list, v) }

func anyPrefix(list []string, v string) bool {
	return len(list) == 0 || slices.ContainsFunc(list, func(p string) bool { return p != "" && strings.HasPrefix(v, p) })
}

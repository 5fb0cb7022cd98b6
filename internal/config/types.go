package config

import (
	"errors"
	"math"
	"regexp"
	"strconv"
	"time"
)

// Size is a number of bytes.
type Size int64

var (
	sizeText  = regexp.MustCompile(`^([0-9]+) ?(B|kB|MB|GB|KiB|MiB|GiB)?$`)
	sizeUnits = map[string]int64{
		"": 1, "B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30,
	}
)

// UnmarshalText reads a size such as 64MiB; without a unit it is bytes.
func (s *Size) UnmarshalText(text []byte) error {
	m := sizeText.FindSubmatch(text)
	if m == nil {
		return errors.New("write a size like 64MiB, 500kB or 1GiB")
	}
	n, err := strconv.ParseInt(string(m[1]), 10, 64)
	unit := sizeUnits[string(m[2])]
	if err != nil || n > math.MaxInt64/unit {
		return errors.New("the size is too large")
	}
	*s = Size(n * unit)
	return nil
}

// Start is where a group without offsets begins. The zero Start is none given.
type Start struct {
	// At is the moment to begin at; zero for earliest and latest.
	At   time.Time
	text string
}

// The fixed starts.
const (
	Earliest = "earliest"
	Latest   = "latest"
)

// UnmarshalText reads earliest, latest or an RFC 3339 time; "" is none.
func (s *Start) UnmarshalText(text []byte) error {
	*s = Start{text: string(text)}
	if s.text == "" || s.text == Earliest || s.text == Latest {
		return nil
	}
	at, err := time.Parse(time.RFC3339, s.text)
	if err != nil {
		return errors.New("write earliest, latest or an RFC 3339 time like 2026-01-02T15:04:05Z")
	}
	s.At = at.UTC()
	return nil
}

// IsZero reports whether no start was given.
func (s Start) IsZero() bool { return s.text == "" }

// String is the start as it was given.
func (s Start) String() string { return s.text }

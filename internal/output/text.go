package output

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// Count returns "1 event" or "2 events".
func Count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Named returns "name value", or nothing without a value.
func Named(name, value string) string {
	if value == "" {
		return ""
	}
	return name + " " + value
}

// KnownTime is Time, or nothing for the zero time.
func KnownTime(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return Time(at)
}

// IndentJSON returns JSON with one member a line. What is not JSON is returned as it is.
func IndentJSON(value json.RawMessage) string {
	var b bytes.Buffer
	if json.Indent(&b, value, "", "  ") != nil {
		return string(value)
	}
	return b.String()
}

// NonEmpty returns the texts that are not empty.
func NonEmpty(texts []string) []string {
	var list []string
	for _, t := range texts {
		if t != "" {
			list = append(list, t)
		}
	}
	return list
}

// Time returns a time in UTC, as RFC 3339 has it.
func Time(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// Indent puts four spaces before each line of a text.
func Indent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("    " + line)
	}
	return b.String()
}

// Roughly returns a duration for people: "4s", "25m", "4h36m".
func Roughly(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", max(1, int(d.Round(time.Second).Seconds())))
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", int(d.Round(time.Minute).Minutes()))
	}
	minutes := int(d.Round(time.Minute).Minutes())
	return fmt.Sprintf("%dh%02dm", minutes/60, minutes%60)
}

// NewEncoder returns an encoder of NDJSON that escapes only what JSON demands.
func NewEncoder(w io.Writer) *json.Encoder {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	return out
}

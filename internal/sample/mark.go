package sample

import (
	"bytes"
	"fmt"
)

// markPrefix and markDigits make a mark: text that nothing else in an event has.
const (
	markPrefix = "ev-"
	markDigits = 8
)

// Mark is the mark of the n-th event of a generator.
func Mark(n int) string { return fmt.Sprintf("%s%0*d", markPrefix, markDigits, n) }

// FindMark is the first mark in a text, be it an event or the body of a call that an
// event caused, and "" if there is none. It tells which event a call belongs to.
func FindMark(text []byte) string {
	for {
		i := bytes.Index(text, []byte(markPrefix))
		if i < 0 || len(text) < i+len(markPrefix)+markDigits {
			return ""
		}
		end := i + len(markPrefix) + markDigits
		if isDigits(text[i+len(markPrefix) : end]) {
			return string(text[i:end])
		}
		text = text[i+len(markPrefix):]
	}
}

func isDigits(text []byte) bool {
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

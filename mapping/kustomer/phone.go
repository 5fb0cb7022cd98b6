package kustomer

import (
	"strings"
	"unicode"

	"github.com/deskstream/deskstream/mapping"
)

// phoneText takes a text that holds a phone number, or a whole number.
func phoneText(n *notes, label string, v mapping.Value) mapping.Value {
	text, _ := v.ID()
	number, ok := mapping.PhoneNumber(text)
	if ok {
		number, ok = dialable(number)
	}
	if !ok || v.Kind() == mapping.Number && text[0] == '-' {
		n.leftOut(label, "it is no phone number")
		return mapping.Value{}
	}
	return mapping.Str(number)
}

// maxPhone is how many characters a number has at the most: twice as many as it has digits
// (ITU-T E.164).
const maxPhone = 30

// dialable returns a number in characters that Kustomer can be expected to take: digits,
// brackets, blanks, dots, dashes and slashes, and a plus before the first digit. Its own rule
// is not public, and it refuses the whole customer for a number that breaks it. It reports
// false for a number with anything else.
func dialable(number string) (string, bool) {
	number = strings.Map(plainSign, number)
	if rest, ok := strings.CutPrefix(number, "+ "); ok {
		number = "+" + strings.TrimLeft(rest, " ")
	}
	begun := false
	for i, r := range number {
		switch {
		case isDigit(r):
			begun = true
		case r == '+' && (i == 0 || number[:i] == "("):
		case r == '(' || begun && strings.ContainsRune(" ).-/", r):
		default:
			return "", false
		}
	}
	return number, len(number) <= maxPhone
}

// plainSign writes the blanks and dashes of all scripts in ASCII, and drops what is not seen.
func plainSign(r rune) rune {
	switch {
	case r < unicode.MaxASCII:
		return r
	case unicode.IsSpace(r):
		return ' '
	case unicode.Is(unicode.Pd, r):
		return '-'
	case unicode.Is(unicode.Cf, r):
		return -1
	default:
		return r
	}
}

package mapping

import (
	"strconv"
	"strings"
)

// maxWholeDigits is how many digits a number may have that serves as an id. No id of a
// sender is longer, and an exponent of a few digits could ask for gigabytes of zeros.
const maxWholeDigits = 256

// Whole returns the plain integer that the literal of a JSON number stands for:
// 12345.0 and 1.2345e4 are 12345. It reports false for a number with a fraction and for
// one of more than 256 digits. No digit is lost or rounded.
func Whole(literal string) (string, bool) {
	if isPlainInteger(literal) {
		return literal, len(literal) <= maxWholeDigits
	}
	unsigned, negative := strings.CutPrefix(literal, "-")
	mantissa, exponent, _ := strings.Cut(strings.ToLower(unsigned), "e")
	integer, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(integer+fraction, "0")
	if digits == "" {
		return "0", true
	}
	// The number is 0.digits times ten to the power of point.
	point, err := strconv.Atoi(orZero(strings.TrimPrefix(exponent, "+")))
	if err != nil {
		return "", false
	}
	point += len(integer) - (len(integer+fraction) - len(digits))
	digits = strings.TrimRight(digits, "0")
	if point < len(digits) || point > maxWholeDigits {
		return "", false
	}
	digits += strings.Repeat("0", point-len(digits))
	if negative {
		digits = "-" + digits
	}
	return digits, true
}

func orZero(text string) string {
	if text == "" {
		return "0"
	}
	return text
}

// isPlainInteger reports whether literal has neither sign, fraction nor exponent.
func isPlainInteger(literal string) bool {
	for i := range len(literal) {
		if literal[i] < '0' || literal[i] > '9' {
			return false
		}
	}
	return literal != ""
}

// ID returns v as the text of an id: a text as it is, a number as the plain integer
// that it is. It reports false for anything else, a number with a fraction included.
func (v Value) ID() (string, bool) {
	switch v.kind {
	case String:
		return v.text, true
	case Number:
		return Whole(v.text)
	default:
		return "", false
	}
}

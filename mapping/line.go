package mapping

import (
	"strings"
	"unicode"
)

// Trim takes blanks, control characters and invisible format characters (zero-width
// blanks, byte-order marks, marks of direction) off both ends of text.
func Trim(text string) string {
	if text != "" && isPlain(text[0]) && isPlain(text[len(text)-1]) {
		return text
	}
	return strings.TrimFunc(text, isInvisible)
}

// isPlain reports whether c is a character of its own that is seen, as most texts begin
// and end with.
func isPlain(c byte) bool { return c > ' ' && c < 0x7F }

func isInvisible(r rune) bool {
	if r < 0x80 {
		return r <= ' ' || r == 0x7F
	}
	return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
}

// OneLine returns text as one line: each run of line breaks, tabs and control characters,
// with the blanks next to it, becomes one blank. Other blanks stay. It is trimmed.
func OneLine(text string) string {
	text = Trim(text)
	if !strings.ContainsFunc(text, breaksLine) {
		return text
	}
	var b strings.Builder
	b.Grow(len(text))
	for text != "" {
		end := strings.IndexFunc(text, breaksLine)
		if end < 0 {
			b.WriteString(text)
			break
		}
		b.WriteString(strings.TrimRightFunc(text[:end], unicode.IsSpace))
		b.WriteByte(' ')
		text = strings.TrimLeftFunc(text[end:], func(r rune) bool { return unicode.IsSpace(r) || breaksLine(r) })
	}
	return b.String()
}

// breaksLine reports whether r ends a line, or is another control character. U+2028 and
// U+2029 are Unicode's own line and paragraph separators.
func breaksLine(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }

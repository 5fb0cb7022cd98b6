package output

import (
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/deskstream/deskstream/sink"
)

// Writer protects a terminal from texts that other programs wrote. Standard output and
// standard error are Writers. Control characters, characters that change the direction of
// text, and invisible characters become \u009b and the like: in JSON that is the same text.
// Bytes that are not UTF-8 become U+FFFD, as JSON's readers take them. Line ends and tabs stay.
type Writer struct{ To io.Writer }

// Write implements io.Writer. A character that is split between two calls counts as broken.
func (s Writer) Write(p []byte) (int, error) {
	if _, err := s.To.Write(Safe(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Safe returns what a Writer writes for p: p itself where nothing has to change.
func Safe(p []byte) []byte {
	at := 0
	for at < len(p) {
		r, size := utf8.DecodeRune(p[at:])
		if steers(r) || r == utf8.RuneError && size == 1 {
			break
		}
		at += size
	}
	if at == len(p) {
		return p
	}
	clean := append(make([]byte, 0, len(p)+len(p)/8), p[:at]...)
	for at < len(p) {
		r, size := utf8.DecodeRune(p[at:])
		if steers(r) {
			clean = fmt.Appendf(clean, `\u%04x`, r)
		} else {
			clean = utf8.AppendRune(clean, r) // RuneError for what is no UTF-8
		}
		at += size
	}
	return clean
}

// steers reports whether a terminal obeys a character instead of showing it. All such
// characters have four hexadecimal digits.
func steers(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return false
	case unicode.IsControl(r):
		return true
	case r == '\u200b' || r == '\ufeff' || '\u2060' <= r && r <= '\u2064': // no width
		return true
	}
	return r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r)
}

// maxText is how much of one text is shown, in bytes. The JSON form has all of it.
const maxText = sink.MaxText

// MaxBody is how much of a request or response body is shown, in bytes.
const MaxBody = 16 << 10

// Shown is a text that Printf does not change, because its parts are one line already.
type Shown string

// Printf is fmt.Fprintf for arguments that other programs wrote: each is printed on one
// line and cut to maxText bytes.
func Printf(w io.Writer, format string, args ...any) {
	for i, arg := range args {
		args[i] = shownArg(arg)
	}
	fmt.Fprintf(w, format, args...)
}

func shownArg(arg any) any {
	switch v := arg.(type) {
	case Shown:
		return string(v)
	case error:
		return Line(v.Error())
	case fmt.Stringer:
		return Line(v.String())
	}
	if v := reflect.ValueOf(arg); v.Kind() == reflect.String {
		return Line(v.String())
	}
	return arg
}

// Words joins the texts that are not empty with spaces.
func Words(texts ...string) Shown {
	list := NonEmpty(texts)
	for i, text := range list {
		list[i] = Line(text)
	}
	return Shown(strings.Join(list, " "))
}

// Line returns a text on one line, cut to maxText bytes.
func Line(text string) string { return LineOf(text, maxText) }

// LineOf returns a text on one line, cut to most bytes.
func LineOf(text string, most int) string {
	return strings.Join(strings.FieldsFunc(cutTo(text, most), endsLine), " ")
}

// cutTo cuts a text to most bytes and adds how many bytes are missing.
func cutTo(text string, most int) string {
	if len(text) <= most {
		return text
	}
	begin := strings.ToValidUTF8(text[:most], "\uFFFD")
	return fmt.Sprintf("%s... (%s more)", begin, Count(len(text)-most, "byte"))
}

// endsLine reports whether a character may end a line, or move within it.
func endsLine(r rune) bool {
	return '\t' <= r && r <= '\r' || r == '\u0085' || r == '\u2028' || r == '\u2029'
}

// Error returns an error's text with long lines cut. Lines after the first are indented,
// so that no foreign text looks like a line of this program.
func Error(err error) string { return Lines(err.Error(), "\n  ") }

// Lines cuts each line of a text to MaxBody bytes and joins them with end.
func Lines(text, end string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = cutTo(line, MaxBody)
	}
	return strings.Join(lines, end)
}

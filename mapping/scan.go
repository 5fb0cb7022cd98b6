package mapping

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// scanner reads one JSON text (RFC 8259) that is valid UTF-8, from at on. It is ours
// because each event is read twice, once for its lane and once for its delivery, and
// with a decoder of tokens that was a tenth of all the work on an event.
type scanner struct {
	data []byte
	at   int
}

// newScanner begins at the start of a text, behind a byte-order mark. The error is
// not_json for text that is not UTF-8.
func newScanner(text []byte) (scanner, error) {
	if !utf8.Valid(text) {
		return scanner{}, errUTF8
	}
	return scanner{data: withoutMark(text)}, nil
}

// next is the first byte that is no blank, 0 at the end.
func (s *scanner) next() byte {
	for ; s.at < len(s.data); s.at++ {
		switch c := s.data[s.at]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// end is an error if anything follows.
func (s *scanner) end() error {
	if s.next(); s.at < len(s.data) {
		return errMore
	}
	return nil
}

// fault is what is wrong when the byte at at is not what has to stand there.
func (s *scanner) fault() error {
	if s.at >= len(s.data) {
		return errCut
	}
	return errSyntax
}

// take reads over c, which has to come next.
func (s *scanner) take(c byte) error {
	if s.next() != c {
		return s.fault()
	}
	s.at++
	return nil
}

// open reads over an opening bracket. It reports whether anything stands between it and
// the closing one, which it reads over otherwise.
func (s *scanner) open(closing byte) bool {
	s.at++
	if s.next() == closing {
		s.at++
		return false
	}
	return true
}

// more tells, behind a member or an element, whether another one follows; it reads over
// the comma, or over the closing bracket.
func (s *scanner) more(closing byte) (bool, error) {
	switch s.next() {
	case ',':
		s.at++
		return true, nil
	case closing:
		s.at++
		return false, nil
	default:
		return false, s.fault()
	}
}

// plain are the bytes that stand for themselves within quotes.
var plain = func() (plain [256]bool) {
	for c := range plain {
		plain[c] = c >= ' ' && c != '"' && c != '\\'
	}
	return plain
}()

// quoted reads over a string, quotes included, and reports whether it has escapes.
func (s *scanner) quoted() (escapes bool, err error) {
	if err := s.take('"'); err != nil {
		return false, err
	}
	for {
		rest, n := s.data[s.at:], 0
		for n < len(rest) && plain[rest[n]] {
			n++
		}
		s.at += n
		if s.at == len(s.data) {
			return false, errCut
		}
		c := s.data[s.at]
		s.at++
		switch c {
		case '"':
			return escapes, nil
		case '\\':
			escapes = true
			if err := s.escaped(); err != nil {
				return false, err
			}
		default:
			return false, errSyntax
		}
	}
}

// escaped reads over what follows a backslash.
func (s *scanner) escaped() error {
	if s.at == len(s.data) {
		return errCut
	}
	c := s.data[s.at]
	s.at++
	if c != 'u' {
		if strings.IndexByte(`"\/bfnrt`, c) < 0 {
			return errSyntax
		}
		return nil
	}
	for range 4 {
		if s.at == len(s.data) {
			return errCut
		}
		if c := s.data[s.at]; !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'f') {
			return errSyntax
		}
		s.at++
	}
	return nil
}

// scalar reads over a value that is neither an object nor a list.
func (s *scanner) scalar() error {
	switch c := s.next(); {
	case c == '"':
		_, err := s.quoted()
		return err
	case c == '-', isDigit(c):
		return s.number()
	case c == 'n':
		return s.word("null")
	case c == 't':
		return s.word("true")
	case c == 'f':
		return s.word("false")
	default:
		return s.fault()
	}
}

func (s *scanner) word(word string) error {
	rest := s.data[s.at:min(len(s.data), s.at+len(word))]
	switch {
	case string(rest) == word:
		s.at += len(word)
		return nil
	case strings.HasPrefix(word, string(rest)):
		return errCut
	default:
		return errSyntax
	}
}

func (s *scanner) number() error {
	s.is('-', '-')
	if !s.is('0', '0') {
		if err := s.digits(); err != nil {
			return err
		}
	}
	if s.is('.', '.') {
		if err := s.digits(); err != nil {
			return err
		}
	}
	if s.is('e', 'E') {
		s.is('+', '-')
		return s.digits()
	}
	return nil
}

// is reads over one byte if it is one of two.
func (s *scanner) is(one, other byte) bool {
	if s.at == len(s.data) || s.data[s.at] != one && s.data[s.at] != other {
		return false
	}
	s.at++
	return true
}

// digits reads over one digit or more.
func (s *scanner) digits() error {
	from := s.at
	for s.at < len(s.data) && isDigit(s.data[s.at]) {
		s.at++
	}
	if s.at == from {
		return s.fault()
	}
	return nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// name reads over a member's name and the colon, and gives the name in its quotes.
func (s *scanner) name() ([]byte, error) {
	s.next()
	from := s.at
	if _, err := s.quoted(); err != nil {
		return nil, err
	}
	name := s.data[from:s.at]
	return name, s.take(':')
}

// skip reads over a value, which is at the given depth if it is an object or a list.
func (s *scanner) skip(depth int) error {
	closing := byte('}')
	switch s.next() {
	case '[':
		closing = ']'
	case '{':
	default:
		return s.scalar()
	}
	if depth > MaxDepth {
		return errDeep
	}
	var err error
	for more := s.open(closing); more && err == nil; {
		if closing == '}' {
			_, err = s.name()
		}
		if err == nil {
			err = s.skip(depth + 1)
		}
		if err == nil {
			more, err = s.more(closing)
		}
	}
	return err
}

// unquote is the text of a string that stands in quotes. A surrogate without its other
// half becomes U+FFFD.
func unquote(quoted []byte) string {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') >= 0 {
		inner, _ = jsontext.AppendUnquote(nil, quoted) // the error is of such surrogates
	}
	return string(inner)
}

package mapping

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// tokens reads one JSON text (RFC 8259) token by token.
type tokens struct {
	jsontext.Decoder
	in   []byte // the text
	text bytes.Buffer
}

var tokenPool = sync.Pool{New: func() any { return new(tokens) }}

// tokenOptions let names repeat and escaped surrogates be alone: both are read as ParseJSON
// says. readTokens checks that the text itself is UTF-8.
var tokenOptions = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// readTokens starts to read a text whose outermost object or list is at the given depth.
// The caller frees what it returns. Errors: not_json for text that is not UTF-8; too_deep
// for one that nests more than MaxDepth levels, even if it is not JSON.
func readTokens(text []byte, depth int) (*tokens, error) {
	switch {
	case !utf8.Valid(text):
		return nil, errUTF8
	case depth+opened(text) > MaxDepth+1 && depth+deepest(text) > MaxDepth+1:
		return nil, errDeep
	}
	t := tokenPool.Get().(*tokens)
	t.in, t.text = text, *bytes.NewBuffer(text)
	t.Reset(&t.text, tokenOptions)
	return t, nil
}

var brace, bracket = []byte{'{'}, []byte{'['}

// opened returns how many opening brackets a text has, those in strings included.
func opened(text []byte) int { return bytes.Count(text, brace) + bytes.Count(text, bracket) }

// deepest returns how many levels of objects and lists a text nests.
func deepest(text []byte) (levels int) {
	level, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\':
			i++
		case quoted:
		case c == '{', c == '[':
			level++
			levels = max(levels, level)
		case c == '}', c == ']':
			level--
		}
	}
	return levels
}

// free returns the reader to its pool, without the text.
func (t *tokens) free() {
	t.in, t.text = nil, bytes.Buffer{}
	t.Reset(&t.text)
	tokenPool.Put(t)
}

// fault returns the error of the text for one of the decoder, without the text in it.
func fault(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errCut
	default:
		return errSyntax
	}
}

// check returns an error for what is not one JSON text. Errors: those of readTokens, and not_json.
func check(text []byte, depth int) error {
	t, err := readTokens(text, depth)
	if err != nil {
		return err
	}
	defer t.free()
	if err := t.skip(); err != nil {
		return err
	}
	return t.end()
}

// end returns an error if anything follows.
func (t *tokens) end() error {
	if _, err := t.ReadToken(); errors.Is(err, io.EOF) {
		return nil
	}
	return errMore
}

// next consumes one token, which is t.in[from:to].
func (t *tokens) next() (kind jsontext.Kind, from, to int, err error) {
	from = int(t.InputOffset())
	token, err := t.ReadToken()
	if err != nil {
		return 0, 0, 0, fault(err)
	}
	for isBetween(t.in[from]) {
		from++
	}
	return token.Kind(), from, int(t.InputOffset()), nil
}

// isBetween reports whether c may stand between two tokens.
func isBetween(c byte) bool { return c <= ' ' || c == ',' || c == ':' }

// step consumes one token.
func (t *tokens) step() error {
	_, err := t.ReadToken()
	return fault(err)
}

// raw consumes a value or a name and returns its text.
func (t *tokens) raw() ([]byte, error) {
	v, err := t.ReadValue()
	return v, fault(err)
}

// skip consumes a value. SkipValue would read it token by token.
func (t *tokens) skip() error {
	_, err := t.raw()
	return err
}

// unquote returns the text of a quoted string. An escaped surrogate without its other half
// becomes U+FFFD.
func unquote(quoted []byte) string {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') >= 0 {
		inner, _ = jsontext.AppendUnquote(nil, quoted) // such surrogates are its only errors
	}
	return string(inner)
}

package template

import (
	"fmt"
	"regexp"
	"strings"
)

type kind uint8

const (
	kText  kind = iota
	kEnd        // of the template
	kOpen       // {{ {{& {{{ {{# {{^ {{/ {{{{ {{{{/ and {{else; value has which
	kClose      // }} }}} }}}}
	kComment
	kID
	kLiteralID // [in brackets]
	kString
	kNumber
	kWord // true false null undefined
	kSep
	kData
	kEquals
	kLeftParen
	kRightParen
	kAsParams
	kPipe
)

// token is a piece of a template. value is its text without delimiters.
type token struct {
	kind   kind
	value  string
	strip  bool // an opening that trims to its left, or a close that trims to its right
	offset int
}

// lexer splits a template into tokens by the rules of the Handlebars grammar.
type lexer struct {
	input  string
	pos    int
	tokens []token
}

// Error is a syntax error in a template. Offset counts bytes from its start.
type Error struct {
	Offset int
	Reason string
}

// Error returns the place and the reason.
func (e *Error) Error() string { return fmt.Sprintf("at offset %d: %s", e.Offset, e.Reason) }

func lex(input string) ([]token, error) {
	l := &lexer{input: input}
	for l.pos < len(input) {
		if err := l.content(); err != nil {
			return nil, err
		}
	}
	l.emit(token{kind: kEnd})
	return l.tokens, nil
}

func (l *lexer) emit(t token) {
	t.offset = l.pos
	l.tokens = append(l.tokens, t)
}

func (l *lexer) rest() string { return l.input[l.pos:] }

func (l *lexer) fail(reason string) error { return &Error{Offset: l.pos, Reason: reason} }

// content reads text up to the next tag, and the tag.
func (l *lexer) content() error {
	before, _, found := strings.Cut(l.rest(), "{{")
	switch {
	case !found:
		l.text(before)
		return nil
	case strings.HasSuffix(before, `\\`): // an escaped backslash: the tag is a tag
		l.text(before[:len(before)-1])
		l.pos++
	case strings.HasSuffix(before, `\`):
		l.text(before[:len(before)-1])
		l.pos++
		l.escaped()
		return nil
	default:
		l.text(before)
	}
	return l.tag()
}

func (l *lexer) text(s string) {
	if s != "" {
		l.emit(token{kind: kText, value: s})
	}
	l.pos += len(s)
}

// escaped reads the braces that a backslash turns into text; ordinary content follows.
func (l *lexer) escaped() {
	rest := l.rest()
	l.text(rest[:len(rest)-len(strings.TrimLeft(rest, "{"))])
}

var (
	rLongComment  = regexp.MustCompile(`^(?s)\{\{~?!--.*?--~?\}\}`)
	rShortComment = regexp.MustCompile(`^(?s)\{\{~?!.*?\}\}`)
	rLongOpen     = regexp.MustCompile(`^\{\{~?!--`)
	rElse         = regexp.MustCompile(`^\{\{(~?)[` + blankClass + `]*else\b`)
	rOpen         = regexp.MustCompile(`^(?:\{\{\{\{/?|\{\{~?(?:#>|#\*|[#/^>{&*])?)`)
	rClose        = regexp.MustCompile(`^(?:\}\}\}\}|\}~?\}\}|~?\}\})`)
)

func (l *lexer) tag() error {
	if strings.HasPrefix(l.rest(), "{{!") || strings.HasPrefix(l.rest(), "{{~!") {
		return l.comment()
	}
	if m := rElse.FindStringSubmatch(l.rest()); m != nil && !continuesName(l.rest(), len(m[0])) {
		l.emit(token{kind: kOpen, value: "else", strip: m[1] != ""})
		l.pos += len(m[0])
		return l.expression()
	}
	opening := rOpen.FindString(l.rest())
	strip := strings.Contains(opening, "~")
	value := strings.Replace(opening, "~", "", 1)
	l.emit(token{kind: kOpen, value: value, strip: strip})
	l.pos += len(opening)
	if err := l.expression(); err != nil || value != "{{{{" {
		return err
	}
	return l.rawContent()
}

func (l *lexer) comment() error {
	rule := rShortComment
	if rLongOpen.MatchString(l.rest()) {
		rule = rLongComment
	}
	m := rule.FindString(l.rest())
	if m == "" {
		return l.fail("the comment is not closed")
	}
	l.emit(token{kind: kComment, strip: strings.HasPrefix(m, "{{~")})
	l.pos += len(m)
	l.emit(token{kind: kClose, value: "}}", strip: strings.HasSuffix(m, "~}}")})
	return nil
}

// rawContent reads the content of a raw block, nested raw blocks included, and its end tag.
func (l *lexer) rawContent() error {
	depth, at := 1, 0
	for depth > 0 {
		i := strings.Index(l.rest()[at:], "{{{{")
		if i < 0 {
			return l.fail("the raw block is not closed")
		}
		if at += i; strings.HasPrefix(l.rest()[at:], "{{{{/") {
			depth--
		} else {
			depth++
		}
		at += len("{{{{")
	}
	l.text(l.rest()[:at-len("{{{{")])
	return l.tag()
}

// expression reads the tokens inside a tag and the end of the tag.
func (l *lexer) expression() error {
	for {
		l.pos += len(l.rest()) - len(strings.TrimLeft(l.rest(), blanks))
		if l.pos == len(l.input) {
			return l.fail("the tag is not closed")
		}
		if end := rClose.FindString(l.rest()); end != "" {
			l.emit(token{kind: kClose, value: strings.Replace(end, "~", "", 1), strip: strings.Contains(end, "~")})
			l.pos += len(end)
			return nil
		}
		if err := l.word(); err != nil {
			return err
		}
	}
}

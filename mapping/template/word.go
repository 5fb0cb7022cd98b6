package template

import (
	"regexp"
	"strings"
)

// blanks are the characters that separate words, the same as in JavaScript; blankClass
// has them for use inside a character class.
const (
	blanks = " \t\r\n\f\v\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a" +
		"\u2028\u2029\u202f\u205f\u3000\ufeff"
	blankClass = `\s\v\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}`
)

// nameClass are the characters of a name outside brackets.
const nameClass = "[^" + blankClass + "!\"#%&'()*+,./;<=>@\\[\\\\\\]^`{|}~]"

// What may follow a name, and a number or a word like true. It is part of their rules: 0 is
// a number in {{lookup a 0}} and a name in {{a.0.b}}.
const (
	afterName    = `(?:[=~}` + blankClass + `/.)\]|]|$)`
	afterLiteral = `(?:[~}` + blankClass + `)]|$)`
)

// words are the tokens inside a tag. The first rule that fits counts.
var words = []struct {
	kind kind
	rule *regexp.Regexp
}{
	{kLeftParen, regexp.MustCompile(`^(\()`)},
	{kRightParen, regexp.MustCompile(`^(\))`)},
	{kEquals, regexp.MustCompile(`^(=)`)},
	{kData, regexp.MustCompile(`^(@)`)},
	{kID, regexp.MustCompile(`^(\.\.)`)},
	{kID, regexp.MustCompile(`^(\.)` + afterName)},
	{kSep, regexp.MustCompile(`^([./])`)},
	{kString, regexp.MustCompile(`^("(?:\\"|[^"])*"|'(?:\\'|[^'])*')`)},
	{kWord, regexp.MustCompile(`^(true|false|null|undefined)` + afterLiteral)},
	{kNumber, regexp.MustCompile(`^(-?[0-9]+(?:\.[0-9]+)?)` + afterLiteral)},
	{kAsParams, regexp.MustCompile(`^(as[` + blankClass + `]+\|)`)},
	{kPipe, regexp.MustCompile(`^(\|)`)},
	{kID, regexp.MustCompile(`^(` + nameClass + `+)` + afterName)},
	{kLiteralID, regexp.MustCompile(`^(\[(?:\\\]|[^\]])*\])`)},
}

var rNameByte = regexp.MustCompile("^" + nameClass)

// continuesName reports whether a name continues at an offset of s.
func continuesName(s string, offset int) bool { return rNameByte.MatchString(s[offset:]) }

func (l *lexer) word() error {
	for _, w := range words {
		m := w.rule.FindStringSubmatch(l.rest())
		if m == nil {
			continue
		}
		l.emit(token{kind: w.kind, value: unquote(w.kind, m[1])})
		l.pos += len(m[1])
		return nil
	}
	return l.fail("unexpected character in a tag")
}

func unquote(k kind, s string) string {
	switch k {
	case kString:
		quote := s[:1]
		return strings.ReplaceAll(s[1:len(s)-1], `\`+quote, quote)
	case kLiteralID:
		return strings.NewReplacer(`\]`, `]`, `\\`, `\`).Replace(s[1 : len(s)-1])
	default:
		return s
	}
}

package handlebars

import (
	"regexp"
	"strings"
)

// Words within a tag. What may follow a word is part of the rule: 0 is a number in
// {{lookup a 0}} and a name in {{a.0.b}}.
var words = []struct {
	kind kind
	rule *regexp.Regexp
}{
	{kLeftParen, regexp.MustCompile(`^(\()`)},
	{kRightParen, regexp.MustCompile(`^(\))`)},
	{kEquals, regexp.MustCompile(`^(=)`)},
	{kData, regexp.MustCompile(`^(@)`)},
	{kID, regexp.MustCompile(`^(\.\.)`)},
	{kID, regexp.MustCompile(`^(\.)(?:[=~}\s/.)\]|]|$)`)},
	{kSep, regexp.MustCompile(`^([./])`)},
	{kString, regexp.MustCompile(`^("(?:\\"|[^"])*"|'(?:\\'|[^'])*')`)},
	{kWord, regexp.MustCompile(`^(true|false|null|undefined)(?:[~}\s)]|$)`)},
	{kNumber, regexp.MustCompile(`^(-?[0-9]+(?:\.[0-9]+)?)(?:[~}\s)]|$)`)},
	{kAsParams, regexp.MustCompile(`^(as\s+\|)`)},
	{kPipe, regexp.MustCompile(`^(\|)`)},
	{kID, regexp.MustCompile(`^(` + idBytes + `+)(?:[=~}\s/.)\]|]|$)`)},
	{kLiteralID, regexp.MustCompile(`^(\[(?:\\\]|[^\]])*\])`)},
}

// idBytes are the characters of a name that stands without brackets.
const idBytes = "[^\\s!\"#%&'()*+,./;<=>@\\[\\\\\\]^`{|}~]"

var rIDByte = regexp.MustCompile("^" + idBytes)

// isIDByte reports whether a name goes on at an offset of s.
func isIDByte(s string, offset int) bool { return rIDByte.MatchString(s[offset:]) }

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
	return l.fail("a character that no tag may hold here")
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

package sink

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/deskstream/deskstream/mapping"
)

// redaction takes the credential out of an outcome, where it can have got in. What the
// event says (lane, name, id) and our own words stay as they are: a credential can be in
// there by chance only, or because the sender wrote it, and then it is on the source topic
// as well. To replace it there would change ids that people and filters look for.
type redaction struct {
	credentials []string // the present ones, and those before them
	// answers is for what the API and the transport say: it knows every credential.
	answers *redactor
	// calls is for what is made of the event and of earlier answers: URLs, bodies of
	// requests, ids. It knows only credentials that are not there by chance.
	calls *redactor
}

// formerCredentials is how many credentials before the current one are still known: an
// answer that quotes one may be on its way.
const formerCredentials = 2

// newRedaction knows the credentials of one destination.
func newRedaction(credentials ...Secret) *redaction { return (&redaction{}).with(credentials...) }

// with is a redaction that knows what the credentials of its destination are now as well.
func (r *redaction) with(credentials ...Secret) *redaction {
	var known []string
	for _, credential := range credentials {
		known = append(known, secretTexts(credential.Reveal())...)
	}
	most := len(known) * (1 + formerCredentials)
	for _, former := range r.credentials {
		if !slices.Contains(known, former) {
			known = append(known, former)
		}
	}
	known = known[:min(len(known), most)]
	return &redaction{credentials: known, answers: newRedactor(known), calls: newRedactor(slices.DeleteFunc(slices.Clone(known), mayBeChance))}
}

// secretTexts are the texts to look for: the secret and, of a header's value like
// "Bearer token", what follows the last blank.
func secretTexts(secret string) []string {
	if secret == "" {
		return nil
	}
	texts := []string{secret}
	if i := strings.LastIndexByte(secret, ' '); i >= 0 && len(secret)-i > MinCredential {
		texts = append(texts, secret[i+1:])
	}
	return texts
}

// mayBeChance reports whether a text other than the credential may contain it.
func mayBeChance(credential string) bool { return len(credential) < SafeCredential }

// redactor replaces some credentials, in all spellings.
type redactor struct {
	spellings *regexp.Regexp
	// What a text must contain if there is to be a credential in it: a part of each that all
	// its spellings share, in a text and in JSON. Hardly any text has one, and to look for
	// that costs far less than to match.
	inText []string
	inBody [][]byte
}

func newRedactor(credentials []string) *redactor {
	r := &redactor{}
	patterns := make([]string, len(credentials))
	for i, plain := range credentials {
		var part string
		patterns[i], part = spelled(plain)
		r.inText, r.inBody = append(r.inText, part), append(r.inBody, []byte(part))
	}
	r.spellings = regexp.MustCompile(strings.Join(patterns, "|"))
	return r
}

// spelled is a pattern for a credential of which any character may be escaped as in JSON, in
// a URL or in HTML, and the longest part that nobody escapes.
func spelled(plain string) (pattern, part string) {
	var b strings.Builder
	run := 0 // bytes behind the last character that may be escaped
	for i := 0; i < len(plain); {
		c, n := utf8.DecodeRuneInString(plain[i:])
		i += n
		if strings.ContainsRune(neverEscaped, c) {
			b.WriteString(regexp.QuoteMeta(string(c)))
			if run++; run > len(part) {
				part = plain[i-run : i]
			}
			continue
		}
		run = 0
		b.WriteString("(?:" + strings.Join(escapes(c), "|") + ")")
	}
	return b.String(), part
}

const neverEscaped = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."

// shortEscapes are the escapes by a letter in JSON, and by a name in HTML.
var shortEscapes = map[rune]string{
	'\b': `\\b`, '\f': `\\f`, '\n': `\\n`, '\r': `\\r`, '\t': `\\t`, ' ': `\+`,
	'&': "&amp;", '<': "&lt;", '>': "&gt;", '"': "&quot;", '\'': "&apos;",
}

// escapes are patterns for a character: escaped, which may begin with the character, and as
// it is.
func escapes(c rune) []string {
	var inJSON, inURL string
	for _, unit := range utf16.AppendRune(nil, c) {
		inJSON += fmt.Sprintf(`\\u%04x`, unit)
	}
	for _, octet := range []byte(string(c)) {
		inURL += fmt.Sprintf("%%%02x", octet)
	}
	plain := regexp.QuoteMeta(string(c))
	list := []string{"(?i:" + inJSON + "|" + inURL + fmt.Sprintf("|&#0*%d;|&#x0*%x;)", c, c)}
	if short, ok := shortEscapes[c]; ok {
		list = append(list, short)
	}
	return append(list, `\\`+plain, plain)
}

// text is s without the credentials in any spelling.
func (r *redactor) text(s string) string {
	for _, part := range r.inText {
		if strings.Contains(s, part) {
			return r.spellings.ReplaceAllLiteralString(s, redacted)
		}
	}
	return s
}

// json is the JSON text of v, which rendered is, without the credentials. It is
// rendered itself when that does not contain them.
func (r *redactor) json(v mapping.Value, rendered []byte) []byte {
	for _, part := range r.inBody {
		if bytes.Contains(rendered, part) {
			return r.value(v).AppendJSON(nil)
		}
	}
	return rendered
}

// value is v without the credentials in any name, text or number. It goes by values
// and not by JSON text, which a credential such as 12 would leave broken.
func (r *redactor) value(v mapping.Value) mapping.Value {
	switch v.Kind() {
	case mapping.String, mapping.Number:
		if clean := r.text(v.Text()); clean != v.Text() {
			return mapping.Str(clean)
		}
		return v
	case mapping.Array, mapping.Object:
		members := make([]mapping.Member, v.Len())
		for i, m := range v.Members() {
			members[i] = mapping.Member{Name: r.text(m.Name), Value: r.value(m.Value)}
		}
		return v.With(members)
	default:
		return v
	}
}

// ids redacts each of the ids, in place.
func (r *redactor) ids(ids map[string]string) map[string]string {
	if ids == nil {
		return map[string]string{}
	}
	for name, id := range ids {
		ids[name] = r.text(id)
	}
	return ids
}

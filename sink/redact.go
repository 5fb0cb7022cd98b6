package sink

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/deskstream/deskstream/mapping"
)

// redactor takes the credential out of whatever goes into an outcome.
type redactor struct {
	credentials []string // the present one, and those before it
	spellings   *strings.Replacer
	// What a text must contain if the replacer is to find something in it: the same in
	// a text, and as the JSON of such a text shows it. Hardly any does, and to look for
	// that costs far less than to replace.
	inText []string
	inBody [][]byte
}

// formerCredentials is how many credentials before the present one are still known: an
// answer that quotes one may be on its way.
const formerCredentials = 2

// newRedactor knows the credential in all its spellings.
func newRedactor(credential Secret) *redactor { return (&redactor{}).with(credential) }

// with is a redactor that knows one more credential.
func (r *redactor) with(credential Secret) *redactor {
	known := slices.DeleteFunc(append([]string{credential.Reveal()}, r.credentials...), func(s string) bool { return s == "" })
	known = known[:min(len(known), 1+formerCredentials)]
	var pairs []string
	for _, plain := range known {
		pairs = append(pairs, spellings(plain)...)
	}
	next := &redactor{credentials: known, spellings: strings.NewReplacer(pairs...)}
	for i := 0; i < len(pairs); i += 2 {
		next.inText = append(next.inText, pairs[i])
	}
	slices.Sort(next.inText)
	next.inText = slices.Compact(next.inText)
	for _, spelling := range next.inText {
		next.inBody = append(next.inBody, []byte(inJSON(spelling)))
	}
	return next
}

// spellings are the pairs for a replacer of a credential as it is, as JSON text may spell
// it, and escaped for a URL.
func spellings(plain string) []string {
	var pairs []string
	for _, spelling := range []string{plain, inJSON(plain), url.QueryEscape(plain), url.PathEscape(plain)} {
		pairs = append(pairs, spelling, redacted, strings.ReplaceAll(spelling, "/", `\/`), redacted)
	}
	if html, err := json.Marshal(plain); err == nil { // with <, > and & escaped
		pairs = append(pairs, string(html[1:len(html)-1]), redacted)
	}
	return pairs
}

func inJSON(s string) string {
	quoted := mapping.Str(s).JSON()
	return quoted[1 : len(quoted)-1]
}

// text is s without the credential in any spelling.
func (r *redactor) text(s string) string {
	for _, spelling := range r.inText {
		if strings.Contains(s, spelling) {
			return r.spellings.Replace(s)
		}
	}
	return s
}

// json is the JSON text of v, which rendered is, without the credential. It is
// rendered itself when that does not contain it.
func (r *redactor) json(v mapping.Value, rendered []byte) []byte {
	for _, spelling := range r.inBody {
		if bytes.Contains(rendered, spelling) {
			return r.value(v).AppendJSON(nil)
		}
	}
	return rendered
}

// value is v without the credential in any name, text or number. It goes by values
// and not by JSON text, which a credential such as 12 would leave broken.
func (r *redactor) value(v mapping.Value) mapping.Value {
	if len(r.credentials) == 0 {
		return v
	}
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

// texts redacts each of a list.
func (r *redactor) texts(list []string) []string {
	clean := make([]string, len(list))
	for i, s := range list {
		clean[i] = r.text(s)
	}
	return clean
}

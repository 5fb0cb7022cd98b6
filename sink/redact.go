package sink

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/deskstream/deskstream/mapping"
)

// redaction takes the credential out of an outcome, where it can have got in. What the
// event says (lane, name, id) and our own words stay as they are: a credential can be in
// there by chance only, or because the sender wrote it, and then it is on the source topic
// as well. To replace it there would change ids that people and filters look for.
type redaction struct {
	credentials []string // the present one, and those before it
	// answers is for what the API and the transport say: it knows every credential.
	answers *redactor
	// calls is for what is made of the event and of earlier answers: URLs, bodies of
	// requests, ids. It knows only credentials that are not there by chance.
	calls *redactor
}

// formerCredentials is how many credentials before the present one are still known: an
// answer that quotes one may be on its way.
const formerCredentials = 2

// newRedaction knows one credential.
func newRedaction(credential Secret) *redaction { return (&redaction{}).with(credential) }

// with is a redaction that knows one more credential.
func (r *redaction) with(credential Secret) *redaction {
	known := slices.DeleteFunc(append([]string{credential.Reveal()}, r.credentials...), func(s string) bool { return s == "" })
	known = known[:min(len(known), 1+formerCredentials)]
	return &redaction{credentials: known, answers: newRedactor(known), calls: newRedactor(slices.DeleteFunc(slices.Clone(known), mayBeChance))}
}

// mayBeChance reports whether a text other than the credential may contain it.
func mayBeChance(credential string) bool { return len(credential) < SafeCredential }

// redactor replaces some credentials, in all spellings.
type redactor struct {
	spellings *strings.Replacer
	// What a text must contain if the replacer is to find something in it: the same in
	// a text, and as the JSON of such a text shows it. Hardly any does, and to look for
	// that costs far less than to replace.
	inText []string
	inBody [][]byte
}

func newRedactor(credentials []string) *redactor {
	var pairs []string
	for _, plain := range credentials {
		pairs = append(pairs, spellings(plain)...)
	}
	r := &redactor{spellings: strings.NewReplacer(pairs...)}
	for i := 0; i < len(pairs); i += 2 {
		r.inText = append(r.inText, pairs[i])
	}
	slices.Sort(r.inText)
	r.inText = slices.Compact(r.inText)
	for _, spelling := range r.inText {
		r.inBody = append(r.inBody, []byte(inJSON(spelling)))
	}
	return r
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

// text is s without the credentials in any spelling.
func (r *redactor) text(s string) string {
	for _, spelling := range r.inText {
		if strings.Contains(s, spelling) {
			return r.spellings.Replace(s)
		}
	}
	return s
}

// json is the JSON text of v, which rendered is, without the credentials. It is
// rendered itself when that does not contain them.
func (r *redactor) json(v mapping.Value, rendered []byte) []byte {
	for _, spelling := range r.inBody {
		if bytes.Contains(rendered, spelling) {
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

package unified

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/deskstream/deskstream/mapping"
)

// FormBody reads application/x-www-form-urlencoded. A name that is given several times is a list
// in Raw, and its first value in Value. What is no form is as with JSONBody.
func FormBody(body []byte) Body { return new(Room).FormBody(body) }

// FormBody is the function of this name.
func (r *Room) FormBody(body []byte) Body {
	pairs, err := r.formPairs(string(body))
	if err != nil {
		return Body{Raw: Wrapped(body)}
	}
	valid, members, raw := true, r.in().Members(len(pairs))[:0], r.in().Members(len(pairs))[:0]
	for i := 0; i < len(pairs); {
		name, from := pairs[i].Name, i
		for valid = valid && utf8.ValidString(name); i < len(pairs) && pairs[i].Name == name; i++ {
			valid = valid && utf8.ValidString(pairs[i].Value.Str())
		}
		members = append(members, mapping.Member{Name: name, Value: mapping.Str(strings.ToValidUTF8(pairs[from].Value.Str(), "\uFFFD"))})
		raw = append(raw, mapping.Member{Name: name, Value: oneOrAll(pairs[from:i])})
	}
	b := Body{Value: mapping.Obj(members...)}
	if valid {
		r.raw = mapping.Obj(raw...).AppendJSON(r.raw[:0])
		b.Raw = r.raw
	} else {
		b.Raw = Wrapped(body)
	}
	return b
}

// oneOrAll is the value of one pair, and a list of those of several.
func oneOrAll(pairs []mapping.Member) mapping.Value {
	if len(pairs) == 1 {
		return pairs[0].Value
	}
	all := make([]mapping.Value, len(pairs))
	for i := range pairs {
		all[i] = pairs[i].Value
	}
	return mapping.Arr(all...)
}

// maxPairs is how many pairs a form may have, as for net/url: each takes much more memory than text.
const maxPairs = 10_000

// errNoForm is a text that is not read as a form.
var errNoForm = errors.New("a semicolon stands between pairs, or there are too many")

// formPairs are the pairs of a form by name, those of one name as they stand in it. It takes what
// url.ParseQuery takes, without a map and a list for each name.
func (r *Room) formPairs(form string) ([]mapping.Member, error) {
	room := strings.Count(form, "&") + 1
	if room > maxPairs {
		return nil, errNoForm
	}
	pairs := r.in().Members(room)[:0]
	for part := range strings.SplitSeq(form, "&") {
		if part == "" {
			continue
		}
		if strings.Contains(part, ";") {
			return nil, errNoForm
		}
		name, value, _ := strings.Cut(part, "=")
		name, err := url.QueryUnescape(name)
		if err != nil {
			return nil, err
		}
		if value, err = url.QueryUnescape(value); err != nil {
			return nil, err
		}
		pairs = append(pairs, mapping.Member{Name: name, Value: mapping.Str(value)})
	}
	slices.SortStableFunc(pairs, func(a, b mapping.Member) int { return strings.Compare(a.Name, b.Name) })
	return pairs, nil
}

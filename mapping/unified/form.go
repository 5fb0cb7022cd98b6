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
func FormBody(body []byte) Body {
	pairs, err := formPairs(string(body))
	if err != nil {
		return Body{Raw: Wrapped(body)}
	}
	valid, raw := true, make([]mapping.Member, 0, len(pairs))
	members := make([]mapping.Member, 0, len(pairs))
	for i := 0; i < len(pairs); {
		name, from := pairs[i].name, i
		for valid = valid && utf8.ValidString(name); i < len(pairs) && pairs[i].name == name; i++ {
			valid = valid && utf8.ValidString(pairs[i].value)
		}
		members = append(members, mapping.Member{Name: name, Value: mapping.Str(strings.ToValidUTF8(pairs[from].value, "\uFFFD"))})
		raw = append(raw, mapping.Member{Name: name, Value: oneOrAll(pairs[from:i])})
	}
	b := Body{Value: mapping.Obj(members...)}
	if valid {
		b.Raw = mapping.Obj(raw...).AppendJSON(nil)
	} else {
		b.Raw = Wrapped(body)
	}
	return b
}

// pair is a name with its value.
type pair struct{ name, value string }

// oneOrAll is the value of one pair, and a list of those of several.
func oneOrAll(pairs []pair) mapping.Value {
	if len(pairs) == 1 {
		return mapping.Str(pairs[0].value)
	}
	all := make([]mapping.Value, len(pairs))
	for i := range pairs {
		all[i] = mapping.Str(pairs[i].value)
	}
	return mapping.Arr(all...)
}

// maxPairs is how many pairs a form may have, as for net/url: each takes much more memory than text.
const maxPairs = 10_000

// errNoForm is a text that is not read as a form.
var errNoForm = errors.New("a semicolon stands between pairs, or there are too many")

// formPairs are the pairs of a form by name, those of one name as they stand in it. It takes what
// url.ParseQuery takes, without a map and a list for each name.
func formPairs(form string) ([]pair, error) {
	room := strings.Count(form, "&") + 1
	if room > maxPairs {
		return nil, errNoForm
	}
	pairs := make([]pair, 0, room)
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
		pairs = append(pairs, pair{name, value})
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return strings.Compare(a.name, b.name) })
	return pairs, nil
}

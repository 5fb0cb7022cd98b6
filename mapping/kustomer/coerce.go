package kustomer

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/deskstream/deskstream/mapping"
)

// coerce makes of v what a field takes. A value that does not fit gives an absent
// one, and a note under label says why.
type coerce func(n *notes, label string, v mapping.Value) mapping.Value

// code takes text of at most limit characters that would mean something else, or
// nothing, if it were cut. A number is the whole number that it is.
func code(limit int) coerce {
	return func(n *notes, label string, v mapping.Value) mapping.Value {
		if id, ok := v.ID(); ok {
			v = mapping.Str(id)
		} else if v.Kind() == mapping.Number {
			n.leftOut(label, whyNoID)
			return mapping.Value{}
		}
		text, ok := scalarText(n, label, v)
		if ok && longer(text.Str(), limit) {
			n.leftOut(label, "it is longer than "+strconv.Itoa(limit)+" characters")
			return mapping.Value{}
		}
		return text
	}
}

// prose takes text for people and cuts it at limit characters.
func prose(limit int) coerce {
	return func(n *notes, label string, v mapping.Value) mapping.Value {
		text, ok := scalarText(n, label, v)
		if ok && longer(text.Str(), limit) {
			n.add(label, "cut at "+strconv.Itoa(limit)+" characters")
			return mapping.Str(cut(text.Str(), limit))
		}
		return text
	}
}

// line takes a name: text of one line, cut at limit characters.
func line(limit int) coerce {
	return func(n *notes, label string, v mapping.Value) mapping.Value {
		if v.Kind() == mapping.String {
			v = mapping.Str(mapping.OneLine(v.Str()))
		}
		return prose(limit)(n, label, v)
	}
}

func scalarText(n *notes, label string, v mapping.Value) (mapping.Value, bool) {
	if v.Kind() != mapping.String && v.Kind() != mapping.Number {
		n.leftOut(label, "it is "+v.Kind().String()+", not text")
		return mapping.Value{}, false
	}
	return mapping.Str(v.Text()), true
}

// oneOf takes one of the words, in any case.
func oneOf(words ...string) coerce {
	return func(n *notes, label string, v mapping.Value) mapping.Value {
		word := strings.ToLower(strings.TrimSpace(v.Str()))
		if !slices.Contains(words, word) {
			n.leftOut(label, "it is none of "+strings.Join(words, ", "))
			return mapping.Value{}
		}
		return mapping.Str(word)
	}
}

// gender takes m and f, and the words male and female.
func gender(n *notes, label string, v mapping.Value) mapping.Value {
	switch strings.ToLower(strings.TrimSpace(v.Str())) {
	case "m", "male":
		return mapping.Str("m")
	case "f", "female":
		return mapping.Str("f")
	}
	n.leftOut(label, "Kustomer takes m and f only")
	return mapping.Value{}
}

func boolean(n *notes, label string, v mapping.Value) mapping.Value {
	switch {
	case v.Kind() == mapping.Bool:
		return v
	case strings.EqualFold(v.Str(), "true"):
		return mapping.Boolean(true)
	case strings.EqualFold(v.Str(), "false"):
		return mapping.Boolean(false)
	}
	n.leftOut(label, "it is neither true nor false")
	return mapping.Value{}
}

// jsonNumber is the grammar of numbers, RFC 8259 section 6.
var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// number takes numbers, and text that is one.
func number(n *notes, label string, v mapping.Value) mapping.Value {
	switch {
	case v.Kind() == mapping.Number:
		return v
	case jsonNumber.MatchString(v.Str()):
		return mapping.Num(v.Str())
	}
	n.leftOut(label, "it is no number")
	return mapping.Value{}
}

// polarity takes -1, 0 and 1, however they are written.
func polarity(n *notes, label string, v mapping.Value) mapping.Value {
	v = numberThat(func(f float64) bool { return f == -1 || f == 0 || f == 1 })(n, label, v)
	if whole, ok := mapping.Whole(v.Text()); ok && v.Exists() {
		return mapping.Num(whole)
	}
	return v
}

// confidence takes numbers from -1 to 1.
func confidence(n *notes, label string, v mapping.Value) mapping.Value {
	return numberThat(func(f float64) bool { return f >= -1 && f <= 1 })(n, label, v)
}

func numberThat(fits func(float64) bool) coerce {
	return func(n *notes, label string, v mapping.Value) mapping.Value {
		v = number(n, label, v)
		if f, err := strconv.ParseFloat(v.Text(), 64); v.Exists() && (err != nil || !fits(f)) {
			n.leftOut(label, "it is out of range")
			return mapping.Value{}
		}
		return v
	}
}

// uri takes a URI with a scheme, RFC 3986 section 3, and escapes blanks and letters
// outside of ASCII in it, as browsers do.
func uri(n *notes, label string, v mapping.Value) mapping.Value {
	text := strings.TrimSpace(v.Str())
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || u.Host+u.Opaque+u.Path == "" {
		n.leftOut(label, "it is no absolute URL")
		return mapping.Value{}
	}
	var b strings.Builder
	for _, c := range []byte(text) {
		if c > ' ' && c < 0x7F {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return mapping.Str(b.String())
}

// tagPattern is the API's pattern of a tag, but for the length.
var tagPattern = regexp.MustCompile(`^[0-9a-zA-ZÀ-ÿ_/<>\-.][0-9a-zA-ZÀ-ÿ _/<>\-.]*$`)

func tag(n *notes, label string, v mapping.Value) mapping.Value {
	text, ok := scalarText(n, label, v)
	if !ok {
		return mapping.Value{}
	}
	word := strings.TrimSpace(text.Str())
	if longer(word, 64) || !tagPattern.MatchString(word) {
		n.leftOut(label, "Kustomer takes no such tag")
		return mapping.Value{}
	}
	return mapping.Str(word)
}

package mapping_test

import (
	"strings"
	"testing"

	"github.com/deskstream/deskstream/mapping"
)

func TestWhole(t *testing.T) {
	for literal, want := range map[string]string{
		"31612345678":            "31612345678",
		"31612345678.0":          "31612345678",
		"3.1612345678e10":        "31612345678",
		"3.1612345678E+10":       "31612345678",
		"1.2345e4":               "12345",
		"12345000e-3":            "12345",
		"0.00012e5":              "12",
		"-7.0":                   "-7",
		"0":                      "0",
		"-0.0e5":                 "0",
		"0e999999999999999999":   "0",
		"1e255":                  "1" + strings.Repeat("0", 255),
		"9223372036854775808":    "9223372036854775808",
		"1e256":                  "",
		"1e1000000000":           "",
		"1e99999999999999999999": "",
		"12345.5":                "",
		"1e-1":                   "",
		"12345e-3":               "",
		strings.Repeat("9", 256): strings.Repeat("9", 256),
		strings.Repeat("9", 257): "",
	} {
		if got, ok := mapping.Whole(literal); ok != (want != "") || ok && got != want {
			t.Errorf("Whole(%q) = %q, %v, want %q", literal, got, ok, want)
		}
	}
}

func TestOneLine(t *testing.T) {
	for text, want := range map[string]string{
		"Ada Lovelace":                 "Ada Lovelace",
		" Ada\tLovelace\n":             "Ada Lovelace",
		"Ada \r\n  Lovelace":           "Ada Lovelace",
		"two  blanks":                  "two  blanks",
		"one\r\ntwo\x00three\n":        "one two three",
		"a\u2028b\u2029c\u0085d":       "a b c d",
		"a \x00 \x01 b":                "a b",
		"carriage\rreturn":             "carriage return",
		"\x7Fa\x7Fb\x1Bc\x7F":          "a b c",
		"a\u00A0\n\u3000b":             "a b",
		"a\u00A0\u00A0b\nc":            "a\u00A0\u00A0b c",
		"\u200B\uFEFF a\u00A0b \u00A0": "a\u00A0b",
		"\n\t":                         "",
	} {
		if got := mapping.OneLine(text); got != want {
			t.Errorf("OneLine(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestEvent_isNoID(t *testing.T) {
	for _, c := range []struct {
		words mapping.NoIDs
		value mapping.Value
		want  bool
	}{
		{nil, mapping.Str("undefined"), true},
		{nil, mapping.Str(" None\t"), true},
		{nil, mapping.Str("[object Object]"), true},
		{nil, mapping.Str("Undefined"), false},
		{nil, mapping.Str("nullable"), false},
		{nil, mapping.Str("0"), false},
		{nil, mapping.Str(" "), true},
		{nil, mapping.Num("0.0"), true},
		{nil, mapping.Num("7"), false},
		{mapping.NoIDs{"guest"}, mapping.Str("guest"), true},
		{mapping.NoIDs{"guest"}, mapping.Str("undefined"), false},
		{mapping.NoIDs{}, mapping.Str("undefined"), false},
		{mapping.NoIDs{}, mapping.Num("0"), true},
	} {
		if got := (mapping.Event{NoIDs: c.words}).IsNoID(c.value); got != c.want {
			t.Errorf("IsNoID(%s) with words %q = %v, want %v", c.value.JSON(), []string(c.words), got, c.want)
		}
	}
}

package template_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/template"
)

// FuzzTemplate tries any template over any value. A rendering ends, stays within its limit,
// is valid text, and is the same the second time; with more room it begins with the same text.
func FuzzTemplate(f *testing.F) {
	f.Add("{{event}} {{#if a}}x{{else if b}}{{b.[0]}}{{/if}}", `{"a":0,"b":[1]}`)
	f.Add("{{#each a as |v k|}} {{~@key~}} {{lookup ../a k}}{{/each}}", `{"a":{"x":[null]}}`)
	f.Add(`\{{a}} {{! c }}{{{{raw}}}} {{x}} {{{{/raw}}}}{{^z}}n{{/z}}`, `{"raw":true}`)
	f.Add("{{#a}}\n{{../b}}\n{{/a}}\n{{log (lookup a 'b')}}", `{"a":{"a":"é"},"b":1e400}`)
	f.Add("{{#each this}}{{#each @root}}{{#each @root}}{{.}}{{/each}}{{/each}}{{/each}}", `[[1,2,3,4,5,6,7,8,9],{"a":"text"}]`)
	f.Fuzz(func(t *testing.T, source, context string) {
		root, err := mapping.ParseJSON([]byte(context))
		if err != nil {
			return
		}
		parsed, err := template.Parse(source)
		if err != nil {
			checkError(t, source, err)
			return
		}
		const short = 100
		out, cut, err := parsed.Render(root, short)
		checkOutput(t, source, out, cut, err, short)
		again, cutAgain, errAgain := parsed.Render(root, short)
		if out != again || cut != cutAgain || !errors.Is(errAgain, err) {
			t.Errorf("Render(%q) = %q, then %q", source, out, again)
		}
		long, cutLong, errLong := parsed.Render(root, 2*short)
		checkOutput(t, source, long, cutLong, errLong, 2*short)
		if !strings.HasPrefix(long, out) || !cut && long != out {
			t.Errorf("Render(%q) = %q, and with more room %q", source, out, long)
		}
	})
}

// checkError checks that an error names a place inside the template.
func checkError(t *testing.T, source string, err error) {
	t.Helper()
	place, ok := errors.AsType[*template.Error](err)
	if !ok {
		t.Fatalf("Parse(%q) = %v, want an *Error", source, err)
	}
	if place.Offset < 0 || place.Offset > len(source) || place.Reason == "" {
		t.Errorf("Parse(%q) = %v, which names no place", source, err)
	}
}

func checkOutput(t *testing.T, source, out string, cut bool, err error, limit int) {
	t.Helper()
	if len(out) > limit || !utf8.ValidString(out) {
		t.Errorf("Render(%q) = %q, longer than %d bytes or not UTF-8", source, out, limit)
	}
	if cut && len(out) < limit-utf8.UTFMax+1 {
		t.Errorf("Render(%q) = %q, cut before the limit of %d", source, out, limit)
	}
	if err != nil && !errors.Is(err, template.ErrTooMuchWork) {
		t.Errorf("Render(%q): %v", source, err)
	}
}

// FuzzText tries text without tags, which is printed as it is: by itself, around a value,
// and inside a section.
func FuzzText(f *testing.F) {
	for _, seed := range []string{"x\n", "  \r\n", "{a} }}", "é\u00a0", "~", "}}}}", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) || strings.ContainsAny(text, `{\`) || text == "" || text[0] == '}' || len(text) > template.MaxTemplate/4 {
			return
		}
		root := mapping.Obj(mapping.Member{Name: "a", Value: mapping.Str(text)})
		for source, want := range map[string]string{
			text:                                    text,
			text + "{{a}}" + text:                   text + text + text,
			".{{#if a}}." + text + ".{{/if}}.":      ".." + text + "..",
			".{{#with a}}." + text + ".{{/with}}.":  ".." + text + "..",
			".{{#unless a}}" + text + "{{/unless}}": ".",
			"{{{{if a}}}}" + text + "{{{{/if}}}}":   text,
		} {
			out, cut, err := parse(t, source).Render(root, 3*len(text)+10)
			if out != want || cut || err != nil {
				t.Errorf("Render(%q) = %q, %v, %v; want %q", source, out, cut, err, want)
			}
		}
	})
}

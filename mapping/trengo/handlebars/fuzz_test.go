package handlebars_test

import (
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/trengo/handlebars"
)

// FuzzTemplate tries any template over any value: each rendering ends, stays within
// its limit, is valid text, and is the same the second time.
func FuzzTemplate(f *testing.F) {
	f.Add("{{event}} {{#if a}}x{{else if b}}{{b.[0]}}{{/if}}", `{"a":0,"b":[1]}`)
	f.Add("{{#each a as |v k|}} {{~@key~}} {{lookup ../a k}}{{/each}}", `{"a":{"x":[null]}}`)
	f.Add(`\{{a}} {{! c }}{{{{raw}}}} {{x}} {{{{/raw}}}}{{^z}}n{{/z}}`, `{"raw":true}`)
	f.Add("{{#a}}\n{{../b}}\n{{/a}}\n{{log (lookup a 'b')}}", `{"a":{"a":"é"},"b":1e400}`)
	f.Fuzz(func(t *testing.T, template, context string) {
		root, err := mapping.ParseJSON([]byte(context))
		if err != nil {
			return
		}
		parsed, err := handlebars.Parse(template)
		if err != nil {
			if _, ok := errors.AsType[*handlebars.Error](err); !ok {
				t.Fatalf("Parse(%q) = %v, want an *Error", template, err)
			}
			return
		}
		out, cut, err := parsed.Render(root, 100)
		if len(out) > 100 || !utf8.ValidString(out) {
			t.Errorf("Render(%q) = %q, too long or no text", template, out)
		}
		again, cutAgain, errAgain := parsed.Render(root, 100)
		if out != again || cut != cutAgain || !errors.Is(errAgain, err) {
			t.Errorf("Render(%q) = %q, then %q", template, out, again)
		}
	})
}

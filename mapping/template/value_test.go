package template_test

import "testing"

func TestValue_printsAsText(t *testing.T) {
	for _, c := range []struct{ value, want string }{
		{`"x"`, "x"},
		{`""`, ""},
		{`" x "`, " x "},
		{`"two\nlines\tand a tab"`, "two\nlines\tand a tab"},
		{`"h\u00e9\ud83d\ude00"`, "hé😀"},
		{`null`, ""},
		{`true`, "true"},
		{`false`, "false"},
		{`0`, "0"},
		{`-0`, "-0"},
		{`2000`, "2000"},
		{`12.50`, "12.50"},
		{`1E+21`, "1E+21"},
		{`1e-7`, "1e-7"},
		{`9007199254740993`, "9007199254740993"},
		{`123456789012345678901234567890.10`, "123456789012345678901234567890.10"},
		{`[]`, "[]"},
		{`{}`, "{}"},
		{`[1, "a", null, [true]]`, `[1,"a",null,[true]]`},
		{`{"z": "<", "y": [1.0, null]}`, `{"z":"<","y":[1.0,null]}`},
	} {
		context := `{"a":` + c.value + `}`
		for _, source := range []string{"{{a}}", "{{{a}}}", "{{&a}}", "{{this.a}}", "{{@root.a}}"} {
			if got := render(t, source, context); got != c.want {
				t.Errorf("%s over %s = %q, want %q", source, context, got, c.want)
			}
		}
	}
}

func TestValue_isNotEscapedForHTML(t *testing.T) {
	checkOutputs(t, `{"a":"<b> & \"c\" 'd' `+"`e`"+` ="}`, []output{
		{"{{a}}", "<b> & \"c\" 'd' `e` ="},
		{"{{{a}}}", "<b> & \"c\" 'd' `e` ="},
		{"{{&a}}", "<b> & \"c\" 'd' `e` ="},
		{"{{& a}}", "<b> & \"c\" 'd' `e` ="},
	})
}

func TestValue_isNotATemplate(t *testing.T) {
	checkOutputs(t, `{"a":"{{b}}{{#if b}}","b":1,"c":"\\{{b}}","d":"{{!"}`, []output{
		{"{{a}}", "{{b}}{{#if b}}"},
		{"{{#with a}}{{this}}{{/with}}", "{{b}}{{#if b}}"},
		{"{{c}}", `\{{b}}`},
		{"{{d}}{{b}}", "{{!1"},
	})
}

func TestTag_blanksInsideDoNotCount(t *testing.T) {
	checkOutputs(t, `{"a":"x","l":[7,8]}`, []output{
		{"{{a}}", "x"},
		{"{{ a }}", "x"},
		{"{{\ta\n}}", "x"},
		{"{{\r\n  a\r\n}}", "x"},
		{"{{\u00a0a\ufeff}}", "x"}, // as pasted from a page
		{"{{a\u2003}}{{\va\v}}", "xx"},
		{"{{lookup\u00a0l\u30001}}", "8"},
		{"{{{ a }}}", "x"},
		{"{{&\ta }}", "x"},
		{"{{#if  a }}x{{/  if }}", "x"},
		{"{{# if a }}x{{/ if }}", "x"},
		{"{{  lookup   l   1  }}", "8"},
		{"{{#if ( lookup l 1 )}}x{{/if}}", "x"},
		{"{{#each l as  | v  k | }}{{v}}{{k}}{{/each}}", "7081"},
		{"{{#if a}}x{{  else  }}y{{/if}}", "x"},
		{"{{#if b}}x{{else   if\n a}}y{{/if}}", "y"},
		{"{{#if a includeZero = true}}x{{/if}}", "x"},
	})
}

func TestText_isKept(t *testing.T) {
	for _, text := range []string{
		"", " ", "x", "é😀", "\n\n", "\r\n", "{a} } }} {", "}}", "}}}", "}}}}", "{", "{ {a}}", "a {b} c", "~", "{~}",
		`\`, `\\`, `a\b`, `\n`, "&amp;", "<!-- x -->", "{!x}", "100%", "\u2028", "{% x %}", "${x}", "$1",
	} {
		if got := render(t, text, `{"a":1}`); got != text {
			t.Errorf("%q = %q, want it unchanged", text, got)
		}
	}
}

func TestText_backslashMakesATagText(t *testing.T) {
	checkOutputs(t, `{"a":1}`, []output{
		{`\{{a}}`, "{{a}}"},
		{`\{{a}} {{a}}`, "{{a}} 1"},
		{`{{a}}\{{a}}{{a}}`, "1{{a}}1"},
		{`\{{{a}}}`, "{{{a}}}"},
		{`\{{{a}}} \{{a}}\\{{a}}\`, `{{{a}}} {{a}}\1\`},
		{`\\{{a}}`, `\1`},
		{`\\\{{a}}`, `\\1`},
		{`\\{{a}}\\`, `\1\\`},
		{`a\ {{a}}`, `a\ 1`},
		{`\{{#if a}}x`, "{{#if a}}x"},
		{`\{{! c }}`, "{{! c }}"},
		{`\{{`, "{{"},
		{`\{{{{raw}}}}`, "{{{{raw}}}}"},
		{`{{#if a}}\{{x}}{{/if}}`, "{{x}}"},
	})
}

package handlebars_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/trengo/handlebars"
)

const limit = 1 << 10

func parseJSON(t testing.TB, s string) mapping.Value {
	t.Helper()
	v, err := mapping.ParseJSON([]byte(s))
	if err != nil {
		t.Fatalf("parsing %s: %v", s, err)
	}
	return v
}

func render(t *testing.T, template, context string) string {
	t.Helper()
	parsed, err := handlebars.Parse(template)
	if err != nil {
		t.Fatalf("Parse(%q): %v", template, err)
	}
	out, cut, err := parsed.Render(parseJSON(t, context), limit)
	if err != nil || cut {
		t.Fatalf("Render(%q): cut %v, error %v", template, cut, err)
	}
	return out
}

type example struct{ template, context, want string }

func checkExamples(t *testing.T, examples []example) {
	t.Helper()
	for _, e := range examples {
		if got := render(t, e.template, e.context); got != e.want {
			t.Errorf("%q over %s = %q, want %q", e.template, e.context, got, e.want)
		}
	}
}

func TestRender_valuesPrintAsText(t *testing.T) {
	checkExamples(t, []example{
		{"{{ a }}{{a}}{{\ta\n}}", `{"a":"x"}`, "xxx"},
		{"{{a}}|{{b}}|{{c}}", `{"a":2000,"b":12.50,"c":1E+21}`, "2000|12.50|1E+21"},
		{"{{a}}", `{"a":9007199254740993}`, "9007199254740993"},
		{"[{{a}}{{b}}]", `{"b":null}`, "[]"},
		{"{{a}} {{b}} {{c}}", `{"a":false,"b":true,"c":0}`, "false true 0"},
		{"{{a}}", `{"a":"<b> & \"c\" 'd' ` + "`e`" + ` ="}`, "<b> & \"c\" 'd' `e` ="},
		{"{{{a}}}{{&a}}{{& a}}", `{"a":"<&>"}`, "<&><&><&>"},
		{"{{a}}", `{"a":{"z":"<","y":[1.0,null]}}`, `{"z":"<","y":[1.0,null]}`},
		{"{{a}} {{b}}", `{"a":[],"b":{}}`, "[] {}"},
		{"{a} } }} {", `{"a":1}`, "{a} } }} {"},
		{"{{a}}", `{"a":"{{b}}{{#if b}}","b":1}`, "{{b}}{{#if b}}"},
	})
}

func TestRender_pathsLeadToValues(t *testing.T) {
	checkExamples(t, []example{
		{"{{a.b.c}} {{a/b/c}} {{a.x.c}}|", `{"a":{"b":{"c":"deep"}}}`, "deep deep |"},
		{"{{a.[0]}} {{items.0.name}} {{items.[0].name}} {{a.length}}", `{"a":[7,8],"items":[{"name":"n"}]}`, "7 n n 2"},
		{"{{a.[-1]}}{{a.[00]}}{{a.[2]}}{{a.x}}|", `{"a":[1,2]}`, "|"},
		{"{{a.[0]}}. {{lookup a 1}}{{a.[2]}}{{a.[9]}}{{a.[00]}}{{a.x}}", `{"a":"h\u00e9\ud83d\ude00"}`, "h. \u00e9\ufffd"},
		{"{{a.length}} {{b.length}}", `{"a":"h\u00e9\ud83d\ude00","b":{"length":"own"}}`, "4 own"},
		{"{{[Order Total]}} {{o.[a b]}} {{[a.b]}}", `{"Order Total":5,"o":{"a b":6},"a.b":7}`, "5 6 7"},
		{"{{order-total}}{{a_b}}{{$a}}{{\u00fcber}}{{a:b}}{{1a}}", `{"order-total":1,"a_b":2,"$a":3,"über":4,"a:b":5,"1a":6}`, "123456"},
		{"{{this.a}}{{./a}}{{@root.a}}{{../a}}{{@index}}{{@first}}|", `{"a":"x"}`, "xxx|"},
		{"{{constructor}}{{toString}}{{__proto__}}{{a.constructor}}{{hasOwnProperty}}|", `{"a":{}}`, "|"},
		{"{{constructor}}", `{"constructor":"own"}`, "own"},
		{`{{"a b"}}{{12}}{{true}}|`, `{"a b":1,"12":2,"true":3}`, "123|"},
		{"{{null}}{{undefined}}|", `{}`, "|"},
		{"{{elsewhere}}{{else-x}}{{trueish}}{{asset}}", `{"elsewhere":1,"else-x":2,"trueish":3,"asset":4}`, "1234"},
		{`{{[a\]b]}}`, `{"a]b":1}`, "1"},
	})
}

func TestRender_sections(t *testing.T) {
	checkExamples(t, []example{
		{"{{#if v}}yes{{else}}no{{/if}}", `{"v":1}`, "yes"},
		{"{{#if v}}yes{{^}}no{{/if}}", `{"v":0.0}`, "no"},
		{"{{#if v includeZero=true}}yes{{else}}no{{/if}}", `{"v":0}`, "yes"},
		{"{{#if v}}y{{else}}n{{/if}}", `{"v":[]}`, "n"},
		{"{{#if v}}y{{else}}n{{/if}}", `{"v":{}}`, "y"},
		{"{{#if a}}A{{else if b}}B{{else}}C{{/if}}", `{"b":true}`, "B"},
		{"{{#if a}}A{{else if b}}B{{else}}C{{/if}}", `{}`, "C"},
		{"{{#unless v}}none{{else}}some{{/unless}}", `{"v":""}`, "none"},
		{"{{^if v}}none{{/if}}", `{}`, "none"},
		{"{{#each a}}{{@index}}{{this}}{{#unless @last}},{{/unless}}{{/each}}", `{"a":["x","y"]}`, "0x,1y"},
		{"{{#each a}}{{@key}}={{.}};{{/each}}", `{"a":{"z":1,"b":2}}`, "z=1;b=2;"},
		{"{{#each a}}x{{else}}none{{/each}}", `{"a":[]}`, "none"},
		{"{{#each a}}x{{else}}none{{/each}}", `{"a":"text"}`, "none"},
		{"{{#each a}}{{n}}{{../n}}{{@root.n}} {{/each}}", `{"n":0,"a":[{"n":1},{"n":2}]}`, "100 200 "},
		{"{{#each a}}{{#each this}}{{@../index}}{{@index}} {{/each}}{{/each}}", `{"a":[[1,2],[3]]}`, "00 01 10 "},
		{"{{#each a}}{{#if this}}{{../n}}{{/if}}{{/each}}", `{"n":7,"a":[1]}`, "7"},
		{"{{#each a as |v i|}}{{i}}{{v.n}}{{n}}{{/each}}", `{"a":[{"n":5}]}`, "055"},
		{"{{#each a as |v|}}{{#with @root.o as |w|}}{{v}}{{w.k}}{{this.v}}{{/with}}{{/each}}", `{"a":[1],"o":{"k":2}}`, "12"},
		{"{{#with o as |w|}}{{w.k}}{{k}}{{./w}}{{/with}}", `{"o":{"k":2}}`, "22"},
		{"{{#with o}}{{k}}{{else}}none{{/with}}", `{}`, "none"},
		{"{{#with n}}{{this}}{{/with}}", `{"n":0}`, "0"},
		{"{{#a}}[{{b}}]{{/a}}{{^z}}none{{/z}}", `{"a":{"b":1}}`, "[1]none"},
		{"{{#a}}{{this}};{{/a}}{{#t}}{{n}}{{/t}}{{#z}}0{{/z}}", `{"a":[1,2],"t":true,"n":3,"z":0}`, "1;2;30"},
		{"{{^a}}none{{else}}some{{/a}}", `{"a":1}`, "some"},
		{`{{lookup o "k"}}{{lookup a 1}}{{lookup o n}}{{lookup o a}}|`, `{"o":{"k":"K"},"a":[1,2],"n":"k"}`, "K2K|"},
		{`{{#if (lookup o "k")}}y{{/if}}{{#each (lookup o 'l')}}{{this}}{{/each}}`, `{"o":{"k":1,"l":[1,2]}}`, "y12"},
		{"{{log}}{{log a}}|", `{"log":"x","a":1}`, "|"},
		{"{{this.if}}{{./each}}{{o.with}}", `{"if":1,"each":2,"o":{"with":3}}`, "123"},
	})
}

func TestRender_textIsKept(t *testing.T) {
	checkExamples(t, []example{
		{"a{{! c }}b{{!-- }} --}}c", `{}`, "abc"},
		{`\{{a}} {{a}}`, `{"a":1}`, "{{a}} 1"},
		{`\\{{a}}`, `{"a":1}`, `\1`},
		{`\{{{a}}} \{{a}}\\{{a}}\`, `{"a":1}`, `{{{a}}} {{a}}\1\`},
		{"x {{~a~}} y", `{"a":1}`, "x1y"},
		{"x {{~#if a~}} y {{~/if~}} z", `{"a":1}`, "xyz"},
		{"x {{~! c ~}} y{{~!-- c --~}} z", `{}`, "xyz"},
		{"{{a}}{{{{raw}}}} {{x}} {{{{/raw}}}}", `{"a":1}`, "1"},
		{"{{{{raw}}}} {{x}} {{{{in}}}}{{{{/in}}}}{{{{/raw}}}}", `{"raw":true}`, " {{x}} {{{{in}}}}{{{{/in}}}}"},
		{"{{{{if a}}}}{{b}}{{{{/if}}}}", `{"a":1}`, "{{b}}"},
		{"a\n  {{#if a}}  \n b\n {{else}}\n c\n{{/if}}\nd", `{"a":1}`, "a\n b\nd"},
		{"{{#if a}}\r\nb\r\n{{/if}}\r\nc", `{"a":1}`, "b\r\nc"},
		{"{{#if a}} {{! c }}\nb {{/if}}", `{"a":1}`, " \nb "},
		{"{{! c }}\nb", `{}`, "b"},
		{"{{a}}\nb", `{"a":1}`, "1\nb"},
	})
}

func TestParse_refusesWhatCannotBeRendered(t *testing.T) {
	for _, template := range []string{
		"{{", "{{}}", "{{ }}", "{{event", "{{event}}}", "{{{event}}", "{{event}}}}", "{{&}}", "{{> part}}", "{{#> part}}x{{/part}}",
		"{{* d}}", "{{#* d}}x{{/d}}", "{{a.0}}", "{{Order Total}}", "{{a b=1}}", "{{a=1}}", "{{if}}", "{{if a}}", "{{unless a}}",
		"{{each a}}", "{{with a}}", "{{lookup}}", "{{lookup a}}", "{{lookup a b c}}", "{{#if}}x{{/if}}", "{{#if a b}}x{{/if}}",
		"{{#each}}x{{/each}}", "{{#with}}x{{/with}}", "{{#lookup a b}}x{{/lookup}}", "{{#log a}}x{{/log}}", "{{#a b}}x{{/a}}",
		"{{#if a}}x", "{{#if a}}x{{/each}}", "{{/if}}", "x{{else}}y", "{{^}}", "{{#a}}x{{else}}y{{else}}z{{/a}}",
		"{{#if a}}x{{else if}}y{{/if}}", "{{#if a as |b|}}x{{/if}}", "{{#each a as ||}}x{{/each}}", "{{#each a as |b}}x{{/each}}",
		"{{lookup (foo a) b}}", "{{lookup (lookup a) b}}", "{{lookup (lookup a b}}", "{{(lookup a b)}}", "{{#if (log a)}}x{{/if}}",
		"{{a.this}}", "{{a..b}}", "{{a/../b}}", "{{a.}}", "{{@}}", "{{[a}}", `{{lookup a "b}}`, "{{a,b}}", "{{a;}}", "{{a = }}", "{{log a=}}",
		"\xb8", "{{! open", "{{!-- open }}", "{{{{raw}}}} x", "{{{{raw}}}} x {{{{/war}}}}", "{{{{raw}} x {{{{/raw}}}}", "{{{{/raw}}}}",
		"{{#a}}x{{{{/a}}}}", "{{{{a}}}}x{{{{b}}}}{{{{/a}}}}",
		strings.Repeat("{{#if a}}", 60) + strings.Repeat("{{/if}}", 60),
		"{{#if a}}" + strings.Repeat("{{else if a}}", 60) + "{{/if}}",
		"{{log " + strings.Repeat("(lookup a ", 60) + "b" + strings.Repeat(")", 60) + "}}",
		strings.Repeat("x", handlebars.MaxTemplate+1),
	} {
		_, err := handlebars.Parse(template)
		if _, ok := errors.AsType[*handlebars.Error](err); !ok {
			t.Errorf("Parse(%.80q) = %v, want an *Error", template, err)
		}
	}
}

func TestParse_errorTellsWhere(t *testing.T) {
	_, err := handlebars.Parse("total {{Order Total}}")
	const want = "at offset 6: Order is no helper; a name with blanks needs brackets: {{[Order Total]}}"
	if err == nil || err.Error() != want {
		t.Errorf("error = %v, want %q", err, want)
	}
}

func TestRender_outputIsCutAtACharacter(t *testing.T) {
	parsed, err := handlebars.Parse("{{#each a}}{{#each @root.a}}é{{/each}}{{/each}}")
	if err != nil {
		t.Fatal(err)
	}
	out, cut, err := parsed.Render(parseJSON(t, `{"a":[1,2,3,4]}`), 5)
	if out != "éé" || !cut || err != nil {
		t.Errorf("Render = %q, %v, %v; want two letters, cut", out, cut, err)
	}
	if out, cut, _ := parsed.Render(parseJSON(t, `{"a":[1]}`), 2); out != "é" || cut {
		t.Errorf("Render = %q, %v; want a letter that just fits", out, cut)
	}
}

func TestRender_workIsBounded(t *testing.T) {
	list := parseJSON(t, `{"a":[`+strings.Repeat("1,", 999)+`1],"s":"`+strings.Repeat("s", 1<<20)+`"}`)
	for _, template := range []string{
		"{{#each a}}{{#each @root.a}}{{#each @root.a}}{{/each}}{{/each}}{{/each}}",
		"{{#each a}}{{#each @root.a}}{{#if @root.s.length}}{{/if}}{{/each}}{{/each}}",
	} {
		parsed, err := handlebars.Parse(template)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := parsed.Render(list, limit); !errors.Is(err, handlebars.ErrTooMuchWork) {
			t.Errorf("Render(%q) = %v, want ErrTooMuchWork", template, err)
		}
	}
}

func TestRender_templateIsSharedSafely(t *testing.T) {
	parsed, err := handlebars.Parse("{{#each a as |v|}}{{v}}{{@index}}{{/each}}")
	if err != nil {
		t.Fatal(err)
	}
	context := parseJSON(t, `{"a":["x","y"]}`)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				if out, _, _ := parsed.Render(context, limit); out != "x0y1" {
					t.Errorf("Render = %q, want x0y1", out)
				}
			}
		})
	}
	group.Wait()
}

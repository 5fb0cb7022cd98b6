package template_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/mapping/template"
)

// broken is a template that is refused, the offset of the fault, and what the reason says.
type broken struct {
	source string
	offset int
	reason string
}

func checkBroken(t *testing.T, templates []broken) {
	t.Helper()
	for _, b := range templates {
		_, err := template.Parse(b.source)
		fault, ok := errors.AsType[*template.Error](err)
		if !ok {
			t.Errorf("Parse(%.80q) = %v, want an *Error", b.source, err)
			continue
		}
		if fault.Offset != b.offset || !strings.Contains(fault.Reason, b.reason) {
			t.Errorf("Parse(%.80q) = offset %d: %s; want offset %d: %s", b.source, fault.Offset, fault.Reason, b.offset, b.reason)
		}
	}
}

func TestParse_refusesTagsThatAreNotClosed(t *testing.T) {
	checkBroken(t, []broken{
		{"{{", 2, "the tag is not closed"},
		{"total {{event", 13, "the tag is not closed"},
		{"{{event ", 8, "the tag is not closed"},
		{"{{event}", 7, "unexpected character"},
		{"{{event}}}", 7, "expected }}"},
		{"{{{event}}", 8, "expected }}}"},
		{"{{event}}}}", 7, "expected }}"},
		{"{{{{raw}} x {{{{/raw}}}}", 7, "expected }}}}"},
		{"{{! open", 0, "the comment is not closed"},
		{"x {{!-- open }}", 2, "the comment is not closed"},
		{"{{{{raw}}}} x", 11, "the raw block is not closed"},
		{"{{{{raw}}}} {{{{in}}}} {{{{/raw}}}}", 11, "the raw block is not closed"},
		{`{{lookup a "b}}`, 11, "unexpected character"},
		{"{{[a}}", 2, "unexpected character"},
	})
}

func TestParse_refusesTagsWithoutAValue(t *testing.T) {
	checkBroken(t, []broken{
		{"{{}}", 2, "expected a name or a value"},
		{"{{ }}", 3, "expected a name or a value"},
		{"{{&}}", 3, "expected a name or a value"},
		{"{{{}}}", 3, "expected a name or a value"},
		{"{{#}}x{{/}}", 3, "expected a name or a value"},
		{"{{^}}", 0, "no section is open here"},
		{"{{@}}", 3, "expected a name"},
		{"{{a.}}", 0, "a is not a helper"},
		{"{{a..b}}", 0, "a is not a helper"},
		{"{{.a}}", 2, "expected a name or a value"},
		{"{{|a|}}", 2, "expected a name or a value"},
	})
}

func TestParse_refusesPathsThatNobodyCouldMean(t *testing.T) {
	checkBroken(t, []broken{
		{"{{a.0}}", 4, "expected a name"},
		{"{{a.this}}", 4, "only at the begin of a path"},
		{"{{a/../b}}", 4, "only at the begin of a path"},
		{"{{a/./b}}", 4, "only at the begin of a path"},
		{"{{@a.this}}", 5, "only at the begin of a path"},
		{"{{a,b}}", 2, "unexpected character"},
		{"{{a;}}", 2, "unexpected character"},
		{"{{a%}}", 2, "unexpected character"},
		{"{{<a}}", 2, "unexpected character"},
		{"x {{a!}}", 4, "unexpected character"},
	})
}

func TestParse_refusesHelpersThatDoNotExist(t *testing.T) {
	const noHelper = "is not a helper; write a name with blanks in brackets: {{[Order Total]}}"
	checkBroken(t, []broken{
		{"{{Order Total}}", 0, "Order " + noHelper},
		{"total {{Order Total}}", 6, "Order " + noHelper},
		{"{{a.b c}}", 0, "a.b " + noHelper},
		{"{{a b=1}}", 0, "a " + noHelper},
		{"{{a=1}}", 3, "expected }}"},
		{"{{#a b}}x{{/a}}", 0, "a " + noHelper},
		{"{{#a b=1}}x{{/a}}", 0, "a " + noHelper},
		{"{{this.if a}}", 0, "this.if " + noHelper},
		{`{{"a" b}}`, 0, "a " + noHelper},
		{"{{@root a}}", 0, "@root " + noHelper},
		{"{{lookup (foo a) b}}", 9, "parentheses take only lookup with two values"},
		{"{{#if (log a)}}x{{/if}}", 6, "parentheses take only lookup with two values"},
		{"{{#if (a)}}x{{/if}}", 6, "parentheses take only lookup with two values"},
		{"{{#if (if a)}}x{{/if}}", 6, "parentheses take only lookup with two values"},
		{"{{(lookup a b)}}", 2, "expected a name or a value"},
	})
}

func TestParse_refusesHelpersWithWrongArguments(t *testing.T) {
	checkBroken(t, []broken{
		{"{{if}}", 0, "if needs a section: {{#if ...}}"},
		{"{{if a}}", 0, "if needs a section: {{#if ...}}"},
		{"x{{unless a}}", 1, "unless needs a section: {{#unless ...}}"},
		{"{{each a}}", 0, "each needs a section: {{#each ...}}"},
		{"{{{with a}}}", 0, "with needs a section: {{#with ...}}"},
		{"{{lookup}}", 0, "lookup takes two values"},
		{"{{lookup a}}", 0, "lookup takes two values"},
		{"{{lookup a b c}}", 0, "lookup takes two values"},
		{"{{lookup (lookup a) b}}", 9, "parentheses take only lookup with two values"},
		{"{{lookup (lookup a b c) b}}", 9, "parentheses take only lookup with two values"},
		{"{{lookup (lookup a b}}", 20, "expected )"},
		{"{{lookup a b)}}", 12, "expected }}"},
		{"{{#if}}x{{/if}}", 0, "if takes one value"},
		{"{{#if a b}}x{{/if}}", 0, "if takes one value"},
		{"{{#unless}}x{{/unless}}", 0, "unless takes one value"},
		{"{{#each}}x{{/each}}", 0, "each takes one value"},
		{"{{#with a b}}x{{/with}}", 0, "with takes one value"},
		{"{{#if a}}x{{else if}}y{{/if}}", 10, "if takes one value"},
		{"{{#if a}}x{{else b c}}y{{/if}}", 10, "b is not a helper"},
		{"{{#lookup a b}}x{{/lookup}}", 0, "lookup cannot begin a section"},
		{"{{#log a}}x{{/log}}", 0, "log cannot begin a section"},
		{"{{{{lookup a b}}}}x{{{{/lookup}}}}", 0, "lookup cannot begin a section"},
		{"{{a = }}", 4, "expected }}"},
		{"{{log a=}}", 8, "expected a value"},
		{"{{log a==}}", 8, "expected a value"},
		{"{{log a=1 b}}", 10, "expected }}"},
	})
}

func TestParse_refusesSectionsThatDoNotMatch(t *testing.T) {
	checkBroken(t, []broken{
		{"{{#if a}}x", 10, "expected the end of a section"},
		{"{{#if a}}x{{/each}}", 10, "the section that is open here has another name"},
		{"{{#a.b}}x{{/a}}", 9, "the section that is open here has another name"},
		{"{{#a}}x{{/[a] b}}", 14, "expected }}"},
		{"{{#if a}}{{#each b}}x{{/if}}{{/each}}", 21, "the section that is open here has another name"},
		{"{{/if}}", 0, "no section is open here"},
		{"x{{/if}}", 1, "no section is open here"},
		{"x{{else}}y", 1, "no section is open here"},
		{"x{{else if a}}y", 1, "no section is open here"},
		{"{{{{/raw}}}}", 0, "no section is open here"},
		{"{{#a}}x{{/a}}{{/a}}", 13, "no section is open here"},
		{"{{#a}}x{{else}}y{{else}}z{{/a}}", 16, "expected the end of a section"},
		{"{{#a}}x{{^}}y{{else if b}}z{{/a}}", 13, "expected the end of a section"},
		{"{{#a}}x{{{{/a}}}}", 7, "expected the end of a section"},
		{"{{{{a}}}}x{{{{b}}}}{{{{/a}}}}", 9, "the raw block is not closed"},
		{"{{{{raw}}}} x {{{{/war}}}}", 14, "the section that is open here has another name"},
		{"{{#a}}x{{/}}", 10, "expected a name or a value"},
		{"{{#a}}x{{else b c=}}{{/a}}", 18, "expected a value"},
	})
}

func TestParse_refusesBlockParamsWhereNoneCanBe(t *testing.T) {
	checkBroken(t, []broken{
		{"{{#if a as |b|}}x{{/if}}", 0, "only each and with take names between | and |"},
		{"{{#a as |b|}}x{{/a}}", 0, "only each and with take names between | and |"},
		{"{{#each a as ||}}x{{/each}}", 14, "expected names between | and |"},
		{"{{#each a as |b}}x{{/each}}", 15, "expected names between | and |"},
		{"{{#each a as |'b'|}}x{{/each}}", 14, "expected names between | and |"},
		{"{{#each a as |b| c}}x{{/each}}", 17, "expected }}"},
		{"{{#each a as b}}x{{/each}}", 0, "each takes one value"},
		{"{{a as |b|}}", 4, "expected }}"},
	})
}

func TestParse_refusesPartialsAndDecorators(t *testing.T) {
	checkBroken(t, []broken{
		{"x{{> part}}", 1, "partials are not supported"},
		{"{{#> part}}x{{/part}}", 0, "partials are not supported"},
		{"{{* d}}", 0, "decorators are not supported"},
		{"{{#* inline 'd'}}x{{/inline}}", 0, "decorators are not supported"},
	})
}

func TestParse_refusesWhatIsNoText(t *testing.T) {
	checkBroken(t, []broken{
		{"\xb8", 0, "not valid UTF-8"},
		{"x {{a}} \xff", 0, "not valid UTF-8"},
		{"{{\xc3}}", 0, "not valid UTF-8"},
	})
}

func TestError_namesThePlaceAndTheReason(t *testing.T) {
	_, err := template.Parse("total {{Order Total}}")
	const want = "at offset 6: Order is not a helper; write a name with blanks in brackets: {{[Order Total]}}"
	if err == nil || err.Error() != want {
		t.Errorf("error = %v, want %q", err, want)
	}
}

// What is wrong in the middle of a long template is found where it is, whatever is around it.
func TestError_placeDoesNotDependOnWhatIsAround(t *testing.T) {
	for _, before := range []string{
		"", "text ", "é😀\n", "{{a}}", "{{! c }}", "{{#if a}}x{{else}}y{{/if}}", "{{{{raw}}}}{{x{{{{/raw}}}}", `\{{x}}`, "{{~a~}} \n ",
	} {
		for _, after := range []string{"", " text", "{{b}}", "{{#if c}}{{/if}}"} {
			n := len(before)
			checkBroken(t, []broken{
				{before + "{{Order Total}}" + after, n, "Order is not a helper"},
				{before + "{{if}}" + after, n, "needs a section"},
				{before + "{{/each}}" + after, n, "no section is open here"},
				{before + "{{> part}}" + after, n, "partials are not supported"},
				{before + "{{a,b}}" + after, n + 2, "unexpected character"},
				{before + "{{a.this}}" + after, n + 4, "only at the begin of a path"},
				{before + "{{lookup a}}" + after, n, "lookup takes two values"},
				{before + "{{#if a}}{{/unless}}{{/if}}" + after, n + 9, "has another name"},
			})
		}
	}
}

package template_test

import "testing"

func TestSpace_tildeTrimsItsSide(t *testing.T) {
	checkOutputs(t, `{"a":1,"l":[1,2]}`, []output{
		{"x {{a}} y", "x 1 y"},
		{"x {{~a}} y", "x1 y"},
		{"x {{a~}} y", "x 1y"},
		{"x {{~a~}} y", "x1y"},
		{"x \t\r\n{{~a~}}\n\n y", "x1y"},
		{"x\u00a0{{~a~}}\ufeffy", "x1y"},
		{"x {{~ a ~}} y", "x1y"},
		{"x {{~{a}~}} y", "x1y"},
		{"x {{~&a~}} y", "x1y"},
		{"x {{~#if a~}} y {{~/if~}} z", "xyz"},
		{"x {{#if a~}} y {{~/if}} z", "x y z"},
		{"x {{~#if a}} y {{/if~}} z", "x y z"},
		{"x {{#if b}}a{{~else~}} y {{/if}} z", "x y  z"},
		{"{{#if b}} a {{~^~}} y {{/if}}", "y "},
		{"{{#each l~}} {{this}} {{~/each}}", "12"},
		{"x {{~! c ~}} y", "xy"},
		{"x {{~!-- c --~}} y", "xy"},
		{"{{~a~}}", "1"},
		{" {{~a}}{{a~}} ", "11"},
		{"{{a~}} {{~a}}", "11"},
		{"x {{~^b~}} y {{~/b~}} z", "xyz"},
	})
}

func TestSpace_aSectionTagAloneOnItsLineRemovesTheLine(t *testing.T) {
	checkOutputs(t, `{"a":1,"l":[1,2]}`, []output{
		{"x\n{{#if a}}\ny\n{{/if}}\nz", "x\ny\nz"},
		{"x\r\n{{#if a}}\r\ny\r\n{{/if}}\r\nz", "x\r\ny\r\nz"},
		{"x\n  {{#if a}}  \n y\n\t{{/if}}\t\nz", "x\n y\nz"},
		{"a\n  {{#if a}}  \n b\n {{else}}\n c\n{{/if}}\nd", "a\n b\nd"},
		{"a\n  {{#if b}}  \n b\n {{else}}\n c\n{{/if}}\nd", "a\n c\nd"},
		{"{{#each l}}\n- {{this}}\n{{/each}}\n", "- 1\n- 2\n"},
		{"{{#each l}}\n{{this}}\n{{/each}}", "1\n2\n"},
		{"{{#if a}}\ny\n{{/if}}", "y\n"},
		{"{{^b}}\ny\n{{/b}}\nz", "y\nz"},
		{"{{#if b}}\nx\n{{else if a}}\ny\n{{/if}}\n", "y\n"},
		{"x\n\n{{#if a}}\n\ny\n{{/if}}\n\nz", "x\n\n\ny\n\nz"},
	})
}

func TestSpace_aTagBesideOtherTextKeepsItsLine(t *testing.T) {
	checkOutputs(t, `{"a":1}`, []output{
		{"x {{#if a}}\ny {{/if}}\nz", "x \ny \nz"},
		{"{{#if a}} y\n{{/if}}", " y\n"},
		{"{{#if a}}{{#if a}}\ny{{/if}}{{/if}}", "\ny"},
		{"{{a}}\nb", "1\nb"},
		{"{{a}}\n{{a}}", "1\n1"},
		{"\n{{a}}\n", "\n1\n"},
		{"{{{a}}}\nb", "1\nb"},
		{"{{#if a}} {{! c }}\nb {{/if}}", " \nb "},
	})
}

func TestComment_printsNothing(t *testing.T) {
	checkOutputs(t, `{"a":1}`, []output{
		{"a{{! c }}b", "ab"},
		{"a{{!c}}b", "ab"},
		{"a{{!}}b", "ab"},
		{"a{{!-- c --}}b", "ab"},
		{"a{{!-- }} --}}b", "ab"},
		{"a{{!-- {{a}} --}}b", "ab"},
		{"a{{! {{a }}b", "ab"},
		{"a{{! c }} }}b", "a }}b"},
		{"a{{!- c }}b", "ab"},
		{"a{{! two\nlines }}b", "ab"},
		{"a{{!-- two\nlines --}}b", "ab"},
		{"{{! c }}\nb", "b"},
		{"a\n {{! c }} \nb", "a\nb"},
		{"a {{! c }}\nb", "a \nb"},
		{"{{#if a}}{{! c }}b{{/if}}", "b"},
		{"{{! c }}", ""},
		{"{{!----}}x", "x"},
	})
}

func TestRaw_contentIsNotParsed(t *testing.T) {
	checkOutputs(t, `{"a":1,"raw":true,"o":{"k":1},"l":[1,2]}`, []output{
		{"{{{{raw}}}} {{x}} {{{{/raw}}}}", " {{x}} "},
		{"{{{{raw}}}}{{{{/raw}}}}|", "|"},
		{"{{{{raw}}}}{{#if{{{{/raw}}}}", "{{#if"},
		{"{{{{raw}}}} {{x}} {{{{in}}}}{{{{/in}}}}{{{{/raw}}}}", " {{x}} {{{{in}}}}{{{{/in}}}}"},
		{"{{a}}{{{{missing}}}} {{x}} {{{{/missing}}}}{{a}}", "11"},
		{"{{{{if a}}}}{{b}}{{{{/if}}}}", "{{b}}"},
		{"{{{{if b}}}}{{b}}{{{{/if}}}}|", "|"},
		{"{{{{unless b}}}}{{b}}{{{{/unless}}}}", "{{b}}"},
		{"{{{{each l}}}}{{this}};{{{{/each}}}}", "{{this}};{{this}};"},
		{`{{{{raw}}}}\{{x}}{{{{/raw}}}}`, `\{{x}}`},
		{"{{#if a}}{{{{raw}}}}{{x}}{{{{/raw}}}}{{/if}}", "{{x}}"},
		{"{{{{ raw }}}}{{x}}{{{{/ raw }}}}", "{{x}}"},
	})
}

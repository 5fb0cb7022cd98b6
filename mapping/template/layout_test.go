package template_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// layout is a text of several lines, as a note or a message is written.
type layout struct{ name, source, want string }

var layouts = []layout{
	{
		name: "a list of lines",
		source: `
Products:
{{#each products}}
- {{name}}
{{/each}}
End
`,
		want: `
Products:
- Pen
- Ink
End
`,
	},
	{
		name: "nested sections, each tag on a line of its own",
		source: `
{{#each products}}
{{name}}
	{{#if price}}
	costs {{price}}
	{{else}}
	is free
	{{/if}}
{{/each}}
`,
		want: `
Pen
	costs 2.50
Ink
	is free
`,
	},
	{
		name: "a chain of branches",
		source: `
{{#if refund}}
A refund.
{{else if gift}}
A gift.
{{else}}
An order.
{{/if}}
`,
		want: `
A gift.
`,
	},
	{
		name: "comments between the lines",
		source: `
One
{{! first }}
{{!-- second, with {{a tag}} --}}
  {{! third, indented }}
Two {{! at the end }}
`,
		want: `
One
Two 
`,
	},
	{
		name: "blank lines are kept",
		source: `

{{#if gift}}

A gift.

{{/if}}

`,
		want: `


A gift.


`,
	},
	{
		name: "tags that share a line with text",
		source: `
{{#if gift}}A gift.
{{/if}}
{{#if gift}} {{name}}
{{else}}
None
{{/if}} End
`,
		want: `
A gift.
 Nora
 End
`,
	},
	{
		name: "a value alone on its line keeps the line",
		source: `
{{name}}
{{missing}}
{{{name}}}
{{lookup products 5}}
`,
		want: `
Nora

Nora

`,
	},
	{
		name: "tildes join lines",
		source: `
{{~#each products~}}
	{{name}}
	{{~#unless @last}}, {{/unless~}}
{{~/each~}}
.
`,
		want: `Pen, Ink.
`,
	},
	{
		name: "a raw section keeps its lines",
		source: `
{{{{if gift}}}}
{{#each x}}
 y
{{{{/if}}}}
`,
		want: `

{{#each x}}
 y

`,
	},
	{
		name: "with, inverse and a section without a helper",
		source: `
{{#with address}}
  {{city}}
{{/with}}
{{^refund}}
  no refund
{{/refund}}
{{#products}}
  {{name}}
{{/products}}
`,
		want: `
  Delft
  no refund
  Pen
  Ink
`,
	},
}

const layoutContext = `{"name":"Nora","gift":true,"refund":null,"address":{"city":"Delft"},` +
	`"products":[{"name":"Pen","price":2.50},{"name":"Ink","price":0}]}`

func TestLayout(t *testing.T) {
	for _, l := range layouts {
		t.Run(l.name, func(t *testing.T) {
			if diff := cmp.Diff(l.want, render(t, l.source, layoutContext)); diff != "" {
				t.Errorf("other text (-want +got):\n%s", diff)
			}
		})
	}
}

// Lines may end as on Windows.
func TestLayout_withCarriageReturns(t *testing.T) {
	windows := strings.NewReplacer("\n", "\r\n")
	for _, l := range layouts {
		t.Run(l.name, func(t *testing.T) {
			if diff := cmp.Diff(windows.Replace(l.want), render(t, windows.Replace(l.source), layoutContext)); diff != "" {
				t.Errorf("other text (-want +got):\n%s", diff)
			}
		})
	}
}

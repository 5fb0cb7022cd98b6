package template_test

import (
	"testing"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/template"
)

// BenchmarkTemplate parses a template, and renders one that is parsed, as for each event.
func BenchmarkTemplate(b *testing.B) {
	const text = "{{event}} of {{properties.value}} by {{#if context.traits.name}}{{context.traits.name}}{{else}}{{userId}}{{/if}}" +
		"{{#each properties.products}} {{@index}}: {{name}}{{/each}}"
	root, err := mapping.ParseJSON([]byte(`{"event":"Product Purchased","userId":"user-0007","properties":{"value":12.95,` +
		`"products":[{"name":"Notebook"},{"name":"Pen"}]},"context":{"traits":{"name":"Ada"}}}`))
	if err != nil {
		b.Fatal(err)
	}
	parsed, err := template.Parse(text)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := template.Parse(text); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("render", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if out, _, err := parsed.Render(root, 255); err != nil || out == "" {
				b.Fatalf("rendered %q, %v", out, err)
			}
		}
	})
}

package template_test

import (
	"testing"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/template"
)

// limit is more output than any test needs that does not test the limit.
const limit = 1 << 10

func parseJSON(t testing.TB, s string) mapping.Value {
	t.Helper()
	v, err := mapping.ParseJSON([]byte(s))
	if err != nil {
		t.Fatalf("parsing %s: %v", s, err)
	}
	return v
}

func parse(t testing.TB, source string) *template.Template {
	t.Helper()
	parsed, err := template.Parse(source)
	if err != nil {
		t.Fatalf("Parse(%q): %v", source, err)
	}
	return parsed
}

func render(t testing.TB, source, context string) string {
	t.Helper()
	out, cut, err := parse(t, source).Render(parseJSON(t, context), limit)
	if err != nil || cut {
		t.Fatalf("Render(%q): cut %v, error %v", source, cut, err)
	}
	return out
}

// example is a template, a value as JSON, and the text of the one over the other.
type example struct{ source, context, want string }

func checkExamples(t *testing.T, examples []example) {
	t.Helper()
	for _, e := range examples {
		if got := render(t, e.source, e.context); got != e.want {
			t.Errorf("%q over %s = %q, want %q", e.source, e.context, got, e.want)
		}
	}
}

// output is a template and its text, where all examples share one value.
type output struct{ source, want string }

func checkOutputs(t *testing.T, context string, outputs []output) {
	t.Helper()
	for _, o := range outputs {
		if got := render(t, o.source, context); got != o.want {
			t.Errorf("%q over %s = %q, want %q", o.source, context, got, o.want)
		}
	}
}

package sink_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

// constants are the values of a type's constants in the files of a package.
func constants(t *testing.T, dir, typ string) []string {
	t.Helper()
	files, err := filepath.Glob(dir + "/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || spec.Type == nil {
				return true
			}
			of := spec.Type
			if selected, ok := of.(*ast.SelectorExpr); ok {
				of = selected.Sel
			}
			if ident, ok := of.(*ast.Ident); !ok || ident.Name != typ {
				return true
			}
			for _, v := range spec.Values {
				if lit, ok := v.(*ast.BasicLit); ok {
					text, err := strconv.Unquote(lit.Value)
					if err != nil {
						t.Fatal(err)
					}
					values = append(values, text)
				}
			}
			return true
		})
	}
	return values
}

func TestCodes_areAllThereAre(t *testing.T) {
	want := append(constants(t, "../mapping", "Code"), constants(t, ".", "Code")...)
	var got []string
	for _, c := range sink.Codes() {
		got = append(got, string(c))
		if !sink.IsCode(c) {
			t.Errorf("%s is no code", c)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" || len(got) == 0 {
		t.Errorf("codes (-constants +Codes):\n%s", diff)
	}
	var classes []string
	for _, c := range sink.Classes() {
		classes = append(classes, string(c))
	}
	if diff := cmp.Diff(constants(t, ".", "Class"), classes); diff != "" {
		t.Errorf("classes (-constants +Classes):\n%s", diff)
	}
	for code, want := range map[mapping.Code]bool{
		"http_422": true, "http_999": true, "http_": false, "http_42": false, "http_4222": false, "http_abc": false, "http_-1": false,
		"": false, "HTTP_422": false, "timeouts": false,
	} {
		if sink.IsCode(code) != want {
			t.Errorf("IsCode(%q) = %v", code, !want)
		}
	}
}

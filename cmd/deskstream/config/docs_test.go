package config_test

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/cmd/deskstream/config"
)

// The tables of the documentation stand between two such comments.
const (
	tableBegin = "<!-- begin: made from the configuration's structs by `go test ./cmd/deskstream/config -update` -->\n"
	tableEnd   = "<!-- end -->\n"
)

func TestDocs_theReadmeNamesEveryBlock(t *testing.T) {
	checkTable(t, "../../../README.md", overview())
}

func TestDocs_theReferenceDescribesEveryKey(t *testing.T) {
	checkTable(t, "../../../docs/configuration.md", reference())
}

// checkTable compares the made part of a page, or with -update renews it.
func checkTable(t *testing.T, path, want string) {
	t.Helper()
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), tableBegin)
	got, after, ended := strings.Cut(rest, tableEnd)
	if !ok || !ended {
		t.Fatalf("%s has no table between %q and %q", path, tableBegin, tableEnd)
	}
	if *update {
		if err := os.WriteFile(path, []byte(before+tableBegin+want+tableEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s differs from the structs, run with -update (-want +got):\n%s", path, diff)
	}
}

// overview is one row for each block of the file.
func overview() string {
	var b strings.Builder
	b.WriteString("\n| block | keys | what it is for |\n| --- | --- | --- |\n")
	for f := range reflect.TypeFor[config.Config]().Fields() {
		if !f.IsExported() {
			continue
		}
		keys := "a list of names"
		if inner := element(f.Type); inner.Kind() == reflect.Struct {
			var names []string
			for k := range inner.Fields() {
				names = append(names, "`"+k.Tag.Get("yaml")+"`")
			}
			keys = strings.Join(names, ", ")
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.Tag.Get("yaml"), keys, meaning(f))
	}
	b.WriteString("\n")
	return b.String()
}

// reference is a table for each block of the file.
func reference() string {
	var b strings.Builder
	describe(&b, "", reflect.TypeFor[config.Config]())
	b.WriteString("\n")
	return b.String()
}

// describe writes the table of a block, then those of the blocks in it.
func describe(b *strings.Builder, path string, block reflect.Type) {
	title := "The file"
	if path != "" {
		title = "`" + path + "`"
	}
	fmt.Fprintf(b, "\n### %s\n\n| key | default | meaning |\n| --- | --- | --- |\n", title)
	for f := range block.Fields() {
		if f.IsExported() {
			fmt.Fprintf(b, "| `%s` | %s | %s |\n", f.Tag.Get("yaml"), defaultOf(f), meaning(f))
		}
	}
	for f := range block.Fields() {
		inner, name := element(f.Type), f.Tag.Get("yaml")
		if !isBlock(inner) {
			continue
		}
		if f.Type.Kind() == reflect.Slice {
			name += "[]"
		}
		describe(b, strings.TrimPrefix(path+"."+name, "."), inner)
	}
}

func defaultOf(f reflect.StructField) string {
	switch def := f.Tag.Get("default"); {
	case def != "" && f.Type.Kind() == reflect.Slice:
		return "`[" + strings.ReplaceAll(def, ",", ", ") + "]`"
	case def != "":
		return "`" + def + "`"
	default:
		return ""
	}
}

func meaning(f reflect.StructField) string {
	text := f.Tag.Get("doc")
	if enum := f.Tag.Get("enum"); enum != "" {
		text += " One of `" + strings.ReplaceAll(enum, ",", "`, `") + "`."
		if f.Type.Kind() == reflect.Slice {
			text = strings.Replace(text, " One of ", " Any of ", 1)
		}
	}
	return strings.NewReplacer("|", "\\|", "<", "&lt;").Replace(text)
}

// element is what a list or a pointer holds, or the type itself.
func element(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// isBlock reports whether a type is a mapping of the file: a struct whose fields have keys.
func isBlock(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t.NumField() > 0 && t.Field(0).Tag.Get("yaml") != ""
}

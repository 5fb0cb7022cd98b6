package config_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/config"
)

// The tables of the documentation stand between two such comments.
const (
	tableBegin = "<!-- begin: made from the configuration's structs by `go test ./internal/config -update` -->\n"
	tableEnd   = "<!-- end -->\n"
)

func TestDocs_theReadmeNamesEveryBlock(t *testing.T) {
	checkTable(t, "../../README.md", overview())
}

func TestDocs_theReferenceDescribesEveryKey(t *testing.T) {
	checkTable(t, "../../docs/configuration.md", reference())
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
	blocks := config.Reference()
	for _, k := range blocks[0].Keys {
		keys := "a list of names"
		if k.Block {
			var names []string
			for _, block := range blocks {
				if strings.TrimSuffix(block.Path, "[]") == k.Name {
					for _, inner := range block.Keys {
						names = append(names, "`"+inner.Name+"`")
					}
				}
			}
			keys = strings.Join(names, ", ")
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", k.Name, keys, meaning(k))
	}
	b.WriteString("\n")
	return b.String()
}

// reference is a table for each block of the file.
func reference() string {
	var b strings.Builder
	for _, block := range config.Reference() {
		title := "The file"
		if block.Path != "" {
			title = "`" + block.Path + "`"
		}
		fmt.Fprintf(&b, "\n### %s\n\n| key | default | meaning |\n| --- | --- | --- |\n", title)
		for _, k := range block.Keys {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", k.Name, defaultOf(k), meaning(k))
		}
	}
	b.WriteString("\n")
	return b.String()
}

func defaultOf(k config.Key) string {
	switch {
	case k.Default != "" && k.List:
		return "`[" + strings.ReplaceAll(k.Default, ",", ", ") + "]`"
	case k.Default != "":
		return "`" + k.Default + "`"
	default:
		return ""
	}
}

func meaning(k config.Key) string {
	text := k.Doc
	if len(k.Values) > 0 {
		text += " One of `" + strings.Join(k.Values, "`, `") + "`."
		if k.List {
			text = strings.Replace(text, " One of ", " Any of ", 1)
		}
	}
	return strings.NewReplacer("|", "\\|", "<", "&lt;").Replace(text)
}

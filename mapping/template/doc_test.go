package template_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// documented is a line of the table in doc.go: constructs, and what they mean.
var documented = regexp.MustCompile(`(?m)^//\t(\S.*?)(?: {3,}(.+))?$`)

// What doc.go shows is accepted, and all of it is shown by a test of this package.
func TestDoc_everyConstructIsAccepted(t *testing.T) {
	page, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	rows := documented.FindAllStringSubmatch(string(page), -1)
	if len(rows) < 20 {
		t.Fatalf("%d rows found, too few: has the table another form?", len(rows))
	}
	for _, row := range rows {
		source := strings.ReplaceAll(row[1], "(lookup a b)", "{{log (lookup a b)}}")
		switch {
		case strings.HasPrefix(source, "{{#each a as"): // shown without their ends
			source = strings.ReplaceAll(source, "}}", "}}{{/each}}")
		case strings.HasPrefix(source, "{{@index}}"):
			source = "{{#each a}}" + source + "{{/each}}"
		}
		render(t, source, `{"a":1}`)
		if row[2] == "" {
			t.Errorf("doc.go says nothing about %q", row[1])
		}
	}
}

// The table of docs/trengo.md, over what a subject is rendered over.
func TestDoc_thePageForUsersIsTrue(t *testing.T) {
	checkOutputs(t, `{"event":"E","properties":{"x":1},"traits":{"x":2},"x":3,"a":{"b":{"c":4}},"items":[{"name":"n"}],"Order Total":5}`, []output{
		{"{{ event }}", "E"},
		{"{{ properties.x }} {{ x }}", "1 3"},
		{"{{ traits.x }}", "2"},
		{"{{ a.b.c }} {{ items.0.name }} {{ [Order Total] }}", "4 n 5"},
	})
}

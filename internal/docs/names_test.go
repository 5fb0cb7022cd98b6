package docs_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/internal/config"
)

// now are the pages that say how it is; the changelog also says how it was.
func now(t *testing.T) map[string]string {
	t.Helper()
	texts := pages(t)
	delete(texts, "CHANGELOG.md")
	return texts
}

var (
	code = regexp.MustCompile("`([^`\n]+)`")
	// A setting is written with the block that it is in.
	setting = regexp.MustCompile(`^(?:kafka|source|schema_registry|responses|dead_letters|limits|http|log|inbound|delivery|destinations|webhooks|export|calls|trengo|kustomer)\.[a-z_.]+$`)
)

// Names that look like settings and are none: files, events of Kustomer, a member of its errors,
// attributes of spans; kinds of documents.
var noSetting = regexp.MustCompile(`\.go$|^kustomer\.(\w+)\.(create|update)$|^source\.parameter$|^http\.(request|response)\.|^webhooks\.(list|plan|apply)$`)

func TestPages_everySettingThatIsNamedExists(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal(config.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	settings := make(map[string]bool)
	collect(schema, nil, settings)
	named := 0
	for page, text := range now(t) {
		for _, m := range code.FindAllStringSubmatch(text, -1) {
			name, _, _ := strings.Cut(m[1], ":")
			if !setting.MatchString(name) || noSetting.MatchString(name) {
				continue
			}
			named++
			if !settings[name] {
				t.Errorf("%s names the setting %s, which does not exist", page, name)
			}
		}
	}
	if named < 100 {
		t.Errorf("only %d settings are named", named)
	}
}

// collect adds the paths of a schema's properties, whole and from each block on: a page says
// delivery.timeout for destinations.delivery.timeout.
func collect(schema any, path []string, to map[string]bool) {
	switch schema := schema.(type) {
	case map[string]any:
		for name, value := range schema {
			if name != "properties" {
				collect(value, path, to)
				continue
			}
			for property, inner := range value.(map[string]any) {
				here := append(slices.Clone(path), property)
				for i := range here {
					to[strings.Join(here[i:], ".")] = true
				}
				collect(inner, here, to)
			}
		}
	case []any:
		for _, value := range schema {
			collect(value, path, to)
		}
	}
}

var (
	metric      = regexp.MustCompile(`\bdeskstream_[a-z_]+[a-z]`)
	metricInRow = regexp.MustCompile("(?m)^(?:\\| |- )`(deskstream_[a-z_]+)[`{]")
	suffix      = regexp.MustCompile(`_(bucket|sum|count)$`)
)

// The tables of metrics are compared with running programs elsewhere.
func TestPages_everyMetricThatIsNamedExists(t *testing.T) {
	texts := now(t)
	metrics := make(map[string]bool)
	for _, page := range []string{"docs/metrics.md", "docs/receive.md", "docs/export.md"} {
		for _, m := range metricInRow.FindAllStringSubmatch(texts[page], -1) {
			metrics[m[1]] = true
		}
	}
	for page, text := range texts {
		for _, m := range code.FindAllStringSubmatch(text, -1) {
			for _, name := range metric.FindAllString(m[1], -1) {
				if !metrics[name] && !metrics[suffix.ReplaceAllString(name, "")] && !strings.HasPrefix(name, "deskstream_kafka") {
					t.Errorf("%s names the metric %s, which no table of metrics has", page, name)
				}
			}
		}
	}
}

var (
	fileNamed = regexp.MustCompile(`^(?:deploy|docs|findings|internal|cmd|\.ci)/[\w./-]+$`)
	makeNamed = regexp.MustCompile(`\bmake ([a-z][a-z-]+)`)
	target    = regexp.MustCompile(`(?m)^([a-z][a-z-]*):`)
)

func TestPages_everyFileAndTargetOfMakeThatIsNamedExists(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	targets := make(map[string]bool)
	for _, m := range target.FindAllStringSubmatch(string(makefile), -1) {
		targets[m[1]] = true
	}
	for page, text := range pages(t) {
		for _, m := range code.FindAllStringSubmatch(text, -1) {
			if fileNamed.MatchString(m[1]) {
				if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
					t.Errorf("%s names the file %s, which does not exist", page, m[1])
				}
			}
			if made := makeNamed.FindStringSubmatch(m[1]); made != nil && !targets[made[1]] {
				t.Errorf("%s names make %s, which does not exist", page, made[1])
			}
		}
	}
}

// Whoever opens docs/ finds every page from its index.
func TestIndex_leadsToEveryPage(t *testing.T) {
	texts := pages(t)
	index := texts["docs/README.md"]
	for page := range texts {
		name, ok := strings.CutPrefix(page, "docs/")
		if ok && name != "README.md" && !strings.HasPrefix(name, "alerts/") && !strings.Contains(index, "]("+name+")") {
			t.Errorf("docs/README.md does not lead to %s", page)
		}
	}
}

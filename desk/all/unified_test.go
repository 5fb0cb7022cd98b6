package all_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/desk/all"
	"github.com/deskstream/deskstream/mapping/unified"
)

const page = "../../docs/unified-model.md"

var (
	fieldRow = regexp.MustCompile("(?m)^\\| `([a-z]+)\\.([a-z_]+)` \\| (.*) \\| (.*) \\| (.*) \\|$")
	typeRow  = regexp.MustCompile("(?m)^\\| `([a-z.]+)` \\| ([^|]*) \\| ([^|]*) \\|$")
)

// none is what the page says where a desk has no counterpart.
const none = "–"

// filled are the fields that anything in the golden files of a desk fills, as ticket.subject.
func filled(t *testing.T, desk string) map[string]bool {
	t.Helper()
	fields := make(map[string]bool)
	paths, err := filepath.Glob("../../mapping/" + desk + "/inbound/testdata/*/*.want.json")
	if err != nil || len(paths) < 20 {
		t.Fatalf("%d golden files of %s, %v", len(paths), desk, err)
	}
	for _, path := range paths {
		entity, _, _ := strings.Cut(filepath.Base(path), ".")
		name := strings.NewReplacer("statuses", "status", "notes", "comment").Replace(entity)
		if name == entity {
			name = strings.TrimSuffix(entity, "s")
		}
		if strings.Contains(path, "/webhooks/") {
			name = "event"
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var object map[string]json.RawMessage
		if err := json.Unmarshal(text, &object); err != nil {
			t.Fatal(err)
		}
		for field := range object {
			fields[name+"."+field] = true
		}
		var attachments []map[string]any
		if list := object["attachments"]; list != nil {
			if err := json.Unmarshal(list, &attachments); err != nil {
				t.Fatal(err)
			}
		}
		for _, attachment := range attachments {
			for field := range attachment {
				fields["attachment."+field] = true
			}
		}
	}
	return fields
}

// The page has a row for each field of the model, and says of each desk whether it fills it.
func TestUnified_thePageSaysWhatEachDeskFills(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	rows := make(map[string][]string)
	for _, m := range fieldRow.FindAllStringSubmatch(string(text), -1) {
		rows[m[1]+"."+m[2]] = m[3:]
	}
	for i, desk := range []string{"trengo", "kustomer"} {
		for field := range filled(t, desk) {
			if cells := rows[field]; cells == nil || cells[1+i] == none {
				t.Errorf("%s fills %s, which the page does not say", desk, field)
			}
		}
		fills := filled(t, desk)
		for field, cells := range rows {
			if cells[1+i] != none && cells[1+i] != "ours" && !fills[field] {
				t.Errorf("the page says where %s has %s, and nothing in its golden files fills it", desk, field)
			}
		}
	}
	schemas, err := filepath.Glob("../../deploy/schemas/unified/*.avsc")
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, path := range schemas {
		var schema struct {
			Fields []struct{ Name, Doc string }
		}
		text, err := os.ReadFile(path)
		if err == nil {
			err = json.Unmarshal(text, &schema)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range schema.Fields {
			named++
			if cells := rows[strings.TrimSuffix(filepath.Base(path), ".avsc")+"."+f.Name]; cells == nil || cells[0] != f.Doc {
				t.Errorf("the page has no row for %s of %s, or another meaning", f.Name, filepath.Base(path))
			}
		}
	}
	if named != len(rows) {
		t.Errorf("the page has %d rows for %d fields", len(rows), named)
	}
}

// The page's table of events is what the desks are subscribed to.
func TestUnified_thePageSaysWhichEventsComeFromWhere(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	rows := make(map[string][]string)
	for _, m := range typeRow.FindAllStringSubmatch(string(text), -1) {
		rows[m[1]] = m[2:]
	}
	for _, kind := range unified.Types() {
		cells := rows[string(kind)]
		if cells == nil {
			t.Errorf("the page has no row for %s", kind)
			continue
		}
		i := 0
		for _, k := range all.Kinds() {
			if k.Inbound == nil {
				continue
			}
			events := k.Inbound("inbox", k.Settings()).Subscriptions[kind]
			if named := cells[i] != none; named != (len(events) > 0) || named && !slices.ContainsFunc(events, func(e string) bool { return strings.Contains(cells[i], "`"+e+"`") }) {
				t.Errorf("%s at %s: the page says %q, the desk %q", kind, k.Name, cells[i], events)
			}
			i++
		}
	}
	if len(rows) != len(unified.Types()) {
		t.Errorf("the page has %d rows for %d types", len(rows), len(unified.Types()))
	}
}

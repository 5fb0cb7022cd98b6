package all_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/desk/all"
)

var listRow = regexp.MustCompile("(?m)^\\| `([a-z]+)` \\| ([^|]*) \\| ([^|]*) \\|$")

// docs/export.md says what each desk lists, by the call or inside what.
func TestExport_thePageSaysWhatEachDeskLists(t *testing.T) {
	text, err := os.ReadFile("../../docs/export.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := make(map[string][]string)
	for _, m := range listRow.FindAllStringSubmatch(string(text), -1) {
		rows[m[1]] = m[2:]
	}
	column := 0
	for _, k := range all.Kinds() {
		if k.Lists == nil {
			continue
		}
		want := make(map[string]string)
		for _, l := range k.Lists() {
			want[string(l.Entity)] = "`" + l.Op + "`"
			for _, i := range l.Inside {
				want[string(i.Entity)] = "inside `" + string(l.Entity) + "`"
			}
		}
		for entity, cells := range rows {
			if cell := cells[column]; want[entity] == "" && cell != none || !strings.Contains(cell, want[entity]) {
				t.Errorf("%s of %s: the page says %q, the desk %q", entity, k.Name, cell, want[entity])
			}
			delete(want, entity)
		}
		if len(want) > 0 {
			t.Errorf("the page lacks of %s: %v", k.Name, want)
		}
		column++
	}
}

// Each list can be read: there is a reader of its entries, those below others come after these, and
// no call but GET is made.
func TestExport_listsCanBeRead(t *testing.T) {
	for _, k := range all.Kinds() {
		if k.Lists == nil {
			continue
		}
		objects := k.Inbound("desk", k.Settings()).Objects
		var before []string
		for _, l := range k.Lists() {
			if objects[l.Entity] == nil || l.Read == nil {
				t.Errorf("%s: %s cannot be read", k.Name, l.Entity)
			}
			if l.Below != "" && !slices.Contains(before, string(l.Below)) {
				t.Errorf("%s: %s come before %s", k.Name, l.Entity, l.Below)
			}
			for _, op := range operations(l) {
				if !strings.HasPrefix(op, "GET /") {
					t.Errorf("%s: %s is called by %q", k.Name, l.Entity, op)
				}
			}
			before = append(before, string(l.Entity))
		}
	}
}

func operations(l desk.List) []string {
	ops := []string{l.Op}
	if l.Object != "" {
		ops = append(ops, l.Object)
	}
	if l.Classes != nil {
		ops = append(ops, l.Classes.Op)
	}
	return ops
}

//go:build synctests

package simulation

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
)

var updateFlag = flag.Bool("update-table", false, "write the tables of docs/guarantees.md")

// The tables of the page, each between two comments.
const (
	page         = "docs/guarantees.md"
	faultTable   = "simulated faults"
	plantedTable = "planted faults"
	outageTable  = "outages"
)

func section(t *testing.T, name string) (before, table, after string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- "+name+": written by make tables -->\n", "<!-- end of "+name+" -->"
	before, rest, ok := strings.Cut(string(text), begin)
	table, after, okEnd := strings.Cut(rest, end)
	if !ok || !okEnd {
		t.Fatalf("%s has no section %q", page, name)
	}
	return before + begin, table, end + after
}

func updateTable(t *testing.T, name, rows string) {
	t.Helper()
	before, _, after := section(t, name)
	if err := os.WriteFile(filepath.Join(root, page), []byte(before+"\n"+rows+"\n"+after), 0o600); err != nil {
		t.Fatal(err)
	}
}

func faultRows(seeds int, effects map[kind]int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d scripts, no rule broken.\n\n| fault | took effect |\n| --- | ---: |\n", seeds)
	for _, k := range allKinds {
		fmt.Fprintf(&b, "| %s | %d |\n", k, effects[k])
	}
	return b.String()
}

func plantedRows(found map[string]caught) string {
	var b strings.Builder
	b.WriteString("| planted fault | seeds | broken rules |\n| --- | ---: | --- |\n")
	for _, p := range plantedFaults {
		if c, ok := found[p.name]; ok {
			fmt.Fprintf(&b, "| %s | %d | %s |\n", p.name, c.seeds, strings.Join(c.rules, "; "))
		} else {
			fmt.Fprintf(&b, "| %s | - | not found |\n", p.name)
		}
	}
	return b.String()
}

func TestTable_isInStepWithTheLists(t *testing.T) {
	_, faults, _ := section(t, faultTable)
	for _, k := range allKinds {
		if !strings.Contains(faults, "| "+string(k)+" | ") {
			t.Errorf("%s has no row for %q: run 'make tables'", page, k)
		}
	}
	if rows, want := strings.Count(faults, "\n| "), len(allKinds)+2; rows != want {
		t.Errorf("%s has %d rows of faults, want %d: run 'make tables'", page, rows, want)
	}
	_, outages, _ := section(t, outageTable)
	for _, g := range stub.Gateways() {
		for _, desk := range []string{stubtrengo.Name, stubkustomer.Name} {
			if !strings.Contains(outages, "| "+g.Name+" | "+desk+" | ") {
				t.Errorf("%s has no row for %q of %s: run 'make tables'", page, g.Name, desk)
			}
		}
	}
	_, found, _ := section(t, plantedTable)
	for _, p := range plantedFaults {
		if !strings.Contains(found, "| "+p.name+" | ") {
			t.Errorf("%s has no row for %q: run 'make tables'", page, p.name)
		}
	}
	if rows, want := strings.Count(found, "\n| "), len(plantedFaults)+2; rows != want {
		t.Errorf("%s has %d rows of planted faults, want %d: run 'make tables'", page, rows, want)
	}
	if strings.Contains(found, "not found") {
		t.Errorf("%s says that a planted fault was not found", page)
	}
}

//go:build synctests

package simulation

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var (
	plantFlag     = flag.Bool("plant", false, "build each planted fault and let the simulation find it")
	plantOnlyFlag = flag.String("plant-only", "", "only planted faults whose name has this text")
	stopFlag      = flag.Bool("stop", false, "run no further seed once a rule was broken")
)

const root = "../.."

// apply changes the production files below the directory in which the fault is.
func (p plantedFault) apply(t *testing.T, files []*production) {
	t.Helper()
	d, err := declaration(files, p.fn)
	if err == nil {
		err = p.edit(d)
	}
	if err != nil {
		t.Fatalf("planted fault %q no longer fits %s in %s, change its entry in planted_list_test.go: %v", p.name, p.fn, p.in, err)
	}
}

// filesIn are the production files that a fault may be in.
func (p plantedFault) filesIn(t *testing.T) []*production {
	t.Helper()
	files, err := sourcesIn(p.in)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// overlay writes what go build's -overlay takes.
func overlay(t *testing.T, files []*production) string {
	t.Helper()
	dir := t.TempDir()
	replace := make(map[string]string)
	for i, f := range files {
		if len(f.splices) == 0 {
			continue
		}
		text, err := f.changed()
		if err != nil {
			t.Fatal(err)
		}
		patched := filepath.Join(dir, strconv.Itoa(i)+filepath.Base(f.path))
		if err := os.WriteFile(patched, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		original, err := filepath.Abs(filepath.Join(root, f.path))
		if err != nil {
			t.Fatal(err)
		}
		replace[original] = patched
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// All faults together compile, so each does alone.
func TestPlanted_fitTheCode(t *testing.T) {
	names, trees := make(map[string]bool), make(map[string][]*production)
	var files []*production
	for _, p := range plantedFaults {
		if trees[p.in] == nil {
			trees[p.in] = p.filesIn(t)
			files = append(files, trees[p.in]...)
		}
		p.apply(t, trees[p.in])
		if names[p.name] {
			t.Errorf("two planted faults are called %q", p.name)
		}
		names[p.name] = true
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", overlay(t, files), "./processor/...", "./sink/...")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Errorf("with all planted faults: %v\n%s", err, out)
	}
}

var (
	brokenRule = regexp.MustCompile(`broke rule "([^"]*)"`)
	hangs      = regexp.MustCompile(`panic: (seed \d+ hangs|test timed out|deadlock)`)
)

// caught is what found a planted fault: the rules, and how many seeds it took.
type caught struct {
	rules []string
	seeds int
}

func TestPlanted_areFound(t *testing.T) {
	if !*plantFlag {
		t.Skip("builds the tests once per planted fault; 'make planted' does it")
	}
	found := make(map[string]caught)
	for _, p := range plantedFaults {
		if !strings.Contains(p.name, *plantOnlyFlag) {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			var c caught
			for _, test := range p.tests() {
				if c = p.find(t, test); len(c.rules) == 0 {
					t.Errorf("not found by %s in %d seeds", test, *seedsFlag)
					return
				}
			}
			t.Logf("after %d seeds: %s", c.seeds, strings.Join(c.rules, "; "))
			found[p.name] = c
		})
	}
	if *updateFlag && *plantOnlyFlag == "" {
		updateTable(t, plantedTable, plantedRows(found))
	}
}

// tests are those of which each has to find the fault.
func (p plantedFault) tests() []string {
	switch {
	case p.test != "":
		return []string{"^" + p.test + "$"}
	case p.budget:
		return []string{"^TestBudget_"}
	case p.priorities:
		return []string{"^TestPriorities_/^coalesce_false$", "^TestPriorities_/^coalesce_true$"}
	}
	return []string{"^TestSimulation$"}
}

// find runs the simulation with the fault in it until a rule breaks.
func (p plantedFault) find(t *testing.T, test string) caught {
	t.Helper()
	if p.test != "" {
		return p.findByTest(t, test)
	}
	files := p.filesIn(t)
	p.apply(t, files)
	binary := filepath.Join(t.TempDir(), "simulation.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-tags", "synctests", "-overlay", overlay(t, files), "-o", binary, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	run := exec.CommandContext(t.Context(), binary, "-test.run", test, "-test.v", "-test.timeout", "10m", "-stop", "-seeds", strconv.Itoa(*seedsFlag))
	out, err := run.CombinedOutput()
	if err == nil {
		return caught{}
	}
	until := len(out)
	if at := brokenRule.FindIndex(out); at != nil {
		until = at[0]
	}
	c := caught{seeds: max(1, strings.Count(string(out[:until]), "=== CONT  TestSimulation/seeds/"))}
	switch text := string(out); {
	case hangs.MatchString(text):
		c.rules = append(c.rules, ruleEnd)
	case strings.Contains(text, "panic: "):
		c.rules = append(c.rules, ruleCrash)
	}
	for _, m := range brokenRule.FindAllStringSubmatch(string(out), -1) {
		if !slices.Contains(c.rules, m[1]) {
			c.rules = append(c.rules, m[1])
		}
	}
	if len(c.rules) == 0 {
		t.Logf("%s", out[max(0, len(out)-4000):])
	}
	return c
}

// findByTest runs the test that is to find the fault.
func (p plantedFault) findByTest(t *testing.T, test string) caught {
	t.Helper()
	files := p.filesIn(t)
	p.apply(t, files)
	run := exec.CommandContext(t.Context(), "go", "test", "-tags", "synctests", "-overlay", overlay(t, files), "-run", test, "./"+p.in)
	run.Dir = root
	out, err := run.CombinedOutput()
	if err == nil {
		return caught{}
	}
	if !strings.Contains(string(out), "--- FAIL: "+p.test) {
		t.Fatalf("running %s: %v\n%s", p.test, err, out)
	}
	return caught{rules: []string{"`" + p.test + "`"}}
}

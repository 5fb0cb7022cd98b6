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

// apply gives the file with the fault in it.
func (p plantedFault) apply(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, p.file))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), p.old); n != 1 {
		t.Fatalf("planted fault %q: its text is there %d times in %s, want once: plant it anew\n%s", p.name, n, p.file, p.old)
	}
	return []byte(strings.Replace(string(text), p.old, p.new, 1))
}

// overlay writes what go build's -overlay takes.
func (p plantedFault) overlay(t *testing.T, dir string) string {
	t.Helper()
	patched := filepath.Join(dir, filepath.Base(p.file))
	if err := os.WriteFile(patched, p.apply(t), 0o600); err != nil {
		t.Fatal(err)
	}
	original, err := filepath.Abs(filepath.Join(root, p.file))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]map[string]string{"Replace": {original: patched}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPlanted_fitTheCode(t *testing.T) {
	names := make(map[string]bool)
	for _, p := range plantedFaults {
		p.apply(t)
		if names[p.name] {
			t.Errorf("two planted faults are called %q", p.name)
		}
		names[p.name] = true
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
			c := p.find(t)
			if len(c.rules) == 0 {
				t.Errorf("not found in %d seeds", *seedsFlag)
				return
			}
			t.Logf("after %d seeds: %s", c.seeds, strings.Join(c.rules, "; "))
			found[p.name] = c
		})
	}
	if *updateFlag && *plantOnlyFlag == "" {
		updateTable(t, plantedTable, plantedRows(found))
	}
}

// find runs the simulation with the fault in it until a rule breaks.
func (p plantedFault) find(t *testing.T) caught {
	t.Helper()
	dir := t.TempDir()
	test := "^TestSimulation$"
	if p.budget {
		test = "^TestBudget_"
	}
	binary := filepath.Join(dir, "simulation.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-tags", "synctests", "-overlay", p.overlay(t, dir), "-o", binary, ".")
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

//go:build synctests

package simulation

import (
	"flag"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var (
	plantFlag     = flag.Bool("plant", false, "build the planted faults and let the simulation find it")
	plantOnlyFlag = flag.String("plant-only", "", "only planted faults whose name has this text")
	stopFlag      = flag.Bool("stop", false, "run no further seed once a rule was broken")
)

// All faults together compile. Each is in a function of its own, so each does alone.
func TestPlanted_fitTheCode(t *testing.T) {
	names := make(map[string]bool)
	for _, p := range plantedFaults {
		if names[p.name] {
			t.Errorf("two planted faults are called %q", p.name)
		}
		names[p.name] = true
	}
	compile := exec.CommandContext(t.Context(), "go", "build", "-tags", "synctests", "-overlay", newBuild(t).overlay, "./processor/...", "./sink/...")
	compile.Dir = root
	if out, err := compile.CombinedOutput(); err != nil {
		t.Errorf("with all planted faults: %v\n%s", err, out)
	}
}

var (
	brokenRule = regexp.MustCompile(`broke rule "([^"]*)"`)
	hangs      = regexp.MustCompile(`panic: (seed \d+ hangs|deadlock)`)
)

// caught is what found a planted fault: the rules, and how many seeds it took.
type caught struct {
	rules []string
	seeds int
}

func TestPlanted_areFound(t *testing.T) {
	if !*plantFlag {
		t.Skip("runs the tests once per planted fault; 'make planted' does it")
	}
	b := newBuild(t)
	t.Run("none", func(t *testing.T) { noneIsFound(t, b) })
	found := make(map[string]caught)
	for _, p := range plantedFaults {
		if !strings.Contains(p.name, *plantOnlyFlag) {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			var c caught
			for _, test := range p.tests() {
				if c = p.find(t, b, test); len(c.rules) == 0 {
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
	case p.groups:
		return []string{"^TestGroups_"}
	}
	return []string{"^TestSimulation$"}
}

// testsIn is the directory of the repository that has these tests.
func (p plantedFault) testsIn() string {
	if p.test != "" {
		return p.in
	}
	return "internal/simulation"
}

// noneIsFound runs what finds the faults where there is none.
func noneIsFound(t *testing.T, b *build) {
	t.Helper()
	ran := make(map[string]bool)
	for _, p := range plantedFaults {
		for _, test := range p.tests() {
			if in := p.testsIn(); !ran[in+test] {
				ran[in+test] = true
				if out, err := b.command(t, "", in, "-test.run", test).CombinedOutput(); err != nil {
					t.Errorf("%s fails without a fault: %v\n%s", test, err, out)
				}
			}
		}
	}
}

// find runs the simulation with the fault in it until a rule breaks.
func (p plantedFault) find(t *testing.T, b *build, test string) caught {
	t.Helper()
	if p.test != "" {
		return p.findByTest(t, b, test)
	}
	run := b.command(t, p.name, p.testsIn(), "-test.run", test, "-test.v", "-test.timeout", "10m", "-stop", "-seeds", strconv.Itoa(*seedsFlag))
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
	case strings.Contains(text, "panic: test timed out"):
		// A seed that hangs says so long before: the machine is busy, or the seeds are too many.
		t.Errorf("%d seeds took too long", *seedsFlag)
		return caught{}
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
func (p plantedFault) findByTest(t *testing.T, b *build, test string) caught {
	t.Helper()
	out, err := b.command(t, p.name, p.testsIn(), "-test.run", test).CombinedOutput()
	if err == nil {
		return caught{}
	}
	if !strings.Contains(string(out), "--- FAIL: "+p.test) {
		t.Fatalf("running %s: %v\n%s", p.test, err, out)
	}
	return caught{rules: []string{"`" + p.test + "`"}}
}

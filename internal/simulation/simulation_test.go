//go:build synctests

package simulation

import (
	"flag"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "run the script of this seed only, and print it with its log")
	seedsFlag = flag.Int("seeds", 5, "how many seeds to run")
	firstFlag = flag.Uint64("first", 1, "the first of them")
)

func TestSimulation(t *testing.T) {
	if *seedFlag != 0 {
		r := run(t, *seedFlag)
		if r.report(t); !t.Failed() {
			r.print(t)
		}
		return
	}
	var mu sync.Mutex
	var broken atomic.Bool
	effects := make(map[kind]int)
	t.Run("seeds", func(t *testing.T) {
		for seed := *firstFlag; seed < *firstFlag+uint64(*seedsFlag); seed++ {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				if *stopFlag && broken.Load() {
					t.Skip("a rule was broken")
				}
				r := run(t, seed)
				r.report(t)
				if t.Failed() {
					broken.Store(true)
				}
				mu.Lock()
				defer mu.Unlock()
				for k, n := range r.journal.effects {
					effects[k] += n
				}
			})
		}
	})
	for _, k := range allKinds {
		t.Logf("%6d  %s", effects[k], k)
		if *seedsFlag >= 1000 && effects[k] < 100 {
			t.Errorf("%q took effect %d times in %d seeds, want 100 at least", k, effects[k], *seedsFlag)
		}
	}
	if *updateFlag && !t.Failed() {
		updateTable(t, faultTable, faultRows(*seedsFlag, effects))
	}
}

// print prints the script and what the instances logged.
func (r *result) print(t *testing.T) {
	t.Helper()
	t.Logf("%s%s", r.script, strings.Join(r.logs, "\n"))
}

// report fails the test with what was found, and prints how it came about: another run
// of the seed plays the same script, but need not meet the same moments.
func (r *result) report(t *testing.T) {
	t.Helper()
	if len(r.findings) > 0 {
		r.print(t)
	}
	for i, f := range r.findings {
		if i == 10 {
			t.Errorf("... and %d more", len(r.findings)-i)
			return
		}
		t.Errorf("seed %d broke rule %q: %s", r.script.Seed, f.rule, f.text)
	}
}

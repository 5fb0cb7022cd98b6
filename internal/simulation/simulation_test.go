//go:build synctests

package simulation

import (
	"flag"
	"fmt"
	"sync"
	"testing"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "run the script of this seed only, and print it with its log")
	seedsFlag = flag.Int("seeds", 5, "how many seeds to run")
	firstFlag = flag.Uint64("first", 1, "the first of them")
	verbose   = flag.Bool("log", false, "keep the instances' logs")
)

func TestSimulation(t *testing.T) {
	if *seedFlag != 0 {
		*verbose = true
		r := run(t, *seedFlag)
		t.Log(r.script)
		for _, line := range r.logs {
			t.Log(line)
		}
		r.report(t)
		return
	}
	var mu sync.Mutex
	effects := make(map[kind]int)
	t.Run("seeds", func(t *testing.T) {
		for seed := *firstFlag; seed < *firstFlag+uint64(*seedsFlag); seed++ {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				r := run(t, seed)
				r.report(t)
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
}

// report fails the test with what was found.
func (r *result) report(t *testing.T) {
	t.Helper()
	for i, f := range r.findings {
		if i == 10 {
			t.Errorf("... and %d more", len(r.findings)-i)
			return
		}
		t.Errorf("seed %d broke rule %q: %s", r.script.Seed, f.rule, f.text)
	}
}

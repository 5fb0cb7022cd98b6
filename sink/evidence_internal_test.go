package sink

import (
	"testing"
	"time"

	"github.com/deskstream/deskstream/sink/hold"
)

// Three rounds: another event's call passes, this one fails again, another passes. The
// pass that ends a round may begin the next one.
func TestTrial_convictsAfterThreeRoundsAndNotBefore(t *testing.T) {
	for story, want := range map[string]bool{
		"f": false, "ffffffff": false, "ppppf": false, "fpppppp": false,
		"fpf": false, "fpfp": false, "fpfpfp": false, "fpfpfpf": false, "fpfpfpfp": true,
		"pfpfpfp": false, "pfpfpfpfp": true, "fppffppffppffpp": true, "fpffffffffp": false,
	} {
		var tr trial
		passed := uint64(7) // of earlier times
		for _, what := range story {
			if what == 'p' {
				passed++
			} else {
				tr.fail(passed)
			}
		}
		if got := tr.enoughEvidence(passed); got != want {
			t.Errorf("after %s (f: it fails, p: another passes): convicted %v, want %v", story, got, want)
		}
	}
}

// What speaks against an event at one kind of call, or for one kind of failure, says
// nothing about another.
func TestTrial_isOfOneKindOfCallAndFailure(t *testing.T) {
	s := &retrier{sender: sender{dest: &Destination{}}}
	lookup, write := Call{Op: "GET /things"}, Call{Op: "PUT /things/{id}"}
	for range 4 {
		s.dest.evidence.note(lookup.Op)
		s.dest.evidence.note(write.Op)
		s.tried(lookup, judgement{verdict: passing}, s.others(lookup))
	}
	s.dest.evidence.note(lookup.Op)
	s.dest.evidence.note(write.Op)
	if !s.tried(lookup, judgement{verdict: passing}, s.others(lookup)).enoughEvidence(s.others(lookup)) {
		t.Fatal("not convicted after four rounds")
	}
	for range 10 {
		s.dest.evidence.note(write.Op)
		s.dest.evidence.note(lookup.Op)
	}
	if s.tried(write, judgement{verdict: passing}, s.others(write)).enoughEvidence(s.others(write)) {
		t.Error("convicted at a call that failed once")
	}
	if s.tried(lookup, judgement{verdict: denied}, s.others(lookup)).enoughEvidence(s.others(lookup)) {
		t.Error("convicted for a 403 that came once")
	}
}

// An event's own calls are no other event's.
func TestTrial_ownCallsAreNoEvidence(t *testing.T) {
	pass, err := hold.New(hold.Config{Limit: 1}).Enter(t.Context(), "l")
	if err != nil {
		t.Fatal(err)
	}
	s := &retrier{sender: sender{dest: &Destination{}}, pass: pass}
	call := Call{Op: "GET /things", Lookup: true}
	for range 10 {
		if s.tried(call, judgement{verdict: passing}, s.others(call)).enoughEvidence(s.others(call)) {
			t.Fatal("convicted though no other event's call passed")
		}
		s.passed(call)
	}
}

func TestPolicy_delaysHaveJitter(t *testing.T) {
	p, seen := Policy{Initial: time.Second, Max: time.Minute}, make(map[time.Duration]bool)
	for range 50 {
		d := p.delay(3, 0)
		if seen[d] = true; d < 2*time.Second || d > 4*time.Second {
			t.Errorf("the third delay is %v, want 2s to 4s", d)
		}
	}
	if len(seen) < 40 {
		t.Errorf("%d different delays of 50", len(seen))
	}
}

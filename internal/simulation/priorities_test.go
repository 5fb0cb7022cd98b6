//go:build synctests

package simulation

import (
	"fmt"
	"hash/crc32"
	"strings"
	"testing"
	"time"

	"github.com/deskstream/deskstream/mapping"
)

// drawnPriorities has priorities by what an event holds: each lane has events of all.
type drawnPriorities struct{}

func (drawnPriorities) Of(_ *mapping.Reader, _ mapping.Decoder, value []byte, _ *mapping.RuleMark) mapping.Priority {
	return mapping.Priorities[crc32.ChecksumIEEE(value)%3]
}

func (drawnPriorities) OfCalls() mapping.Priority { return mapping.Normal }

// laneless has every fifth user low, and the others high.
type laneless struct{ drawnPriorities }

func (laneless) Of(_ *mapping.Reader, _ mapping.Decoder, value []byte, _ *mapping.RuleMark) mapping.Priority {
	_, rest, _ := strings.Cut(string(value), `"user`)
	var user int
	if _, err := fmt.Sscanf(rest[strings.IndexAny(rest, "0123456789"):], "%d", &user); err == nil && isLow(user) {
		return mapping.Low
	}
	return mapping.High
}

func isLow(user int) bool { return user%5 == 0 }

// Urgent events and others wait for more than the budget allows, at instances that come and go.
func TestPriorities_nothingStarvesAndTheUrgentGoFirst(t *testing.T) {
	for _, coalesce := range []bool{false, true} {
		t.Run(fmt.Sprint("coalesce ", coalesce), func(t *testing.T) { testPriorities(t, coalesce) })
	}
}

func testPriorities(t *testing.T, coalesce bool) {
	t.Helper()
	s := &script{
		Seed: 1, Coalesce: coalesce, Desk: "kustomer", Instances: 2, Users: 100, Until: 5 * time.Minute,
		InFlight: 8, LimitRecords: 10_000, LimitBytes: 1 << 22, LimitSpan: 10_000, CommitInterval: 5 * time.Second,
		MaxElapsed: time.Minute, BreakerOf: 20, Latency: 20 * time.Millisecond, Limit: 300, Priorities: laneless{},
		Steps: []step{
			{At: 1 * time.Minute, Kind: join},
			{At: 2 * time.Minute, Kind: leave},
			{At: 3 * time.Minute, Kind: kill},
		},
	}
	for i := range 2000 {
		// Two of three events of a user are identifies, which take two calls, and one call when they
		// go out with the identify before them: with coalescing there are still as many first ones.
		user, turn := i%s.Users, i/s.Users
		s.Records = append(s.Records, planned{User: user, Number: i, Partition: int32(user % partitions), Want: wantDelivered, Identify: turn%3 != 2})
	}
	r := runScript(t, s, slowLimit)
	r.checkPriorities()
	r.report(t)
}

// checkPriorities: while urgent events wait, the others have about a tenth of the events that are
// delivered, in any two minutes.
func (r *result) checkPriorities() {
	low := make(map[string]bool)
	for _, s := range r.journal.sources {
		low[s.mark] = isLow(s.User)
	}
	var writes []*call
	last := time.Duration(0) // when the last urgent event was written
	for _, c := range r.journal.calls {
		if !c.write || c.mark == "" {
			continue
		}
		writes = append(writes, c)
		if !low[c.mark] {
			last = max(last, c.begin.at)
		}
	}
	const window = 2 * time.Minute
	const alike = 4 * time.Minute // then an instance may have no urgent ones left while another has
	for from := time.Duration(0); from+window < last; from += window {
		n, all := 0, 0
		for _, c := range writes {
			if c.begin.at >= from && c.begin.at < from+window {
				all++
				if low[c.mark] {
					n++
				}
			}
		}
		if share := float64(n) / float64(max(all, 1)); all > 50 && (share < 0.04 || share > 0.25 && from < alike) {
			r.findings = append(r.findings, finding{ruleStarved, fmt.Sprintf("from %v on, %d of %d writes were of what is less urgent", from, n, all)})
		}
	}
}

// checkPlaces: with priorities an event holds a place while it makes a call. Half of the places may
// be on their way to one.
func (w *world) checkPlaces(in *instance) {
	if w.script.Priorities == nil || w.script.Limit == 0 {
		return
	}
	open := 0
	w.journal.mu.Lock()
	for _, c := range w.journal.calls {
		if c.instance == in.number && c.end.zero() {
			open++
		}
	}
	w.journal.mu.Unlock()
	if held := in.dest.Gate().InUse(); held > open+w.script.InFlight/2 {
		w.journal.find(rulePlace, fmt.Sprintf("instance %d: %d events hold places, %d calls are open", in.number, held, open))
	}
}

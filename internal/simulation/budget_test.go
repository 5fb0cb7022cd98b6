//go:build synctests

package simulation

import (
	"fmt"
	"testing"
	"time"
)

// reserve is the share of a help desk's limit that is left to others.
const reserve = 0.1

// Instances that come and go never call more often, all together and in any minute,
// than the limit less its reserve allows, and use what it allows.
func TestBudget_isNeverExceededInSumWhileInstancesComeAndGo(t *testing.T) {
	s := &script{
		Seed: 1, Desk: "kustomer", Instances: 1, Users: 100, Until: 9 * time.Minute,
		InFlight: 32, LimitRecords: 10_000, LimitBytes: 1 << 20, LimitSpan: 10_000, CommitInterval: 5 * time.Second,
		MaxElapsed: time.Minute, BreakerOf: 20, Latency: 20 * time.Millisecond, Limit: 300,
		Steps: []step{
			{At: 1 * time.Minute, Kind: join},
			{At: 2 * time.Minute, Kind: join},
			{At: 4 * time.Minute, Kind: leave},
			{At: 6 * time.Minute, Kind: restart},
			{At: 7 * time.Minute, Kind: kill},
		},
	}
	for i := range 2000 {
		s.Records = append(s.Records, planned{User: i % s.Users, Number: i, Partition: int32(i % s.Users % partitions), Want: wantDelivered})
	}
	r := runScript(t, s, slowLimit)
	r.checkBudget()
	t.Logf("%.1f%% of the budget used, %d calls in the busiest minute", 100*r.used, r.mostInAMinute)
	r.report(t)
}

// checkBudget: no minute sees more calls than the limit less its reserve, and nearly as
// many are made while there is work.
func (r *result) checkBudget() {
	usable := int(float64(r.script.Limit) * (1 - reserve))
	calls := r.journal.calls
	most, first := 0, 0
	for i, c := range calls {
		for calls[first].begin.at <= c.begin.at-time.Minute {
			first++
		}
		most = max(most, i-first+1)
	}
	if most > usable {
		r.findings = append(r.findings, finding{ruleBudget, fmt.Sprintf("a minute saw %d calls, want %d at most", most, usable)})
	}
	span := calls[len(calls)-1].begin.at - calls[0].begin.at
	share := float64(len(calls)) / (span.Minutes() * float64(usable))
	if share < 0.75 {
		r.findings = append(r.findings, finding{ruleShare, fmt.Sprintf("%.0f%% of the budget was used in %v with instances that came and went", 100*share, span)})
	}
	r.used, r.mostInAMinute = share, most
}

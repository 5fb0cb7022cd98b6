//go:build synctests

package simulation

import (
	"testing"
	"time"
)

// Identifies come in bursts, of which all but the first go out together, and instances die while they
// do. A fetch brings one of them, so the next owner has the first before it has those that went out
// with it.
func TestGroups_whoTakesOverSendsNoLessThanWentOut(t *testing.T) {
	for _, desk := range []string{"trengo", "kustomer"} {
		t.Run(desk, func(t *testing.T) {
			s := &script{
				Seed: 1, Coalesce: true, Batches: true, Desk: desk, Instances: 1, Users: 8, Until: 11 * time.Minute,
				InFlight: 8, LimitRecords: 10_000, LimitBytes: 1 << 22, LimitSpan: 10_000, CommitInterval: 5 * time.Second,
				MaxElapsed: time.Minute, BreakerOf: 20, Latency: time.Second,
			}
			const bursts, each = 10, 6
			for burst := range bursts {
				at := time.Duration(burst+1) * time.Minute
				for i := range s.Users * each {
					user := i % s.Users
					s.Records = append(s.Records, planned{
						At: at, User: user, Number: len(s.Records), Partition: int32(user % partitions), Want: wantDelivered, Identify: true,
					})
				}
				// While the writes for several are on their way, or just after they took effect.
				s.Steps = append(s.Steps, step{At: at + 1500*time.Millisecond + time.Duration(burst)*300*time.Millisecond, Kind: kill})
			}
			r := runScript(t, s, slowLimit)
			r.report(t)
		})
	}
}

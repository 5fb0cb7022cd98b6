//go:build synctests

package simulation

import (
	"cmp"
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
)

var outageFlag = flag.Duration("outage", 20*time.Second, "how long each outage of TestOutage lasts")

const (
	// outageFrom is when an outage begins, and the time that the load goes on after it.
	outageFrom = 20 * time.Second
	perSecond  = 20
	// breakerShare is that of every instance.
	breakerShare = 0.5
)

// outageRow is what an outage came to.
type outageRow struct {
	form, desk string
	events     int
	letters    int
	lost       int
	calls      int // during the outage
	// first is the time from the outage's end to the first accepted write, and caughtUp
	// to the outcome of the last event that was waiting then.
	first, caughtUp time.Duration
}

// TestOutage lets a gateway answer instead of the API, while events come: none is lost,
// none dies but for what a gateway that imitates the API costs, the oracle has nothing to
// say, and the destination is left alone but for probes.
func TestOutage(t *testing.T) {
	var mu sync.Mutex
	var rows []outageRow
	t.Run("forms", func(t *testing.T) {
		for _, g := range stub.Gateways() {
			for _, desk := range []string{stubtrengo.Name, stubkustomer.Name} {
				t.Run(g.Name+" "+desk, func(t *testing.T) {
					t.Parallel()
					s := outageScript(g, desk, *outageFlag)
					r := runScript(t, s, time.Minute+*outageFlag)
					r.report(t)
					row := r.outage()
					wantOutage(t, s, row)
					mu.Lock()
					defer mu.Unlock()
					rows = append(rows, row)
				})
			}
		}
	})
	slices.SortFunc(rows, func(a, b outageRow) int { return cmp.Or(cmp.Compare(a.form, b.form), -cmp.Compare(a.desk, b.desk)) })
	table := outageRows(*outageFlag, rows)
	t.Logf("\n%s", table)
	if *updateFlag && !t.Failed() {
		updateTable(t, outageTable, table)
	}
}

// outageScript has events before, during and after an outage, of 50 users and, once it has
// begun, of 100, so that some of its calls look up who is not known yet. What an event may
// spend on being tried again is less than the outage lasts.
func outageScript(g stub.Gateway, desk string, lasts time.Duration) *script {
	s := &script{
		Desk: desk, Instances: 1, Users: 100, Until: lasts + 2*outageFrom, Gateway: g,
		InFlight: 64, LimitRecords: 100_000, LimitSpan: 5_000_000, LimitBytes: 64 << 20,
		CommitInterval: time.Second, MaxElapsed: lasts / 2, BreakerOf: 100, Latency: 50 * time.Millisecond,
		Windows: []window{{Kind: gatewayAnswers, From: outageFrom, To: outageFrom + lasts, Share: 1}},
	}
	for i := range int(s.Until.Seconds()) * perSecond {
		at, user := time.Duration(i)*time.Second/perSecond, i*7%s.Users
		if at < outageFrom {
			user /= 2
		}
		s.Records = append(s.Records, planned{
			At: at, User: user, Number: i, Partition: int32(user % partitions),
			Identify: i%4 == 0, Want: wantDelivered,
		})
	}
	return s
}

// outage reads the row out of the journal.
func (r *result) outage() outageRow {
	end := r.script.Windows[0].To
	row := outageRow{form: r.script.Gateway.Name, desk: r.script.Desk, events: len(r.script.Records)}
	settled := make(map[place]time.Duration)
	for _, w := range r.journal.logged {
		if w.topic == lettersTopic {
			row.letters++
		} else if at, ok := settled[w.place()]; !ok || w.at < at {
			settled[w.place()] = w.at
		}
	}
	for _, c := range r.journal.calls {
		if c.fault == gatewayAnswers {
			row.calls++
		} else if c.write && c.usable && c.end.at >= end && (row.first == 0 || c.end.at-end < row.first) {
			row.first = c.end.at - end
		}
	}
	for _, s := range r.journal.sources {
		at, ok := settled[s.place()]
		if !ok {
			row.lost++
		} else if s.At < end {
			row.caughtUp = max(row.caughtUp, at-end)
		}
	}
	return row
}

func wantOutage(t *testing.T, s *script, row outageRow) {
	t.Helper()
	// Each event makes three calls at most: two to look somebody up, or one and its
	// redirect, and one to write. Those in flight when the outage begins find out, and then
	// one event at a time does, at 0.5, 1, 2, 4, 8 and 10 seconds and each 10 after.
	letters, events := 0, s.InFlight+6+int(*outageFlag/(10*time.Second))
	if s.Gateway.Imitates {
		letters = int(breakerShare * float64(s.BreakerOf))
		events += letters
	}
	if row.letters > letters || s.Gateway.Imitates && row.letters == 0 {
		t.Errorf("%d letters, want %d at most", row.letters, letters)
	}
	if row.lost > 0 {
		t.Errorf("%d events have no outcome", row.lost)
	}
	if row.calls == 0 || row.calls > 3*events {
		t.Errorf("%d calls during the outage, want some, and %d at most", row.calls, 3*events)
	}
	// The probe that is due, and what a lookup's redirect and its write take.
	if row.first == 0 || row.first > 11*time.Second {
		t.Errorf("the first write was accepted %v after the outage", row.first)
	}
}

func outageRows(lasts time.Duration, rows []outageRow) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Each outage lasted %v, with %d events a second of 100 users, and 20 s of them before and after.\n\n", lasts, perSecond)
	b.WriteString("| answer during the outage | destination | events | letters | lost | calls in the outage | first write accepted after | all that waited settled after |\n" +
		"| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %d | %d | %.1f s | %.1f s |\n",
			r.form, r.desk, r.events, r.letters, r.lost, r.calls, r.first.Seconds(), r.caughtUp.Seconds())
	}
	return b.String()
}

//go:build synctests || kafka

package service

import (
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/rulefmt"

	"github.com/deskstream/deskstream/internal/stub"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
)

// incidentAt is when an incident begins: a night has a healthy hour and a quarter before it.
const incidentAt = 75 * time.Minute

// incident is what happens in a night, and which alerts it has to fire.
type incident struct {
	name string
	// begin starts it, and end, if set, ends it after lasts.
	begin, end func(n *night)
	lasts      time.Duration
	// fires are the alerts, each with its labels. In all other minutes none fires.
	fires []string
}

var incidents = []incident{
	{
		name:  "a token is revoked",
		begin: func(n *night) { n.outage(http.StatusUnauthorized) },
		end:   func(n *night) { n.outage(0); n.renew("token-of-the-inbox-2") },
		lasts: 40 * time.Minute,
		fires: []string{
			"DeskstreamOnHold{destination=support-inbox,reason=http_401}", "DeskstreamLate{destination=support-inbox}",
			"DeskstreamIntakePaused{destination=support-inbox,limit=records}",
		},
	},
	{
		name:  "the vendor is down, and events keep coming",
		begin: func(n *night) { n.outage(http.StatusServiceUnavailable); n.rate.Store(4) },
		end:   func(n *night) { n.outage(0); n.rate.Store(1) },
		lasts: 40 * time.Minute,
		fires: []string{
			"DeskstreamOnHold{destination=support-inbox,reason=failing}", "DeskstreamLate{destination=support-inbox}",
			"DeskstreamIntakePaused{destination=support-inbox,limit=records}",
		},
	},
	{
		name: "a deploy sends broken and renamed events",
		begin: func(n *night) {
			n.sends(func(i int) string {
				switch i % 4 {
				case 0:
					return order(i, "track", "")
				case 1:
					return order(i, "trak", "Order Completed")
				case 2:
					return order(i, "track", "order_completed")
				}
				return usual(i)
			})
		},
		end:   func(n *night) { n.sends(usual) },
		lasts: 30 * time.Minute,
		fires: []string{
			"DeskstreamMoreDead{destination=support-inbox,outcome=dead}", "DeskstreamMoreDead{destination=crm,outcome=dead}",
			"DeskstreamMoreSkipped{destination=support-inbox,outcome=skipped}", "DeskstreamMoreSkipped{destination=crm,outcome=skipped}",
		},
	},
	{
		name: "a rule names a team that the desk does not have",
		begin: func(n *night) {
			n.sends(func(i int) string {
				if i%40 == 0 {
					return order(i, "track", "Vip Ordered")
				}
				return usual(i)
			})
		},
		end:   func(n *night) { n.sends(usual) },
		lasts: 10 * time.Minute,
		fires: []string{"DeskstreamDeadByConfiguration{class=invalid,code=unknown_name,destination=crm,fault=config}"},
	},
	{
		name: "a person holds a destination and forgets it",
		begin: func(n *night) {
			if err := n.service.pipelines[1].Destination.Gate().Halt(); err != nil {
				n.t.Error(err)
			}
		},
		lasts: 70 * time.Minute,
		fires: []string{
			"DeskstreamHeldByOperator{destination=crm}", "DeskstreamLate{destination=crm}", "DeskstreamIntakePaused{destination=crm,limit=records}",
		},
	},
	{
		name: "a credential's file goes",
		begin: func(n *night) {
			if err := os.Remove(n.token); err != nil {
				n.t.Error(err)
			}
		},
		end:   func(n *night) { n.renew("token-of-the-inbox") },
		lasts: 10 * time.Minute,
		fires: []string{"DeskstreamCredentialNotRead{destination=support-inbox}"},
	},
	{
		name:  "all instances stop",
		begin: func(n *night) { n.stop() },
		lasts: 10 * time.Minute,
		fires: []string{"DeskstreamAbsent{}"},
	},
}

// outage makes Trengo answer with a status, 0 for its own answers.
func (n *night) outage(status int) {
	desk := n.desks.Desk(stubtrengo.Name)
	if status == 0 {
		desk.SetOutage(nil)
		return
	}
	desk.SetOutage(func(stub.Call) int { return status })
}

// play plays a night to its end, and returns when that was.
func (n *night) play(in incident) (end time.Time) {
	n.until(incidentAt)
	in.begin(n)
	n.until(incidentAt + in.lasts)
	if in.end != nil {
		in.end(n)
	}
	n.until(incidentAt + in.lasts + 10*time.Minute)
	return n.now()
}

// judge prints the log and the alerts of a night, and fails the test unless the incident's fired, and
// none before it.
func (n *night) judge(t *testing.T, rules []rulefmt.Rule, in incident, end time.Time) {
	t.Helper()
	for _, l := range n.logged(0, end.Sub(n.began)) {
		t.Logf("%8v %-5v %s", l.at.Round(time.Second), l.level, l.text)
	}
	var got []string
	fired := n.series.evaluate(t, rules, n.began, end)
	if *updateNights {
		n.record(t, rules, fired, in, end)
	}
	for _, f := range fired {
		t.Logf("%8v ALERT %v", f.from, f)
		if f.from < incidentAt {
			t.Errorf("in the healthy hour %v fired", f)
		}
		name := f.alert + "{" + f.labels + "}"
		if slow := f.alert == "DeskstreamLate" || f.alert == "DeskstreamIntakePaused"; slow && n.faster() > 1 && !slices.Contains(in.fires, name) {
			continue // in real time a busy machine may itself be late
		}
		if !slices.Contains(got, name) {
			got = append(got, name)
		}
	}
	slices.Sort(got)
	want := slices.Sorted(slices.Values(in.fires))
	if !slices.Equal(got, want) {
		t.Errorf("fired: %v\nwant:  %v", got, want)
	}
}

package audit_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/audit"
	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

func TestAudit_stepsThatTookEffectTwiceAreFound(t *testing.T) {
	ticket := func(ids ...string) sink.Progress {
		var p sink.Progress
		for _, id := range ids {
			p.Steps = append(p.Steps, sink.StepRecord{StepInfo: sink.StepInfo{Name: "ticket"}, IDs: map[string]string{"ticket_id": id}})
		}
		return p
	}
	type entry struct {
		what   sink.Disposition
		offset int64
		round  int
		epoch  int32
		p      sink.Progress
	}
	for name, tt := range map[string]struct {
		entries []entry
		doubled []string
		open    int
	}{
		"announced and done": {entries: []entry{{topics.InProgress, 3, 0, 4, ticket()}, {sink.Delivered, 3, 0, 4, ticket("41")}}},
		"begun only":         {entries: []entry{{topics.InProgress, 3, 0, 4, ticket()}, {topics.InProgress, 3, 0, 4, ticket()}}, open: 1},
		"before the window":  {entries: []entry{{topics.InProgress, 1, 0, 4, ticket()}, {sink.Delivered, 1, 0, 4, ticket("41")}, {sink.Delivered, 1, 0, 4, ticket("42")}}},
		"the same twice":     {entries: []entry{{sink.Delivered, 3, 0, 4, ticket("41")}, {sink.Delivered, 3, 0, 4, ticket("41")}}},
		"twice": {
			entries: []entry{{sink.Delivered, 3, 0, 4, ticket("41")}, {sink.Delivered, 3, 0, 4, ticket("42")}},
			doubled: []string{"doubled: its step ticket took effect as ticket_id 41 and as ticket_id 42"},
		},
		"twice, in a later round": {
			entries: []entry{{sink.Dead, 3, 0, 4, ticket("41")}, {sink.Delivered, 3, 1, 4, ticket("42")}},
			doubled: []string{"doubled: its step ticket took effect as ticket_id 41 and as ticket_id 42"},
		},
		"of two events":               {entries: []entry{{sink.Delivered, 3, 0, 4, ticket("41")}, {sink.Delivered, 4, 0, 4, ticket("42")}}},
		"of two records of an offset": {entries: []entry{{sink.Delivered, 3, 0, 4, ticket("41")}, {sink.Delivered, 3, 0, 5, ticket("42")}}},
		"an apply has begun":          {entries: []entry{{sink.Dead, 3, 0, 4, ticket()}, {topics.InProgress, 3, 1, 4, ticket()}}, open: 1},
	} {
		t.Run(name, func(t *testing.T) {
			scope := audit.Scope{Group: "g", Destination: "crm", Topic: "events"}
			a := audit.New(map[string]topics.Origin{"events": now}, map[audit.Scope]journal.Span{scope: {From: 2, End: 4}})
			for _, e := range tt.entries {
				entry := &topics.LedgerEntry{
					Group: "g", Destination: "crm", Outcome: e.what, Round: e.round,
					Place: topics.Place{Origin: now, Topic: "events", Offset: e.offset, Epoch: e.epoch},
				}
				a.Progress(entry, e.p)
			}
			var doubled []string
			for _, f := range a.Findings {
				doubled = append(doubled, f.What)
			}
			if diff := cmp.Diff(tt.doubled, doubled); diff != "" || a.Doubled != len(tt.doubled) {
				t.Errorf("%d doubled; findings (-want +got):\n%s", a.Doubled, diff)
			}
			if open := a.Partitions()[0].Open; open != tt.open {
				t.Errorf("%d have begun, want %d", open, tt.open)
			}
			if !a.OK() {
				t.Error("a doubled step is an event that is not accounted for")
			}
			if said := strings.Contains(a.Text(false), "1 step took effect twice"); said != (len(tt.doubled) > 0) {
				t.Errorf("text:\n%s", a.Text(false))
			}
		})
	}
}

package audit_test

import (
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/audit"
	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/journal/journaltest"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

var (
	now, then, noIDs, day = journaltest.Now, journaltest.Then, journaltest.NoIDs, journaltest.Day
	outcome               = journaltest.Outcome
)

// audited is an audit of one record of offset 0, read at day.
func audited(t *testing.T, take func(a *audit.Audit), dead ...*letters.Letter) (*audit.Audit, audit.Partition) {
	t.Helper()
	scope := audit.Scope{Group: "g", Destination: "crm", Topic: "events"}
	a := audit.New(map[string]topics.Origin{"events": now}, map[audit.Scope]journal.Span{scope: {From: 0, End: 1}})
	take(a)
	for _, l := range dead {
		a.Letter(l)
	}
	a.Letters(time.Time{})
	for _, extent := range a.Gaps(nil) {
		if extent.Len() > 0 {
			a.Source(&kgo.Record{Topic: "events", Timestamp: day, LeaderEpoch: 4})
		}
	}
	return a, a.Partitions()[0]
}

func TestAudit_outcomesOfAnotherTopicCountForNothing(t *testing.T) {
	old := day.Add(-time.Hour)
	for name, tt := range map[string]struct {
		outcomes             []topics.Origin
		at                   time.Time
		delivered, duplicate int
		missing              int
	}{
		"the topic's own":              {[]topics.Origin{now}, day, 1, 0, 0},
		"its own, twice":               {[]topics.Origin{now, now}, day, 1, 1, 0},
		"of the earlier topic":         {[]topics.Origin{then}, day, 0, 0, 0}, // and nothing from which on to audit
		"of both":                      {[]topics.Origin{then, now}, day, 1, 0, 0},
		"without ids, its own":         {[]topics.Origin{noIDs}, day, 1, 0, 0},
		"without ids, of the earlier":  {[]topics.Origin{noIDs}, old, 0, 0, 1},
		"the earlier without, its own": {[]topics.Origin{noIDs, now}, old, 1, 0, 0},
		"its own without and with ids": {[]topics.Origin{noIDs, now}, day, 1, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			a, p := audited(t, func(a *audit.Audit) {
				for _, origin := range tt.outcomes {
					e, r := outcome(origin, tt.at, 0, sink.Delivered)
					if err := a.Take(e, day, func() (time.Time, error) { return topics.SourceTime(r) }); err != nil {
						t.Fatal(err)
					}
				}
			})
			if p.Delivered != tt.delivered || p.Duplicates != tt.duplicate || a.Missing != tt.missing || a.Conflicting != 0 {
				t.Errorf("%d delivered, %d duplicates, %d missing, %d conflicting; want %d, %d, %d and none",
					p.Delivered, p.Duplicates, a.Missing, a.Conflicting, tt.delivered, tt.duplicate, tt.missing)
			}
		})
	}
}

// The letter of an earlier topic's record is not that of the record that has its place now.
func TestAudit_aDeadEventNeedsALetterOfItsOwnTopic(t *testing.T) {
	letter := func(origin topics.Origin) *letters.Letter {
		return &letters.Letter{Dialect: letters.Own, Destination: "crm", Source: letters.Source{
			Place: letters.Place{Topic: "events"}, Known: true, Group: "g", Cluster: origin.Cluster, TopicID: origin.TopicID.String(),
		}}
	}
	for name, tt := range map[string]struct {
		letter  topics.Origin
		missing int
	}{"its own": {now, 0}, "without ids": {noIDs, 0}, "of the earlier topic": {then, 1}} {
		t.Run(name, func(t *testing.T) {
			a, _ := audited(t, func(a *audit.Audit) {
				e, _ := outcome(now, day, 0, sink.Dead)
				if err := a.Take(e, day, func() (time.Time, error) { return time.Time{}, errors.New("asked though the ids tell") }); err != nil {
					t.Fatal(err)
				}
			}, letter(tt.letter))
			if a.Missing != tt.missing {
				t.Errorf("%d missing, want %d: %+v", a.Missing, tt.missing, a.Findings)
			}
		})
	}
}

func TestAudit_anAppliedLetterNeedsTheOutcomeOfItsOwnRecord(t *testing.T) {
	old := day.Add(-time.Hour)
	four, five := int32(4), int32(5)
	for name, tt := range map[string]struct {
		outcome, state topics.Origin
		at             time.Time // the outcome's; the state's is day
		epoch          *int32
		missing        int
	}{
		"its own":                                 {now, now, day, nil, 0},
		"the state without ids":                   {now, noIDs, day, nil, 0},
		"of the earlier topic":                    {now, then, day, nil, 1},
		"its own epoch":                           {now, now, day, &four, 0},
		"of another epoch":                        {now, now, day, &five, 1},
		"the outcome without ids":                 {noIDs, now, day, nil, 0},
		"the outcome without ids, of the earlier": {noIDs, now, old, nil, 1},
		"no ids anywhere":                         {noIDs, noIDs, day, nil, 0},
		"no ids anywhere, of the earlier":         {noIDs, noIDs, old, nil, 1},
	} {
		a, _ := audited(t, func(a *audit.Audit) {
			e, r := outcome(tt.outcome, tt.at, 1, sink.Delivered)
			if err := a.Take(e, day, func() (time.Time, error) { return topics.SourceTime(r) }); err != nil {
				t.Fatal(err)
			}
		})
		a.Applied("g", &letters.State{
			ID: "x", Status: letters.Delivered, Round: 1, Destination: "crm", Source: &letters.Place{Topic: "events", Timestamp: day},
			Cluster: tt.state.Cluster, TopicID: tt.state.TopicID.String(), Epoch: tt.epoch,
		})
		if a.Missing != tt.missing {
			t.Errorf("%s: %d missing, want %d", name, a.Missing, tt.missing)
		}
	}
}

// Another program's letter can be of a topic that no destination here reads. It is applied all
// the same, and so its outcome counts.
func TestAudit_anAppliedLetterOfAnotherProgramsTopicHasItsOutcome(t *testing.T) {
	for name, tt := range map[string]struct {
		round   int
		group   string
		missing int
	}{
		"its own":          {1, "g", 0},
		"of a live event":  {0, "g", 1},
		"of another group": {1, "another", 1},
	} {
		a, p := audited(t, func(a *audit.Audit) {
			e, r := outcome(noIDs, day, tt.round, sink.Delivered)
			e.Topic, e.Group = "orders", tt.group
			if err := a.Take(e, day, func() (time.Time, error) { return topics.SourceTime(r) }); err != nil {
				t.Fatal(err)
			}
		})
		a.Applied("g", &letters.State{ID: "x", Status: letters.Delivered, Round: 1, Destination: "crm", Source: &letters.Place{Topic: "orders"}})
		if a.Missing != tt.missing || p.Reprocessed != 0 {
			t.Errorf("%s: %d missing, want %d; %d reprocessed in a topic that is audited", name, a.Missing, tt.missing, p.Reprocessed)
		}
	}
}

// A repeat of a delivered event finds nothing left to update and is skipped.
func TestAudit_onlyADeathContradictsAnotherOutcome(t *testing.T) {
	for name, tt := range map[string]struct {
		outcomes               []sink.Disposition
		duplicate, conflicting int
	}{
		"delivered, then skipped":            {[]sink.Disposition{sink.Delivered, sink.Skipped}, 1, 0},
		"skipped, then delivered":            {[]sink.Disposition{sink.Skipped, sink.Delivered}, 1, 0},
		"delivered, skipped and again":       {[]sink.Disposition{sink.Delivered, sink.Skipped, sink.Skipped}, 2, 0},
		"delivered, then dead":               {[]sink.Disposition{sink.Delivered, sink.Dead}, 0, 1},
		"dead, then skipped":                 {[]sink.Disposition{sink.Dead, sink.Skipped}, 0, 1},
		"delivered, skipped, then dead":      {[]sink.Disposition{sink.Delivered, sink.Skipped, sink.Dead}, 1, 1},
		"reported once, whatever comes next": {[]sink.Disposition{sink.Delivered, sink.Dead, sink.Skipped}, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			a, p := audited(t, func(a *audit.Audit) {
				for _, what := range tt.outcomes {
					e, r := outcome(now, day, 0, what)
					if err := a.Take(e, day, func() (time.Time, error) { return topics.SourceTime(r) }); err != nil {
						t.Fatal(err)
					}
				}
			}, &letters.Letter{})
			if p.Duplicates != tt.duplicate || a.Conflicting != tt.conflicting {
				t.Errorf("%d duplicates and %d conflicting, want %d and %d", p.Duplicates, a.Conflicting, tt.duplicate, tt.conflicting)
			}
		})
	}
}

func TestAudit_anAppliedLetterIsContradictedOnlyByADeath(t *testing.T) {
	for name, tt := range map[string]struct {
		status      letters.Status
		outcomes    []sink.Disposition
		conflicting int
	}{
		"repeated after a kill": {letters.Delivered, []sink.Disposition{sink.Delivered, sink.Skipped}, 0},
		"skipped alone":         {letters.Delivered, []sink.Disposition{sink.Skipped}, 1},
		"dead as well":          {letters.Delivered, []sink.Disposition{sink.Delivered, sink.Dead}, 1},
	} {
		a, _ := audited(t, func(a *audit.Audit) {
			for _, what := range tt.outcomes {
				e, r := outcome(now, day, 1, what)
				if err := a.Take(e, day, func() (time.Time, error) { return topics.SourceTime(r) }); err != nil {
					t.Fatal(err)
				}
			}
		})
		a.Applied("g", &letters.State{
			ID: "x", Status: tt.status, Round: 1, Destination: "crm", Source: &letters.Place{Topic: "events", Timestamp: day},
			Cluster: now.Cluster, TopicID: now.TopicID.String(),
		})
		if a.Conflicting != tt.conflicting {
			t.Errorf("%s: %d conflicting, want %d: %+v", name, a.Conflicting, tt.conflicting, a.Findings)
		}
	}
}

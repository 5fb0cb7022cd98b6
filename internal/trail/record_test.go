package trail_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/scan"
	"github.com/deskstream/deskstream/internal/trail"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

var (
	now   = topics.Origin{Cluster: "c", TopicID: topics.TopicID{1}}
	then  = topics.Origin{Cluster: "c", TopicID: topics.TopicID{2}} // of the topic that was deleted
	noIDs = topics.Origin{}
	day   = time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC)
)

// outcome is an outcome of offset 0, with the source timestamp at, which may be zero.
func outcome(origin topics.Origin, at time.Time, round int, what sink.Disposition) (*topics.LedgerEntry, *kgo.Record) {
	e := &topics.LedgerEntry{
		Group: "g", Destination: "crm", Outcome: what, Round: round,
		Place: topics.Place{Origin: origin, Topic: "events", Epoch: 4},
	}
	return e, &kgo.Record{Value: fmt.Appendf(nil, `{"source":{"topic":"events","timestamp":%q}}`, sink.Time{Time: at})}
}

func TestRecord_isKnownByItsIDsAndElseByItsTimestamp(t *testing.T) {
	for name, tt := range map[string]struct {
		record  topics.Origin // its timestamp is day
		outcome topics.Origin
		at      time.Time
		want    bool
	}{
		"the same topic":                         {now, now, day, true},
		"the same topic, whatever the timestamp": {now, now, day.Add(time.Hour), true},
		"another topic":                          {now, then, day, false},
		"another cluster":                        {now, topics.Origin{Cluster: "d"}, day, false},
		"no ids, the same timestamp":             {now, noIDs, day, true},
		"no ids, another timestamp":              {now, noIDs, day.Add(time.Millisecond), false},
		"no ids, unknown timestamp":              {now, noIDs, time.UnixMilli(-1), true},
		"ids in the outcome alone, another time": {noIDs, now, day.Add(-time.Hour), false},
		"no ids anywhere, the same timestamp":    {noIDs, noIDs, day, true},
	} {
		t.Run(name, func(t *testing.T) {
			record := trail.RecordOf(&kgo.Record{Topic: "events", LeaderEpoch: 4, Timestamp: day}, tt.record)
			e, r := outcome(tt.outcome, tt.at, 0, sink.Delivered)
			if got, err := record.SettledBy(e, r); got != tt.want || err != nil {
				t.Errorf("settled %v, %v; want %v", got, err, tt.want)
			}
			other := trail.Record{Place: e.Place, Timestamp: sink.KnownTime(tt.at)}
			if record.Is(other) != tt.want || other.Is(record) != tt.want {
				t.Errorf("the same record: %v and %v, want %v", record.Is(other), other.Is(record), tt.want)
			}
			e.Epoch = 5 // of a record that was truncated
			if got, _ := record.SettledBy(e, r); got {
				t.Error("settled by the outcome of another leader epoch")
			}
		})
	}
}

// audited is an audit of one record of offset 0, read at day.
func audited(t *testing.T, take func(a *trail.Audit), dead ...*letters.Letter) (*trail.Audit, trail.Partition) {
	t.Helper()
	scope := trail.Scope{Group: "g", Destination: "crm", Topic: "events"}
	a := trail.NewAudit(map[string]topics.Origin{"events": now}, map[trail.Scope]scan.Span{scope: {From: 0, End: 1}})
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
			a, p := audited(t, func(a *trail.Audit) {
				for _, origin := range tt.outcomes {
					e, r := outcome(origin, tt.at, 0, sink.Delivered)
					if err := a.Take(e, day, func() (time.Time, error) { return trail.SourceTime(r) }); err != nil {
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
			a, _ := audited(t, func(a *trail.Audit) {
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
	for name, tt := range map[string]struct {
		state   topics.Origin
		missing int
	}{"its own": {now, 0}, "without ids": {noIDs, 0}, "of the earlier topic": {then, 1}} {
		a, _ := audited(t, func(a *trail.Audit) {
			e, _ := outcome(now, day, 1, sink.Delivered)
			if err := a.Take(e, day, nil); err != nil {
				t.Fatal(err)
			}
		})
		a.Applied("g", &letters.State{
			ID: "x", Status: letters.Delivered, Round: 1, Destination: "crm", Source: &letters.Place{Topic: "events"},
			Cluster: tt.state.Cluster, TopicID: tt.state.TopicID.String(),
		})
		if a.Missing != tt.missing {
			t.Errorf("%s: %d missing, want %d", name, a.Missing, tt.missing)
		}
	}
}

package audit_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/deskstream/deskstream/internal/audit"
	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/journal/journaltest"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hours writes n events to partition 0 of the source, the i-th i hours after Day, all of which
// crm has committed.
func hours(t *testing.T, n int) (*journaltest.Deployment, []*kgo.Record) {
	t.Helper()
	d := journaltest.NewDeployment(t, "http://127.0.0.1:1", "")
	var records []*kgo.Record
	for i := range n {
		records = append(records, d.Event(0, fmt.Sprintf("m-%d", i), "u"))
	}
	d.Commit("crm", 0, int64(n))
	return d, records
}

// run audits and returns what was found in partition 0 for crm.
func run(t *testing.T, d *journaltest.Deployment, o audit.Options) (*audit.Audit, audit.Partition) {
	t.Helper()
	o.Options = d.Options()
	a, err := audit.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	list := a.Partitions()
	at := slices.IndexFunc(list, func(p audit.Partition) bool { return p.Destination == "crm" && p.Partition == 0 })
	return a, list[at]
}

// findings are those of an audit in short: offset, round and kind.
func findings(a *audit.Audit) []string {
	var list []string
	for _, f := range a.Findings {
		what, _, _ := strings.Cut(f.What, ":")
		list = append(list, fmt.Sprintf("%s %d round %d %s", f.Destination, f.Offset, f.Round, what))
	}
	slices.Sort(list)
	return list
}

func TestRun_auditsEachDestinationUpToWhatItsGroupHasCommitted(t *testing.T) {
	d, events := hours(t, 4)
	d.Commit("crm", 0, 3)
	for _, r := range events[:3] {
		d.Settle(r, "crm", 0, sink.Delivered)
	}
	a, p := run(t, d, audit.Options{})
	if p.From != 0 || p.End != 3 || p.Delivered != 3 || !a.OK() {
		t.Errorf("offsets %d to %d, %d delivered, findings %v, want 0 to 3, 3 and none", p.From, p.End, p.Delivered, findings(a))
	}
	for _, p := range a.Partitions() {
		if p.Destination == "inbox" && p.From != p.End {
			t.Errorf("a destination that has committed nothing is audited: %+v", p)
		}
	}
}

func TestRun_findsWhatIsMissingAndWhatDiffers(t *testing.T) {
	d, events := hours(t, 5)
	d.Settle(events[0], "crm", 0, sink.Delivered)
	d.Settle(events[1], "inbox", 0, sink.Delivered) // says nothing of crm
	d.Settle(events[2], "crm", 0, sink.Dead)
	d.Settle(events[2], "crm", 0, sink.Delivered)
	id := d.Settle(events[3], "crm", 0, sink.Dead)
	d.State(state(d, id, events[3], letters.Delivered))
	d.Settle(events[4], "crm", 0, sink.Skipped)
	a, p := run(t, d, audit.Options{})
	if diff := cmp.Diff([]string{"crm 1 round 0 missing", "crm 2 round 0 conflicting", "crm 3 round 1 missing"}, findings(a)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if a.OK() || a.Missing != 2 || a.Conflicting != 1 || p.Skipped != 1 || p.Dead != 1 {
		t.Errorf("%d missing, %d conflicting, %+v", a.Missing, a.Conflicting, p)
	}
	d.Settle(events[3], "crm", 1, sink.Delivered)
	if a, p := run(t, d, audit.Options{}); slices.Contains(findings(a), "crm 3 round 1 missing") || p.Reprocessed != 1 {
		t.Errorf("with the outcome of round 1: %v, %+v", findings(a), p)
	}
}

// An outcome without ids whose value is none settles nothing, and does not stop the audit.
func TestRun_goesOnAfterAnOutcomeThatCannotBeRead(t *testing.T) {
	d, events := hours(t, 2)
	for _, r := range events {
		d.Settle(r, "crm", 0, sink.Delivered)
	}
	d.WriteBroken(t, func(header string) bool { return header != "deskstream.source.topic_id" })
	a, p := run(t, d, audit.Options{})
	if p.Delivered != 2 || p.Duplicates != 0 || !a.OK() || len(d.Notes.Having("1 record of "+journaltest.Responses)) != 1 {
		t.Errorf("%+v, findings %v, notes %q", p, findings(a), d.Notes.Having(""))
	}
}

// state is the state of a letter of crm that was applied once.
func state(d *journaltest.Deployment, id string, source *kgo.Record, status letters.Status) letters.State {
	return letters.State{
		ID: id, Status: status, Round: 1, At: source.Timestamp, Destination: "crm",
		Source:  &letters.Place{Topic: source.Topic, Partition: source.Partition, Offset: source.Offset, Timestamp: source.Timestamp},
		Cluster: d.Origin.Cluster, TopicID: d.Origin.TopicID.String(),
	}
}

// A group that began later owes nothing for the events before.
func TestRun_beginsWhereTheGroupsOutcomesBegin(t *testing.T) {
	d, events := hours(t, 5)
	for _, i := range []int{3, 2, 4} {
		d.Settle(events[i], "crm", 0, sink.Delivered)
	}
	a, p := run(t, d, audit.Options{})
	if p.From != 2 || p.End != 5 || !a.OK() {
		t.Errorf("offsets %d to %d, findings %v, want 2 to 5 and none", p.From, p.End, findings(a))
	}
}

func TestRun_sinceAndUntilLimitTheEvents(t *testing.T) {
	d, events := hours(t, 5)
	d.Settle(events[0], "crm", 0, sink.Delivered)
	hour := func(n int) time.Time { return journaltest.Day.Add(time.Duration(n) * time.Hour) }
	for name, tt := range map[string]struct {
		since, until time.Time
		want         []string
	}{
		"all":            {time.Time{}, time.Time{}, []string{"crm 1 round 0 missing", "crm 2 round 0 missing", "crm 3 round 0 missing", "crm 4 round 0 missing"}},
		"until":          {time.Time{}, hour(2), []string{"crm 1 round 0 missing"}},
		"since":          {hour(3), time.Time{}, []string{"crm 3 round 0 missing", "crm 4 round 0 missing"}},
		"both":           {hour(2), hour(3), []string{"crm 2 round 0 missing"}},
		"since the end":  {hour(9), time.Time{}, nil},
		"until before":   {time.Time{}, hour(-1), nil},
		"until at since": {hour(2), hour(2), nil},
	} {
		a, _ := run(t, d, audit.Options{Since: tt.since, Until: tt.until})
		if diff := cmp.Diff(tt.want, findings(a)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A state counts in the times that are audited, and only one that promises an outcome.
func TestRun_appliedLettersOfOtherTimesAndOtherDestinationsAreNotAudited(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*letters.State)
		want   int
	}{
		"delivered":                    {func(*letters.State) {}, 1},
		"of no destination":            {func(s *letters.State) { s.Destination = "gone" }, 0},
		"discarded":                    {func(s *letters.State) { s.Status = letters.Discarded }, 0},
		"still being sent":             {func(s *letters.State) { s.Status = letters.Sending }, 0},
		"without a round":              {func(s *letters.State) { s.Round = 0 }, 0},
		"without a source":             {func(s *letters.State) { s.Source = nil }, 0},
		"before the time":              {func(s *letters.State) { s.At = journaltest.Day.Add(-time.Hour) }, 0},
		"at the end of the time":       {func(s *letters.State) { s.At = journaltest.Day.Add(time.Hour) }, 0},
		"a moment before the time end": {func(s *letters.State) { s.At = journaltest.Day.Add(time.Hour - 1) }, 1},
	} {
		d, events := hours(t, 1)
		s := state(d, d.Settle(events[0], "crm", 0, sink.Dead), events[0], letters.Delivered)
		tt.change(&s)
		d.State(s)
		a, _ := run(t, d, audit.Options{Since: journaltest.Day, Until: journaltest.Day.Add(time.Hour)})
		if a.Missing != tt.want {
			t.Errorf("%s: %d missing, want %d: %v", name, a.Missing, tt.want, findings(a))
		}
	}
}

// Outcomes that have expired say nothing of the events that they were of.
func TestRun_doesNotAuditEventsWhoseOutcomesMayHaveExpired(t *testing.T) {
	d, events := hours(t, 5)
	for _, r := range events[:4] {
		d.Settle(r, "crm", 0, sink.Delivered)
	}
	d.Expire(journaltest.Responses, 0, 2) // those of the first two; the third was written now, the events are old
	a, p := run(t, d, audit.Options{})
	if !a.OK() || p.From != p.End {
		t.Errorf("offsets %d to %d, findings %v: the first outcome that is kept is younger than all events", p.From, p.End, findings(a))
	}
	if notes := d.Notes.Having("the first outcomes of events.responses have expired"); len(notes) != 1 {
		t.Errorf("notes %q", notes)
	}
	young := &kgo.Record{Topic: journaltest.Events, Value: events[0].Value, Timestamp: time.Now().Add(time.Hour)}
	d.Write(young)
	d.Commit("crm", 0, 6)
	if a, _ := run(t, d, audit.Options{}); !slices.Equal(findings(a), []string{"crm 5 round 0 missing"}) {
		t.Errorf("with an event since then: %v", findings(a))
	}
}

func TestRun_aDeadEventWhoseLetterMayHaveExpiredMissesNone(t *testing.T) {
	d, events := hours(t, 2)
	for _, r := range events {
		d.Settle(r, "crm", 0, sink.Dead)
	}
	d.Expire(journaltest.DeadLetters, 0, 1)
	if a, p := run(t, d, audit.Options{}); !a.OK() || p.Dead != 2 {
		t.Errorf("%d dead, findings %v", p.Dead, findings(a))
	}
	d.Expire(journaltest.DeadLetters, 0, 2)
	if a, _ := run(t, d, audit.Options{}); !a.OK() {
		t.Errorf("without any letter left: %v", findings(a))
	}
}

func TestRun_withoutATopicOfOutcomesThereIsNothingToAudit(t *testing.T) {
	d, _ := hours(t, 1)
	d.Config.Responses.Topic = "nowhere"
	if _, err := audit.Run(t.Context(), audit.Options{Options: d.Options()}); !errors.Is(err, journal.ErrMissing) {
		t.Errorf("error %v, want %v", err, journal.ErrMissing)
	}
}

// one is the scope of the tests without topics.
var one = audit.Scope{Group: "g", Destination: "crm", Topic: "events"}

// settled is an audit of the offsets below n, of which some are delivered.
func settled(t *testing.T, n int64, offsets ...int64) *audit.Audit {
	t.Helper()
	a := audit.New(map[string]topics.Origin{"events": now}, map[audit.Scope]journal.Span{one: {From: 0, End: n}})
	for _, offset := range offsets {
		e, _ := outcome(now, day, 0, sink.Delivered)
		e.Offset = offset
		if err := a.Take(e, day, func() (time.Time, error) { return day, nil }); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

func TestGaps_includeEveryOffsetWithoutAnOutcome(t *testing.T) {
	for name, tt := range map[string]struct {
		settled []int64
		floor   int64
		want    journal.Span
	}{
		"none":                    {[]int64{0, 1, 2, 3}, 0, journal.Span{}},
		"in the midst":            {[]int64{0, 3}, 0, journal.Span{From: 1, End: 3}},
		"at the end":              {[]int64{0, 1}, 0, journal.Span{From: 2, End: 4}},
		"before the first":        {[]int64{2, 3}, 0, journal.Span{}},
		"above the floor":         {[]int64{0}, 2, journal.Span{From: 2, End: 4}},
		"with the floor at a gap": {[]int64{0, 3}, 1, journal.Span{From: 1, End: 3}},
		"no outcome at all":       {nil, 0, journal.Span{}},
	} {
		a := settled(t, 4, tt.settled...)
		var got journal.Span
		for _, extent := range a.Gaps(map[string]map[int32]int64{"events": {0: tt.floor}}) {
			got = extent.Spans[0]
		}
		if got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}

// An offset can lie in the gaps of one group and be settled for another, or before its begin.
func TestSource_recordsAreOwedToTheGroupsThatLackTheirOutcome(t *testing.T) {
	other := one
	other.Group, other.Destination = "h", "inbox"
	for range 10 { // the order of the groups is that of a map
		a := audit.New(map[string]topics.Origin{"events": now}, map[audit.Scope]journal.Span{one: {From: 0, End: 4}, other: {From: 0, End: 3}})
		for _, o := range []struct {
			scope  audit.Scope
			offset int64
		}{{one, 1}, {one, 2}, {other, 0}} {
			e, _ := outcome(now, day, 0, sink.Delivered)
			e.Group, e.Destination, e.Offset = o.scope.Group, o.scope.Destination, o.offset
			if err := a.Take(e, day, func() (time.Time, error) { return day, nil }); err != nil {
				t.Fatal(err)
			}
		}
		want := []journal.Extent{{Topic: "events", Spans: map[int32]journal.Span{0: {From: 1, End: 4}}}}
		if diff := cmp.Diff(want, a.Gaps(nil)); diff != "" {
			t.Fatalf("gaps (-want +got):\n%s", diff)
		}
		for offset := range int64(5) { // the last one is not audited
			a.Source(&kgo.Record{Topic: "events", Offset: offset, Timestamp: day})
		}
		a.Source(&kgo.Record{Topic: "events", Partition: 1, Offset: 1, Timestamp: day})
		owed := []string{"crm 3 round 0 missing", "inbox 1 round 0 missing", "inbox 2 round 0 missing"}
		if diff := cmp.Diff(owed, findings(a)); diff != "" {
			t.Fatalf("findings (-want +got):\n%s", diff)
		}
	}
}

func TestTake_outcomesBesideTheWindowCountForNothing(t *testing.T) {
	a := audit.New(map[string]topics.Origin{"events": now}, map[audit.Scope]journal.Span{one: {From: 2, End: 4}})
	for _, o := range []struct {
		offset int64
		what   sink.Disposition
	}{{1, sink.Delivered}, {1, sink.Delivered}, {1, sink.Dead}, {2, sink.Delivered}, {3, sink.Skipped}, {4, sink.Delivered}, {4, sink.Delivered}, {4, sink.Dead}} {
		e, _ := outcome(now, day, 0, o.what)
		e.Offset = o.offset
		if err := a.Take(e, day, func() (time.Time, error) { return day, nil }); err != nil {
			t.Fatal(err)
		}
	}
	a.Letters(time.Time{})
	a.Gaps(nil)
	p := a.Partitions()[0]
	if !a.OK() || p.Duplicates != 0 || p.Delivered != 1 || p.Skipped != 1 || p.Dead != 0 {
		t.Errorf("%+v, findings %v, want one delivered, one skipped and no more", p, findings(a))
	}
}

func TestText_listsFindingsUpToALimitAndCountsAll(t *testing.T) {
	a := settled(t, 1500, 0)
	a.Gaps(nil)
	for offset := range int64(1500) {
		a.Source(&kgo.Record{Topic: "events", Offset: offset, Timestamp: day})
	}
	text := a.Text(false)
	if n := strings.Count(text, "missing: "); n != 1000 || len(a.Findings) != 1000 || a.Missing != 1499 {
		t.Errorf("%d listed of %d, %d missing, want 1000, 1000 and 1499", n, len(a.Findings), a.Missing)
	}
	for _, want := range []string{
		"crm (group g)\n  events/0  offsets 0 to 1499  1 delivered, ", "events/0/1 at crm, round 0: missing: ", "and 499 more\n",
		"1 outcomes: 1 delivered, 0 skipped, 0 dead; 0 duplicates, 1499 missing, 0 conflicting\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the text lacks %q: %.300s", want, text)
		}
	}
	if text := settled(t, 0).Text(false); !strings.Contains(text, "events/0  nothing to audit") {
		t.Errorf("text of an empty audit:\n%s", text)
	}
}

// An event whose call is open when its process dies is neither missing nor forgotten.
func TestRun_countsEventsThatHaveBegun(t *testing.T) {
	d, records := hours(t, 2)
	d.Settle(records[0], "crm", 0, sink.Delivered)
	d.Settle(records[1], "crm", 0, sink.Delivered)
	begun := d.Event(0, "m-2", "u")
	announced := &sink.Progress{Next: &sink.Announcement{Step: "ticket"}}
	d.Progress(records[1], "crm", 0, announced)
	d.Progress(begun, "crm", 0, announced)
	d.Progress(begun, "inbox", 0, announced)
	if a, p := run(t, d, audit.Options{}); p.Open != 1 || !a.OK() {
		t.Errorf("%d have begun, want the last one alone; findings %v", p.Open, findings(a))
	}
}

package topics_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

func progressEntry() topics.Entry {
	return topics.Entry{
		Source: &kgo.Record{Topic: "events", Partition: 7, Offset: 118, LeaderEpoch: 4},
		Origin: topics.Origin{Cluster: "cluster-1", TopicID: topics.TopicID{1}}, Lane: "user-7",
		Progress: &sink.Progress{
			Claim: 40, Steps: []sink.StepRecord{{StepInfo: sink.StepInfo{Name: "a", State: sink.StepDone}, IDs: map[string]string{"ticket_id": "42"}}},
			Next: &sink.Announcement{Step: "b", Mark: sink.Mark{"floor": "41"}, At: sink.Time{Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}},
		},
		Partitions: func() (int32, int32) { return 3, 2 },
	}
}

// single returns the one record that write produces.
func (b *bench) single(t *testing.T, write func(context.Context, topics.Entry, func(int64, error))) *kgo.Record {
	t.Helper()
	done := make(chan error, 1)
	write(t.Context(), progressEntry(), func(_ int64, err error) { done <- err })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	records := b.Consume(t, responses)
	if len(records) != 1 {
		t.Fatalf("%d records, want one", len(records))
	}
	return records[0]
}

func TestProgress_isReadAsItWasWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		r := b.single(t, b.writer.WriteProgress)
		if string(r.Key) != "user-7" || r.Value != nil || r.Partition != 7%3 {
			t.Errorf("key %q, value %q, partition %d; want the lane, none, and 1", r.Key, r.Value, r.Partition)
		}
		got, ok := topics.ParseProgress(r)
		if diff := cmp.Diff(*progressEntry().Progress, got); !ok || diff != "" {
			t.Errorf("read %v (-want +got):\n%s", ok, diff)
		}
		var reader topics.EntryReader
		entry, ok := reader.Read(r)
		want := topics.LedgerEntry{
			Group: "deskstream.crm", Destination: "crm", Outcome: topics.InProgress,
			Place: topics.Place{Origin: progressEntry().Origin, Topic: "events", Partition: 7, Offset: 118, Epoch: 4},
		}
		if diff := cmp.Diff(want, entry); !ok || diff != "" {
			t.Errorf("entry %v (-want +got):\n%s", ok, diff)
		}
		wantNoOutcome(t, r)
	})
}

// What makes the header too long is left out as far as it may be taken again.
func TestProgress_aLongOneKeepsWhatMayNotBeRepeated(t *testing.T) {
	step := func(name string, repeatable bool) sink.StepRecord {
		return sink.StepRecord{StepInfo: sink.StepInfo{Name: name, State: sink.StepDone}, IDs: map[string]string{"id": "42"}, Repeatable: repeatable}
	}
	for n, whole := range map[int]bool{10: true, 90: true, 120: false, 1000: false} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, nil)
			e := progressEntry()
			want := []sink.StepRecord{step("ticket", false)}
			e.Progress.Steps = slices.Clone(want)
			for i := range n {
				e.Progress.Steps = append(e.Progress.Steps, step(fmt.Sprintf("label:%03d", i), true))
			}
			e.Progress.Steps, want = append(e.Progress.Steps, step("note", false)), append(want, step("note", false))
			if whole {
				want = e.Progress.Steps
			}
			done := make(chan error, 1)
			b.writer.WriteProgress(t.Context(), e, func(_ int64, err error) { done <- err })
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			r := b.Consume(t, responses)[0]
			got, ok := topics.ParseProgress(r)
			if diff := cmp.Diff(want, got.Steps); !ok || diff != "" || got.Next == nil {
				t.Errorf("with %d steps: read %v, next %v (-want +got):\n%s", n, ok, got.Next, diff)
			}
			for _, h := range r.Headers {
				if len(h.Value) > 8<<10 {
					t.Errorf("with %d steps: header %s has %d bytes", n, h.Key, len(h.Value))
				}
			}
		})
	}
}

func TestClaim_namesThePartitionAndIsNoOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		r := b.single(t, b.writer.WriteClaim)
		var reader topics.EntryReader
		entry, ok := reader.Read(r)
		if !ok || entry.Outcome != topics.Claimed || entry.Topic != "events" || entry.Partition != 7 || r.Value != nil || r.Key != nil || r.Partition != 1 {
			t.Errorf("read %v: %+v, key %q, value %q, partition %d", ok, entry, r.Key, r.Value, r.Partition)
		}
		if _, ok := topics.ParseProgress(r); ok {
			t.Error("a claim has a progress")
		}
		wantNoOutcome(t, r)
	})
}

// wantNoOutcome fails the test if readers of outcomes take a record.
func wantNoOutcome(t *testing.T, r *kgo.Record) {
	t.Helper()
	if entry, ok := topics.ParseEntry(r); ok {
		t.Errorf("it is read as an outcome: %+v", entry)
	}
	if !topics.IsForOwners(r) {
		t.Error("it is not told from an outcome")
	}
}

func TestIsForOwners_takesNoOutcomeAndNothingForeign(t *testing.T) {
	for _, value := range []string{"delivered", "skipped", "dead", "Progress", ""} {
		if topics.IsForOwners(&kgo.Record{Headers: headers("deskstream.outcome", value)}) {
			t.Errorf("%q is taken for a record of an owner", value)
		}
	}
	if topics.IsForOwners(&kgo.Record{}) {
		t.Error("a record without headers is taken for one of an owner")
	}
}

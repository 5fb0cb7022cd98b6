package processor

import (
	"slices"
	"testing"
	"time"

	"github.com/deskstream/deskstream/sink/topics"
)

// The parts lie in the partition, are no more than their limit together, and have its end. Of
// a partition that is no longer than that they have all.
func TestLookPart_readsNoMoreThanItsLimit(t *testing.T) {
	for _, length := range []int64{0, 1, lookRecords, lookParts * lookRecords, lookParts*lookRecords + 1, 100_000, 1 << 40} {
		for _, shift := range []float64{0, 0.5, 0.999} {
			whole := beginning{from: 77, end: 77 + length}
			total := int64(0)
			for i := range lookParts {
				from, end := lookPart(whole, i, shift)
				if from < whole.from || end > whole.end || from > end {
					t.Errorf("part %d of %+v, shifted by %v, is %d to %d", i, whole, shift, from, end)
				}
				if i == 0 && end != whole.end {
					t.Errorf("the first part of %+v ends at %d", whole, end)
				}
				total += end - from
			}
			if want := min(length, lookParts*lookRecords); total != want {
				t.Errorf("%d of %+v are read, want %d", total, whole, want)
			}
		}
	}
}

func TestRedeliveryLook_namesTheSameWhateverIsReadFirst(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	signs := []*RedeliveryError{
		{Partition: 2, Offset: 9, written: now, Outcome: topics.LedgerEntry{Group: "g"}},
		{Partition: 1, Offset: 5, written: now, Outcome: topics.LedgerEntry{Group: "g"}},
		{Partition: 1, Offset: 6, written: now, Outcome: topics.LedgerEntry{Group: "g"}}, // this one
		{Partition: 0, Offset: 7, written: now.Add(-time.Second), Outcome: topics.LedgerEntry{Group: "g"}},
		{Partition: 0, Offset: 8, written: now.Add(time.Second), Outcome: topics.LedgerEntry{Group: "other"}},
	}
	for first := range signs {
		look := redeliveryLook{cfg: &Config{Group: "g"}, found: signs[first]}
		for _, sign := range slices.Concat(signs[first:], signs[:first]) {
			if look.better(sign) {
				look.found = sign
			}
		}
		if look.found != signs[2] {
			t.Errorf("read from %d on, partition %d and offset %d are named, want 1 and 6", first, look.found.Partition, look.found.Offset)
		}
	}
}

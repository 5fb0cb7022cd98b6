package processor

import "testing"

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

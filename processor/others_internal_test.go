package processor

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOthers_readsWhatIsLeft(t *testing.T) {
	type offsets = map[int32]int64
	got := (&others{}).spansOf(
		offsets{0: 5, 1: 5, 2: 81, 3: 9, 5: 3, 6: 7},
		offsets{0: 0, 1: 0, 2: 82, 3: 1, 4: 2, 5: 4, 6: 0},
		offsets{0: 9, 1: 5, 2: 82, 3: 4, 4: 6, 5: 9, 6: 7})
	want := offsets{
		0: 5, // what is new
		3: 1, // of a topic that was recreated
		4: 2, // of a partition that was added
		5: 4, // what was not deleted
	}
	if diff := cmp.Diff(want, got.from); diff != "" {
		t.Errorf("read from (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(offsets{0: 9, 3: 4, 4: 6, 5: 9}, got.end); diff != "" {
		t.Errorf("read to (-want +got):\n%s", diff)
	}
}

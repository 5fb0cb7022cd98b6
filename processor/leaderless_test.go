//go:build synctests

package processor_test

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A partition of the responses topic whose broker is away for hours holds up those that have
// their outcomes there, and nobody else.
func TestClaim_aResponsesPartitionWithoutALeaderHoldsUpOnlyItsOwn(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		for p, user := range []string{"u", "v", "x", "y"} {
			w.sendUser(int32(p), user, 1, 3)
		}
		away := w.kafka.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: responses, Partitions: []int32{1},
			Err: kerr.LeaderNotAvailable, Count: -1,
		})
		in := w.start()
		time.Sleep(10 * time.Minute)
		if got := in.Figures().Delivered; got != 9 || len(w.desk.of("v")) != 0 {
			t.Errorf("%d events delivered, %d of the partition that waits; want the 9 of the others", got, len(w.desk.of("v")))
		}
		away.Remove()
		w.settledAll()
		in.check()
		if got := len(w.desk.ids()); got != 12 {
			t.Errorf("%d calls for 12 events", got)
		}
		in.stop()

		// After a stop the same, with a ledger to read.
		for p, user := range []string{"u", "v", "x", "y"} {
			w.sendUser(int32(p), user, 4, 5)
		}
		away = w.kafka.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: responses, Partitions: []int32{0},
			Err: kerr.LeaderNotAvailable, Count: -1,
		})
		again := w.start()
		time.Sleep(10 * time.Minute)
		if got := again.Figures().Delivered; got != 4 {
			t.Errorf("%d events delivered, want those of the two partitions that do not wait", got)
		}
		away.Remove()
		w.settledAll()
		again.check()
		if got := len(w.desk.ids()); got != 20 {
			t.Errorf("%d calls for 20 events", got)
		}
		again.stop()
	})
}

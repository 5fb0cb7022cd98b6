//go:build synctests

package processor_test

import (
	"fmt"
	"testing"
	"time"
)

// A rebalance that takes partitions away waits for what they have in flight, and polling
// waits for it: a stop that comes meanwhile has one time limit for all, not one after the other.
func TestStop_whileARevokeDrainsKeepsItsBound(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(string(protocol), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				// A write that was answered with 500 may have taken effect, so it is made again up to the limit.
				w.desk.answers(func(seen) (int, time.Duration) { return 500, 25 * time.Second })
				for u := range 12 {
					w.sendUser(int32(u%4), fmt.Sprint("u", u), 1, 5)
				}
				first := w.start(with(protocol))
				w.eventually("calls of all users", func() bool { return len(w.desk.ids()) == 12 })
				second := w.start(with(protocol))
				time.Sleep(10 * time.Second) // the revoke is under way
				began := time.Now()
				first.stop()
				if took := time.Since(began); took > 40*time.Second {
					t.Errorf("the stop took %v, want the drain timeout of 35s and 5s at most", took)
				}
				second.kill()
			})
		})
	}
}

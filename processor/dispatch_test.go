//go:build synctests

package processor_test

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/deskstream/deskstream/processor"
	"github.com/deskstream/deskstream/sink"
)

// Each event that waits for its back-off is a goroutine, of which there may be as many as
// lanes. Those that are left without an event are kept for the next, but not all of them.
func TestDispatch_whatATroubledHourTookIsGivenBack(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		calls := 0
		w.desk.answers(func(seen) (int, time.Duration) {
			if calls++; calls%2 == 0 && calls < 2000 {
				return 503, 0
			}
			return 201, 0
		})
		in := w.start(func(c *processor.Config, s *sink.Config) { c.Limits.Lanes, s.MaxInFlight = 2000, 8 })
		for p := range int32(4) {
			var events [][]byte
			for u := range 200 {
				events = append(events, event(fmt.Sprint("u", p, "-", u), 1))
			}
			w.send(p, events...)
		}
		w.settledAll()
		time.Sleep(time.Minute)
		stacks := make([]byte, 16<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		if left := bytes.Count(stacks, []byte(".(*workers).work(")); left == 0 || left > 8 {
			t.Errorf("%d goroutines are kept for 8 events at once", left)
		}
		in.check()
		in.stop()
	})
}

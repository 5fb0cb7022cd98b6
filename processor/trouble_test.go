//go:build synctests

package processor_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestTrouble_isToldWhenItBeginsAndWhenItIsOver(t *testing.T) {
	for name, key := range map[string]kmsg.Key{"fetches": kmsg.Fetch, "commits": kmsg.OffsetCommit, "claims": kmsg.ListOffsets} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				for p := range int32(4) {
					w.sendUser(p, fmt.Sprint("u", p), 1, 3)
				}
				if name != "fetches" { // a group that begins needs both before its first claim
					first := w.start()
					w.settledAll()
					first.stop()
					w.sendUser(0, "u0", 4, 4)
				}
				fault := w.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Err: kerr.TopicAuthorizationFailed, Count: -1})
				in := w.start()
				time.Sleep(time.Hour)
				if fault.Hits() < 100 {
					t.Errorf("failed %d times in an hour, want it repeated", fault.Hits())
				}
				if n := w.logged("WARN", "err=", kerr.TopicAuthorizationFailed.Message); n != 1 {
					t.Errorf("logged %d times in an hour, want once", n)
				}
				fault.Remove()
				w.settledAll()
				time.Sleep(time.Minute)
				if n := w.logged("INFO", "lasted="); n != 1 {
					t.Errorf("logged %d times that it is over, want once", n)
				}
				in.check()
				in.stop()
			})
		})
	}
}

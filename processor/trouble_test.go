//go:build synctests

package processor_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestTrouble_isToldWhenItBeginsAndWhenItIsOver(t *testing.T) {
	tests := map[string]struct {
		key         kmsg.Key
		begun, over string
	}{
		"fetches": {kmsg.Fetch, "fetching failed and is repeated", "fetching failed no more"},
		"commits": {kmsg.OffsetCommit, "commit failed, the next one follows", "commits failed no more"},
		"claims":  {kmsg.ListOffsets, "partitions not claimed yet", "claiming partitions failed no more"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				for p := range int32(4) {
					w.sendUser(p, fmt.Sprint("u", p), 1, 3)
				}
				at := 0
				if name != "fetches" { // a group that begins needs both before its first claim
					first := w.start()
					w.settledAll()
					first.stop()
					w.sendUser(0, "u0", 4, 4)
					at = strings.Count(w.log.String(), tt.begun)
				}
				fault := w.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{tt.key}, Err: kerr.TopicAuthorizationFailed, Count: -1})
				in := w.start()
				time.Sleep(time.Hour)
				if fault.Hits() < 100 {
					t.Errorf("failed %d times in an hour, want it repeated", fault.Hits())
				}
				if n := strings.Count(w.log.String(), tt.begun) - at; n != 1 {
					t.Errorf("told %d times in an hour, want once", n)
				}
				fault.Remove()
				w.settledAll()
				time.Sleep(time.Minute)
				if n := strings.Count(w.log.String(), tt.over); n != 1 {
					t.Errorf("told %d times that it is over, want once", n)
				}
				in.check()
				in.stop()
			})
		})
	}
}

//go:build synctests

package processor_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/deskstream/deskstream/processor"
	"github.com/deskstream/deskstream/sink"
)

// protocols are what the tests of group life run with.
var protocols = []processor.Protocol{processor.Classic, processor.Consumer}

func with(protocol processor.Protocol) func(*processor.Config, *sink.Config) {
	return func(c *processor.Config, _ *sink.Config) { c.Protocol = protocol }
}

func TestGroup_joiningAndLeavingInGoodOrderRepeatsNothing(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(string(protocol), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.desk.answers(func(seen) (int, time.Duration) { return 201, 3 * time.Second })
				for u := range 12 {
					w.sendUser(int32(u%4), fmt.Sprint("u", u), 1, 30)
				}
				first := w.start(with(protocol))
				w.eventually("calls", func() bool { return len(w.desk.ids()) > 30 })
				second := w.start(with(protocol))
				w.eventually("a share for the second", func() bool { return second.Figures().Delivered > 10 })
				third := w.start(with(protocol))
				w.eventually("a share for the third", func() bool { return third.Figures().Delivered > 10 })
				second.stop()
				w.settledAll()
				first.check()
				third.check()
				if got := len(w.desk.ids()); got != 12*30 {
					t.Errorf("%d calls for %d events", got, 12*30)
				}
				first.stop()
				third.stop()
			})
		})
	}
}

func TestGroup_aDeadMembersPartitionsAreTakenOver(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(string(protocol), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.desk.answers(func(seen) (int, time.Duration) { return 201, 3 * time.Second })
				for u := range 12 {
					w.sendUser(int32(u%4), fmt.Sprint("u", u), 1, 20)
				}
				first, second := w.start(with(protocol)), w.start(with(protocol))
				w.eventually("both at work", func() bool { return first.Figures().Delivered > 10 && second.Figures().Delivered > 10 })
				open := first.dest.Gate().InUse()
				first.kill()
				w.settledAll()
				second.check()
				if got, most := len(w.desk.ids()), 12*20+open; got > most {
					t.Errorf("%d calls, want at most %d: the events and what was in flight at the kill", got, most)
				}
				second.stop()
			})
		})
	}
}

// A member that the group removed commits nothing for what it lost; what it has in flight
// becomes an outcome anyway, and is found when the partition comes back.
func TestGroup_aLostPartitionIsNotCommitted(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.sendUser(0, "u", 1, 3)
		w.desk.answers(func(seen) (int, time.Duration) { return 201, 20 * time.Second })
		in := w.start(neverCommits)
		w.eventually("a call", func() bool { return len(w.desk.ids()) == 1 })
		w.kafka.FailHeartbeats(1, kerr.UnknownMemberID)
		w.eventually("the partition released", func() bool { return in.Figures().Released == 3 })
		w.eventually("all done", func() bool { f := in.Figures(); return f.Delivered+f.AlreadySettled == 3 && f.Open == 0 })
		in.check()
		if got := w.committed(0); got != 0 {
			t.Errorf("committed %d, want 0", got)
		}
		if diff := cmp.Diff([]string{"u-1", "u-2", "u-3"}, w.desk.of("u")); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		in.stop()
		if got := w.committed(0); got != 3 {
			t.Errorf("committed %d after the stop, want 3", got)
		}
	})
}

// A member that hears nothing of its group cannot know whether its partitions are still
// its own. Its last good heartbeat says how long it may go on.
func TestMembership_noCallBeginsOnceTheSessionMayBeOver(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(string(protocol), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.desk.answers(func(seen) (int, time.Duration) { return 201, time.Second })
				w.sendUser(0, "u", 1, 400)
				in := w.start(with(protocol))
				w.eventually("calls", func() bool { return len(w.desk.ids()) > 30 })
				silent := time.Now()
				release := w.kafka.HoldGroups(t)
				time.Sleep(5 * time.Minute)
				last := w.desk.last()
				if after := last.Sub(silent); after > 45*time.Second || after < 30*time.Second {
					t.Errorf("the last call began %v after the last heartbeat, want nearly the session timeout of 45s", after)
				}
				release()
				w.settledAll()
				in.check()
				in.stop()
			})
		})
	}
}

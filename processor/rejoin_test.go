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

// holdJoin keeps the joins of the group's only member from the group until the function
// that it returns is called.
func (w *world) holdJoin() (release func()) {
	w.t.Helper()
	described, err := w.kafka.Admin(w.t).DescribeGroups(w.t.Context(), group)
	if err != nil {
		w.t.Fatalf("describing the group: %v", err)
	}
	member := described[group].Members[0].MemberID
	released := make(chan struct{})
	w.kafka.ControlKey(int16(kmsg.JoinGroup), func(req kmsg.Request) (kmsg.Response, error, bool) {
		w.kafka.KeepControl()
		if req.(*kmsg.JoinGroupRequest).MemberID == member {
			w.kafka.SleepControl(func() { <-released })
		}
		return nil, nil, false
	})
	return func() { close(released) }
}

// A process that stood still while it was about to join reaches the group after it was
// removed. The client joins as a new member then, and does not report that the partitions were
// another's meanwhile; if it gets them again, it reads on where it was.
func TestGroup_whatWasAnothersMeanwhileIsNotCommittedNorDeliveredAgain(t *testing.T) {
	for _, stays := range []bool{true, false} {
		t.Run(fmt.Sprint("the other stays ", stays), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.desk.answers(func(seen) (int, time.Duration) { return 201, 5 * time.Second })
				for u := range 12 {
					w.sendUser(int32(u%4), fmt.Sprint("u", u), 1, 60)
				}
				first := w.start()
				w.eventually("calls", func() bool { return first.Figures().Delivered > 20 })
				release := w.holdJoin()
				second := w.start()
				w.eventually("all with the second", func() bool { return second.Figures().Partitions == 4 })
				w.desk.answers(func(seen) (int, time.Duration) { return 201, 10 * time.Millisecond })
				w.settledAll()
				if !stays {
					second.stop()
				}
				release()
				for range 300 {
					time.Sleep(200 * time.Millisecond)
					for p := range int32(4) {
						if at := w.committed(p); at < 180 {
							t.Fatalf("partition %d: committed %d after 180", p, at)
						}
					}
				}
				if !stays {
					w.sendUser(0, "late", 1, 3)
					w.eventually("what comes later", func() bool { return len(w.desk.of("late")) == 3 })
				}
				if n := len(w.desk.ids()) - len(w.desk.of("late")); n > 12*60+12 {
					t.Errorf("%d calls for %d events and the 12 that were in flight", n, 12*60)
				}
				w.settledAll()
				first.check()
				second.check()
			})
		})
	}
}

// The client leaves a partition unread whose offset it is not given, as when the right to its
// topic is taken away for a while, until it is assigned again: nothing else does that.
func TestGroup_aPartitionWhoseOffsetWasRefusedIsReadOnceItIsTold(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(string(protocol), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.sendUser(0, "u", 1, 3)
				w.sendUser(1, "v", 1, 3)
				refused := w.kafka.Fault(kfake.Fault{
					Keys: []kmsg.Key{kmsg.OffsetFetch}, Topic: source, Partitions: []int32{1},
					Err: kerr.TopicAuthorizationFailed, Count: -1,
				})
				in := w.start(with(protocol))
				time.Sleep(10 * time.Minute)
				if got := in.Figures(); got.Delivered != 3 || got.Partitions != 4 {
					t.Errorf("%d delivered of %d partitions while one is refused, want the 3 of the others, and all", got.Delivered, got.Partitions)
				}
				refused.Remove()
				w.settledAll()
				in.check()
				if got := len(w.desk.ids()); got != 6 {
					t.Errorf("%d calls for 6 events", got)
				}
				in.stop()
			})
		})
	}
}

// A partition that nobody has read yet begins where its leader says. While none answers, the
// partitions that are read already go on.
func TestGroup_aPartitionWhoseStartIsNotToldDisturbsNoOther(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(string(protocol), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.sendUser(0, "u", 1, 3)
				in := w.start(with(protocol))
				w.settledAll()
				silent := w.kafka.Fault(kfake.Fault{
					Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: source, Partitions: []int32{4},
					Err: kerr.NotLeaderForPartition, Count: -1,
				})
				w.kafka.AddPartitions(w.t, source, 5)
				for n := range 60 {
					time.Sleep(10 * time.Second) // until the client has heard of the new one, and longer
					w.sendUser(0, "u", 4+n, 4+n)
					if n == 30 {
						w.sendUser(4, "v", 1, 3)
					}
				}
				time.Sleep(5 * time.Second)
				if n := len(w.desk.of("u")); n != 63 {
					t.Errorf("%d calls for 63 events of a partition that is read", n)
				}
				if f := in.Figures(); f.Released > 0 || w.logged("INFO", "topic="+source, "open=") > 0 {
					t.Error("partitions were released for one whose start is not known")
				}
				silent.Remove()
				w.settledAll()
				in.check()
				in.stop()
			})
		})
	}
}

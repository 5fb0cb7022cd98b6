package processor

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// counted reports whether m lets a call begin now.
func counted(m *membership) bool {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	return m.await(ended) == nil
}

func TestMembership_timeIsCountedFromTheSendingOfARequestKnownToBeGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMembership(45 * time.Second)
		beat := func(took time.Duration, err error) {
			time.Sleep(took)
			m.OnBrokerE2E(kgo.BrokerMetadata{}, int16(kmsg.Heartbeat), kgo.BrokerE2E{ReadWait: took, ReadErr: err})
		}
		beat(time.Second, nil)
		if counted(m) {
			t.Error("counted in after one heartbeat, of which nobody knows how it was answered")
		}
		time.Sleep(time.Second)
		beat(40*time.Second, nil) // its sending shows that the first was good, 42s ago
		if !counted(m) {
			t.Error("not counted in 42s after the sending of a good heartbeat")
		}
		time.Sleep(4 * time.Second)
		if counted(m) {
			t.Error("counted in 46s after the sending of the last heartbeat known to be good")
		}
		beat(0, nil) // the second was good, sent 44s ago
		if !counted(m) {
			t.Error("not counted in 44s after the sending of the second heartbeat")
		}
		m.OnGroupManageError(errors.New("fenced"))
		beat(0, nil)
		time.Sleep(2 * time.Second)
		if counted(m) {
			t.Error("counted in by a heartbeat after one that was refused")
		}
		beat(time.Second, errors.New("connection cut"))
		beat(0, nil)
		if counted(m) {
			t.Error("counted in by a heartbeat after one that was not answered")
		}
	})
}

// A member of the consumer protocol whom the group does not know any more learns that
// it lost its partitions, and joins again at once, with a heartbeat.
func TestMembership_aJoinShowsNothingOfTheHeartbeatThatWasRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMembership(20 * time.Second)
		beat := func() {
			m.OnBrokerE2E(kgo.BrokerMetadata{}, int16(kmsg.ConsumerGroupHeartbeat), kgo.BrokerE2E{})
		}
		beat()
		time.Sleep(time.Minute)
		beat() // refused
		m.lost()
		beat() // the join
		if counted(m) {
			t.Error("counted in by a join after a heartbeat that was refused")
		}
		beat() // the client's first heartbeat follows at once
		if !counted(m) {
			t.Error("not counted in by a join and its first heartbeat")
		}
	})
}

// A broker may ask for heartbeats more often than the client waits before it repeats one.
func TestMembership_aShortIntervalCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMembership(20 * time.Second)
		for second := range 300 {
			m.OnBrokerE2E(kgo.BrokerMetadata{}, int16(kmsg.ConsumerGroupHeartbeat), kgo.BrokerE2E{})
			if second > 0 && !counted(m) {
				t.Fatalf("not counted in by heartbeats of every second after %d", second)
			}
			if second%10 == 5 {
				m.backoff(1) // of another request
			}
			time.Sleep(time.Second)
		}
	})
}

// While a broker refuses what is written to it, some request is repeated all the time.
func TestMembership_aShortIntervalCountsWhileOtherRequestsAreRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMembership(6 * time.Second)
		m.setInterval(500 * time.Millisecond)
		for beat := range 300 {
			m.OnBrokerE2E(kgo.BrokerMetadata{}, int16(kmsg.ConsumerGroupHeartbeat), kgo.BrokerE2E{})
			if beat > 1 && !counted(m) {
				t.Fatalf("not counted in by heartbeats of every half second after %d", beat)
			}
			for range 5 {
				m.backoff(1)
				time.Sleep(100 * time.Millisecond)
			}
		}
	})
}

// A revoke holds the next assignment up, but not the heartbeats: the one before the
// assignment may have been refused.
func TestMembership_aLateAssignmentShowsNothingOfTheHeartbeatBefore(t *testing.T) {
	for _, key := range []kmsg.Key{kmsg.Heartbeat, kmsg.ConsumerGroupHeartbeat} {
		synctest.Test(t, func(t *testing.T) {
			m := newMembership(20 * time.Second)
			m.OnBrokerE2E(kgo.BrokerMetadata{}, int16(kmsg.SyncGroup), kgo.BrokerE2E{})
			m.assigned()
			if !counted(m) {
				t.Error("not counted in by the assignment that a sync brought")
			}
			time.Sleep(time.Minute)
			m.OnBrokerE2E(kgo.BrokerMetadata{}, int16(key), kgo.BrokerE2E{})
			m.assigned()
			if counted(m) {
				t.Errorf("counted in by an assignment after a %s of which nobody knows how it was answered", key.Name())
			}
		})
	}
}

// A coordinator that is loading answers with a passing error, and the client asks again
// without being asked to: that is no successor of a good heartbeat.
func TestMembership_aRepeatedHeartbeatShowsNothingOfTheOneBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMembership(20 * time.Second)
		beat := func() { m.OnBrokerE2E(kgo.BrokerMetadata{}, int16(kmsg.Heartbeat), kgo.BrokerE2E{}) }
		beat()
		time.Sleep(3 * time.Second)
		beat()
		if !counted(m) {
			t.Fatal("not counted in by a heartbeat and its successor")
		}
		for fails := range 30 {
			time.Sleep(m.backoff(fails + 1))
			beat()
		}
		if counted(m) {
			t.Error("counted in by heartbeats that were repeated")
		}
		time.Sleep(3 * time.Second)
		beat() // the client has ended the repetitions, and goes on
		if counted(m) {
			t.Error("counted in by a heartbeat that was repeated, and a pause")
		}
		time.Sleep(time.Second)
		m.backoff(1) // of another request
		time.Sleep(2 * time.Second)
		beat()
		if !counted(m) {
			t.Error("not counted in by a heartbeat and its successor, while another request was repeated")
		}
		time.Sleep(21 * time.Second)
		beat()
		m.OnBrokerE2E(kgo.BrokerMetadata{}, int16(kmsg.FindCoordinator), kgo.BrokerE2E{})
		beat()
		if counted(m) {
			t.Error("counted in by a heartbeat after one that another broker had to answer")
		}
	})
}

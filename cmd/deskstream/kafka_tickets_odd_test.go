//go:build kafka

package main

import (
	"maps"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/stub"
)

// long skips a test that takes minutes, unless -kills asks for more than CI does.
func long(t *testing.T) {
	t.Helper()
	if *kills <= ciKills {
		t.Skipf("takes minutes: -kills %d and more", ciKills+1)
	}
}

// Instances die again before they have read what they take over, or while they do.
func TestKafka_ticketsAreOpenedOnceAlthoughOwnersDieInTheirTakeover(t *testing.T) {
	t.Parallel()
	long(t)
	eachMember(t, func(s *shop) {
		s.feed()
		instances := []*instance{s.start(0), s.start(1)}
		for n := range *kills / 3 {
			s.awaitOpen(100, instances...)
			s.killAll(instances...)
			for try := range 5 {
				instances = []*instance{s.start(0), s.start(1)}
				instances[0].awaitLog("partitions assigned")
				time.Sleep(time.Duration(stub.Mix(uint64(5*n+try)) % uint64(time.Second)))
				for _, i := range instances {
					i.kill()
				}
			}
			instances = []*instance{s.start(0), s.start(1)}
		}
		s.stopFeeding()
		s.finish(instances...)
	})
}

// Partitions go to and fro between instances that come and go in good order, while one write in
// five gets no answer and is looked for.
func TestKafka_ticketsAreOpenedOnceWhilePartitionsMove(t *testing.T) {
	t.Parallel()
	long(t)
	eachMember(t, func(s *shop) {
		q := hiding.Quirks
		q.LostAnswers, q.LateAnswers = 0.1, 0.1
		s.desk.Desk(inbox).SetQuirks(q)
		s.feed()
		instances := []*instance{s.start(0), s.start(1)}
		for n := range *kills {
			at := n % 2
			s.awaitOpen(100, instances[at])
			if n%3 == 0 {
				third := s.start(2)
				s.awaitOpen(50, third)
				third.stop()
			}
			instances[at].stop()
			instances[at] = s.start(at)
		}
		s.stopFeeding()
		s.finish(instances...)
	})
}

// All instances freeze: for less than a session, but longer than a call may take, and for longer
// than a session, so that each takes over from itself or from the other.
func TestKafka_ticketsAreOpenedOnceAlthoughAllInstancesFreeze(t *testing.T) {
	t.Parallel()
	long(t)
	eachMember(t, func(s *shop) {
		s.feed()
		instances := []*instance{s.start(0), s.start(1)}
		for n := range *kills {
			s.awaitOpen(100, instances...)
			pause := ticketTimeout + time.Second
			if n%3 == 2 {
				pause = 2 * shortSession
			}
			for _, i := range instances {
				i.signal(syscall.SIGSTOP)
			}
			time.Sleep(pause)
			for _, i := range instances {
				i.signal(syscall.SIGCONT)
			}
		}
		s.stopFeeding()
		s.t.Logf("late effects: %v", s.lateEffects(instances...))
		s.finish(instances...)
	})
}

// The leader of most responses partitions dies, or freezes, and a moment later the instances die,
// with announcements on their way.
func TestKafka_ticketsAreOpenedOnceAlthoughLeadersAndInstancesDie(t *testing.T) {
	t.Parallel()
	long(t)
	a := kafkatest.OwnApache(t, kafkatest.ApacheConfig{Brokers: 3, Disturbed: true})
	s := newShop(t, a, worldOptions{stub: hiding})
	s.feed()
	instances := []*instance{s.start(0), s.start(1)}
	for n := range max(3, *kills/3) {
		s.awaitOpen(200, instances...)
		leader := s.leader()
		if n%3 == 2 {
			a.Pause(t, leader)
		} else {
			a.Kill(t, leader)
		}
		time.Sleep(time.Duration(stub.Mix(uint64(n)) % uint64(2*time.Second)))
		for _, i := range instances {
			i.kill()
		}
		instances = []*instance{s.start(0), s.start(1)}
		s.awaitOpen(100)
		if n%3 == 2 {
			a.Resume(t, leader)
		} else {
			a.Restart(t)
		}
	}
	s.stopFeeding()
	s.finish(instances...)
}

// leader is the broker that leads most partitions of the responses topic.
func (s *shop) leader() int {
	s.t.Helper()
	found, err := s.Admin(s.t).ListTopics(s.t.Context(), s.topic(responsesTopic))
	if err != nil {
		s.t.Fatal(err)
	}
	led := make(map[int]int)
	found.EachPartition(func(p kadm.PartitionDetail) { led[int(p.Leader)]++ })
	return slices.MaxFunc(slices.Collect(maps.Keys(led)), func(a, b int) int { return led[a] - led[b] })
}

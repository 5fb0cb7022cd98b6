//go:build kafka

package main

import (
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/stub"
)

// ticketMembers are the kinds of members that tickets are tried with.
var ticketMembers = map[string]struct {
	source string
	static bool
	lost   float64 // the share of writes that are taken and not answered
}{
	"dynamic":                             {"", false, 0},
	"static":                              {"", true, 0},
	"consumer protocol, answers are lost": {"  group_protocol: consumer\n", false, 0.05},
}

// eachMember runs a test with each kind of member, beside each other: they wait most of their time.
func eachMember(t *testing.T, test func(s *shop)) {
	t.Helper()
	for name, member := range ticketMembers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			behaves := hiding
			behaves.Quirks.LostAnswers = member.lost
			s := newShop(t, kafkatest.SharedApache(t), worldOptions{stub: behaves})
			s.source, s.static = member.source, member.static
			s.setSession(shortSession)
			test(s)
		})
	}
}

func TestKafka_ticketsAreOpenedOnceThroughKills(t *testing.T) {
	t.Parallel()
	eachMember(t, func(s *shop) {
		s.feed()
		instances := []*instance{s.start(0), s.start(1)}
		for n := 0; n < *kills; {
			victims := [][]*instance{instances, instances[:1], instances[1:]}[n%3]
			s.awaitOpen(200, victims...)
			if s.killAll(victims...) >= openCalls { // else too many were answered before the signal arrived
				n++
			}
			for _, i := range victims {
				instances[i.at] = s.start(i.at)
			}
		}
		s.stopFeeding()
		s.finish(instances...)
	})
}

func TestKafka_ticketsAreOpenedOnceAlthoughAnInstanceFreezes(t *testing.T) {
	t.Parallel()
	eachMember(t, func(s *shop) {
		s.feed()
		instances := []*instance{s.start(0), s.start(1)}
		freezes := *kills
		if freezes <= ciKills {
			freezes = 1
		}
		for n := range freezes {
			frozen, other := instances[n%2], instances[(n+1)%2]
			s.awaitOpen(200, frozen, other)
			open := frozen.open.Load()
			frozen.signal(syscall.SIGSTOP)
			s.awaitMembers(1)
			if n%2 == 0 { // else it is back while the other looks for its tickets
				s.awaitOpen(200, other)
			}
			frozen.signal(syscall.SIGCONT)
			s.t.Logf("freeze %d: %d calls were open that open a ticket, of %d", n+1, open, s.opening.Load())
			s.awaitMembers(2)
		}
		s.stopFeeding()
		s.t.Logf("late effects: %v", s.lateEffects(instances...))
		s.finish(instances...)
	})
}

// awaitMembers waits until the group is n instances and has divided the source among them.
func (s *shop) awaitMembers(n int) {
	s.t.Helper()
	admin := s.Admin(s.t)
	await(s.t, "the group to have as many members as there are instances", func() bool {
		groups, err := admin.DescribeGroups(s.t.Context(), s.group(inbox))
		if err != nil {
			return false // a coordinator that is not there yet
		}
		g := groups[s.group(inbox)]
		if g.Err != nil { // one of the consumer protocol
			consumers, err := admin.DescribeConsumerGroups(s.t.Context(), s.group(inbox))
			return err == nil && consumers[s.group(inbox)].State == "Stable" && len(consumers[s.group(inbox)].Members) == n
		}
		return g.State == "Stable" && len(g.Members) == n
	})
}

// lateEffects is how many tickets the instances count that another one may have opened too.
func (s *shop) lateEffects(instances ...*instance) float64 {
	sum := 0.0
	for _, i := range instances {
		sum += metric(s.t, i.listening(), "deskstream_late_effects_total", inbox)
	}
	return sum
}

// The brokers are restarted one after the other, the second as after a crash, while the desk
// does not answer each twentieth write.
func TestKafka_ticketsAreOpenedOnceWhileBrokersRestart(t *testing.T) {
	t.Parallel()
	long(t)
	a := kafkatest.OwnApache(t, kafkatest.ApacheConfig{Brokers: 3, Disturbed: true})
	behaves := hiding
	behaves.Quirks.LostAnswers = 0.05
	s := newShop(t, a, worldOptions{stub: behaves})
	s.feed()
	instances := []*instance{s.start(0), s.start(1)}
	for n := range max(3, *kills/3) {
		s.awaitOpen(200, instances...)
		began := time.Now()
		if n%2 == 0 {
			a.Stop(t, n%3+1)
		} else {
			a.Kill(t, n%3+1)
		}
		s.awaitOpen(200)
		a.Restart(t)
		t.Logf("restart %d: the broker was away for %v", n+1, time.Since(began).Round(time.Second))
	}
	s.stopFeeding()
	t.Logf("late effects: %v", s.lateEffects(instances...))
	s.finish(instances...)
}

// The first owner dies while a ticket is opened, the second while the event waits for the end of a
// hold. The third goes on from what the first put on record.
func TestKafka_theThirdOwnerGoesOnFromTheFirstsProgress(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ fate, calls int }{
		"opened":     {stub.HoldAnswer, 2}, // of the first owner, and for the event with the same subject
		"not opened": {stub.NeverAnswer, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, kafkatest.SharedApache(t), worldOptions{stub: hiding, sources: 1, others: 1})
			s.users, s.timeout = 1<<30, 4*time.Second // no user comes twice
			s.order(63)
			stuck := s.subject[s.markAt(place{})]
			s.forTickets(func(call stub.Call) int {
				if call.Method == http.MethodPost && call.Mark == stuck {
					return c.fate
				}
				return 0
			})
			first := s.start(0)
			await(t, "the call that is stuck", func() bool { first.alive(); return len(s.callsFor(stuck)) == 1 })
			first.kill()
			s.forTickets(func(call stub.Call) int {
				if strings.Contains(call.Query, "contact_id=") {
					return http.StatusUnauthorized
				}
				return 0
			})
			second := s.start(0)
			await(t, "the second owner to be held", func() bool {
				second.alive()
				return metric(t, second.listening(), "deskstream_hold", inbox) == 1
			})
			second.kill()
			if calls := s.callsFor(stuck); len(calls) > 1 {
				t.Errorf("the second owner sent the ticket again: %+v", calls)
			}
			s.forTickets(nil)
			s.finish(s.start(0))
			if calls := s.callsFor(stuck); len(calls) != c.calls {
				t.Errorf("%d calls opened a ticket of the subject, want %d: %+v", len(calls), c.calls, calls)
			}
		})
	}
}

// forTickets sets the outage of calls for tickets.
func (s *shop) forTickets(decide func(stub.Call) int) {
	desk := s.desk.Desk(inbox)
	if decide == nil {
		desk.SetOutage(nil)
		return
	}
	desk.SetOutage(func(c stub.Call) int {
		if !strings.HasSuffix(c.Op, " /tickets") {
			return 0
		}
		return decide(c)
	})
}

// callsFor are the calls that opened a ticket of a subject.
func (s *shop) callsFor(subject string) []stub.Call {
	return slices.DeleteFunc(s.desk.Desk(inbox).Received(), func(c stub.Call) bool {
		return c.Op != "POST /tickets" || c.Mark != subject
	})
}

// markAt is the mark of the event at a place.
func (s *shop) markAt(at place) string {
	for own, is := range s.place {
		if is.partition == at.partition && is.offset == at.offset {
			return own
		}
	}
	s.t.Fatalf("no event is at %+v", at)
	return ""
}

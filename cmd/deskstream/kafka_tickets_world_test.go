//go:build kafka

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/sample"
	"github.com/deskstream/deskstream/internal/stub"
	"github.com/deskstream/deskstream/sink"
)

// shop is a world whose events open tickets, at Trengo alone. Each third event has the contact and
// the subject of the one before, and so is owed a ticket that looks like the earlier one.
type shop struct {
	*world
	source string // further lines of source, of every instance
	static bool
	// delivery is further lines of delivery, of every instance.
	delivery string

	users   int
	picked  int
	subject map[string]string // the mark in an event's subject, by the event's own
	opening atomic.Int64      // calls to open a ticket that have arrived
	feeding chan struct{}     // closed when nothing is produced any more
	ending  chan struct{}
}

// hiding is a desk that takes effect up to a time-out after the connection has ended, shows tickets
// up to 5 s late and without subjects, and has a wrong clock.
var hiding = stub.Config{
	Latency: 250 * time.Millisecond, Jitter: 150 * time.Millisecond,
	Quirks: stub.Quirks{LateEffects: ticketTimeout, ListLag: 5 * time.Second, ClockOffset: 30 * time.Second, NullSubjects: true},
}

const (
	// ticketTimeout is delivery.timeout where tickets are opened.
	ticketTimeout = 2 * time.Second
	// shortSession is a session that is over within a test's patience.
	shortSession = 6 * time.Second
	// feedAhead is how many tickets are owed at most while the program runs.
	feedAhead = 900
)

func newShop(t *testing.T, a *kafkatest.Apache, o worldOptions) *shop {
	t.Helper()
	needsProcess(t)
	o = on(t, a, o)
	o.session, o.drain, o.timeout = shortSession, 5*time.Second, ticketTimeout
	return &shop{world: newWorld(t, o), users: 300, subject: make(map[string]string)}
}

// instance is a process and its own way to the desk.
type instance struct {
	*process
	opening *atomic.Int64
	open    atomic.Int64 // calls to open a ticket
	cut     atomic.Int64 // those of them whose connection ended before an answer
	// at is which of the instances it is, for its static id.
	at int
}

// serve hands calls on to the desk.
func (i *instance) serve(desk http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/tickets") {
			i.opening.Add(1)
			i.open.Add(1)
			defer func() {
				if r.Context().Err() != nil {
					i.cut.Add(1)
				}
				i.open.Add(-1)
			}()
		}
		desk.ServeHTTP(w, r)
	}
}

// start starts the instance of a number.
func (s *shop) start(at int) *instance {
	s.t.Helper()
	i := &instance{opening: &s.opening, at: at}
	door := httptest.NewServer(i.serve(s.desk))
	s.t.Cleanup(door.Close)
	direct := s.url
	s.url = door.URL
	source := s.source
	if s.static {
		source += fmt.Sprintf("  group_instance_id: i-%d\n", at)
	}
	path := s.config(settings{source: source, delivery: s.delivery})
	s.url = direct
	i.process = s.world.start(path, "--destination", inbox)
	return i
}

// order produces n events, a multiple of three.
func (s *shop) order(n int) {
	s.t.Helper()
	records := s.events(n, func() int {
		if s.picked++; s.picked%3 != 2 { // the second of three is of the same user as the first
			return int(stub.Mix(uint64(s.picked)) % uint64(s.users))
		}
		return int(stub.Mix(uint64(s.picked-1)) % uint64(s.users))
	})
	subjects := make(map[string]string)
	for i, r := range records {
		own := sample.FindMark(r.Value)
		subjects[own] = own
		if i%3 == 1 {
			subjects[own] = sample.FindMark(records[i-1].Value)
			r.Value = bytes.Replace(r.Value, fmt.Appendf(nil, `"eventNo":%q`, own), fmt.Appendf(nil, `"eventNo":%q`, subjects[own]), 1)
		}
	}
	s.Produce(s.t, records...)
	s.remember(records)
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.Copy(s.subject, subjects)
}

// feed produces while the program runs and dies, until stopFeeding.
func (s *shop) feed() {
	s.feeding, s.ending = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(s.feeding)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for s.t.Context().Err() == nil {
			if s.produced()-int(s.opening.Load()) < feedAhead {
				s.order(60)
			}
			select {
			case <-tick.C:
			case <-s.ending:
				return
			case <-s.t.Context().Done():
				return
			}
		}
	}()
	s.t.Cleanup(func() { <-s.feeding })
}

// stopFeeding ends what feed began.
func (s *shop) stopFeeding() {
	close(s.ending)
	<-s.feeding
}

// awaitOpen waits for n more tickets than there were, and until each of the instances has 20
// calls open that open one.
func (s *shop) awaitOpen(n int, instances ...*instance) {
	s.t.Helper()
	before := s.opening.Load()
	await(s.t, fmt.Sprintf("%d tickets, and %d calls open at each of %d instances", n, openCalls, len(instances)), func() bool {
		ready := s.opening.Load() >= before+int64(n)
		for _, i := range instances {
			i.alive()
			ready = ready && i.open.Load() >= openCalls+12 // some are answered before the signal arrives
		}
		return ready
	})
}

// killAll ends instances as a crash does, and returns how many calls to open a ticket were open at
// the one that had the fewest.
func (s *shop) killAll(instances ...*instance) int64 {
	s.t.Helper()
	before := make([]int64, len(instances))
	for n, i := range instances {
		before[n] = i.cut.Load()
		i.signal(syscall.SIGKILL)
	}
	cut := make([]int64, len(instances))
	for n, i := range instances {
		i.wait()
		await(s.t, "the calls of a dead instance to be cut", func() bool { return i.open.Load() == 0 })
		cut[n] = i.cut.Load() - before[n]
	}
	s.t.Logf("%d calls were cut that open a ticket, of %d", cut, s.opening.Load())
	return slices.Min(cut)
}

// finish waits until all is delivered, stops the instances, and checks what became of the events.
func (s *shop) finish(instances ...*instance) {
	s.t.Helper()
	await(s.t, "the offsets to reach the end", func() bool {
		for _, i := range instances {
			i.alive()
		}
		return s.committedAll(inbox)
	})
	for _, i := range instances {
		i.stop()
	}
	await(s.t, "late effects to come", func() bool { return s.desk.Desk(inbox).LateEffects() == 0 })
	s.wantEachItsTicket()
	s.wantNoLetters()
}

// wantEachItsTicket fails the test unless every event has one ticket, which is no other's, and
// there are no more, but for those that a stalled machine made the stub open later than it means
// to: no wait could have found these.
func (s *shop) wantEachItsTicket() {
	s.t.Helper()
	owed := make(map[string]int)
	for own := range s.place {
		owed[s.subject[own]]++
	}
	tickets, opened := make(map[string]stub.Ticket), make(map[string]int)
	for _, ticket := range s.desk.Desk(inbox).Tickets() {
		tickets[ticket.ID] = ticket
		opened[ticket.Mark]++
	}
	overdue := s.overdue()
	duplicates, lost := 0, 0
	for subject, n := range owed {
		more := opened[subject] - n
		switch {
		case more == 0:
		case more > 0 && more <= overdue[subject]:
			s.t.Logf("not judged, the stub stalled: %d tickets of %s were opened, want %d\n%s", opened[subject], subject, n, s.story(subject))
		default:
			s.t.Errorf("%d tickets of %s were opened, want %d\n%s", opened[subject], subject, n, s.story(subject))
			duplicates, lost = duplicates+max(more, 0), lost+max(-more, 0)
		}
	}
	adopted, again := s.wantOutcomes(tickets)
	looks, lists := s.looks()
	s.t.Logf("%d events, %d tickets, %d duplicates, %d lost; %d adopted after %d looks; %d lists of the newest; %d events with a second outcome",
		len(s.place), len(tickets), duplicates, lost, adopted, looks, lists, again)
}

// overdue counts the tickets, by subject, that were there later than the stub means to open them:
// a call's connection ends within delivery.timeout of its arrival, and its effect comes within
// LateEffects of that.
func (s *shop) overdue() map[string]int {
	arrived := make(map[int64]time.Time)
	for _, c := range s.desk.Desk(inbox).Received() {
		arrived[c.Seq] = c.At
	}
	overdue := make(map[string]int)
	for _, ticket := range s.desk.Desk(inbox).Tickets() {
		if ticket.At.Sub(arrived[ticket.Call]) > s.timeout+hiding.Quirks.LateEffects {
			overdue[ticket.Mark]++
		}
	}
	return overdue
}

// story is what the desk saw of the tickets of a subject: when calls to open one arrived, when
// tickets were there, and when their contact's were looked at.
func (s *shop) story(subject string) string {
	type moment struct {
		at   time.Time
		what string
	}
	var moments []moment
	contacts := make(map[string]bool)
	for _, ticket := range s.desk.Desk(inbox).Tickets() {
		if ticket.Mark == subject {
			contacts[ticket.Contact] = true
			moments = append(moments, moment{ticket.At, fmt.Sprintf("ticket %s is there, of call %d", ticket.ID, ticket.Call)})
		}
	}
	for _, c := range s.desk.Desk(inbox).Received() {
		query, _ := url.ParseQuery(c.Query)
		if c.Op == "POST /tickets" && c.Mark == subject || c.Op == "GET /tickets" && contacts[query.Get("contact_id")] {
			moments = append(moments, moment{c.At, fmt.Sprintf("call %d: %s %s, status %d, fault %q, closed early %t", c.Seq, c.Op, c.Query, c.Status, c.Fault, c.ClosedEarly)})
		}
	}
	slices.SortFunc(moments, func(a, b moment) int { return a.at.Compare(b.at) })
	var b strings.Builder
	for _, m := range moments {
		fmt.Fprintf(&b, "%s %s\n", m.at.Format("15:04:05.000"), m.what)
	}
	return b.String()
}

// ticketOutcome is what an outcome says of a ticket.
type ticketOutcome struct {
	Outcome string
	IDs     struct {
		TicketID string `json:"ticket_id"`
	}
	Steps  []sink.StepInfo
	Source struct {
		Partition int32
		Offset    int64
	}
}

// wantOutcomes fails the test unless each event has an outcome with a ticket of its own. It counts
// the events whose ticket was found, and those with a further outcome.
func (s *shop) wantOutcomes(tickets map[string]stub.Ticket) (adopted, again int) {
	s.t.Helper()
	events := make(map[place]string)
	for own, at := range s.place {
		events[place{partition: at.partition, offset: at.offset}] = own
	}
	ticketOf, eventOf := make(map[string]string), make(map[string]string)
	for _, r := range outcomeRecords(s.Consume(s.t, s.topic(responsesTopic))) {
		var o ticketOutcome
		if err := json.Unmarshal(r.Value, &o); err != nil {
			s.t.Fatalf("an outcome cannot be read: %v", err)
		}
		own, id := events[place{partition: o.Source.Partition, offset: o.Source.Offset}], o.IDs.TicketID
		if o.Outcome != string(sink.Delivered) || tickets[id].Mark != s.subject[own] {
			s.t.Errorf("the outcome of %s is %s with ticket %q of %q", own, o.Outcome, id, tickets[id].Mark)
		}
		if earlier, known := ticketOf[own]; known {
			if again++; earlier != id {
				s.t.Errorf("the outcomes of %s have the tickets %s and %s", own, earlier, id)
			}
			continue
		}
		if other, known := eventOf[id]; known {
			s.t.Errorf("ticket %s is that of %s and of %s", id, other, own)
		}
		ticketOf[own], eventOf[id] = id, own
		for _, step := range o.Steps {
			if step.State == sink.StepAdopted {
				adopted++
			}
		}
	}
	for own := range s.place {
		if ticketOf[own] == "" {
			s.t.Errorf("%s has no outcome", own)
		}
	}
	return adopted, again
}

// looks counts the calls that looked for a ticket, and those for the newest tickets.
func (s *shop) looks() (looks, lists int) {
	for _, c := range s.desk.Desk(inbox).Received() {
		switch {
		case c.Op != "GET /tickets":
		case strings.Contains(c.Query, "contact_id="):
			looks++
		default:
			lists++
		}
	}
	return looks, lists
}

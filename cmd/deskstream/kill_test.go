package main

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/deskstream/deskstream/internal/stub"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
)

// slaughter is how often the program is killed in the midst of what.
type slaughter struct {
	kills int
	// events is how many are produced, more than the lives before the last kill can settle.
	events int
	// work is how many outcomes each life of the program brings before it is killed.
	work int
}

const (
	// openCalls is how many calls the help desks hold at least when it is killed.
	openCalls = 20
	// ahead is how many events the producer is ahead of what is settled.
	ahead = 600
)

// deaths is what was seen after each kill, when nothing of the dead process was under
// way any more.
type deaths struct {
	w    *world
	seen []death
}

type death struct {
	seq     int64              // the last call that the help desks received
	settled map[outcomeKey]int // the outcomes on the topic
}

// note takes in what is seen after a kill, and logs what may be repeated.
func (d *deaths) note(open int) {
	d.w.t.Helper()
	d.w.awaitQuiet()
	received := d.w.desk.Received()
	seen := death{seq: received[len(received)-1].Seq, settled: d.w.outcomes()}
	cut, answered := map[outcomeKey]bool{}, map[outcomeKey]bool{}
	for _, c := range d.w.writes() {
		switch key := d.w.keyOf(c); {
		case seen.settled[key] > 0:
		case c.ClosedEarly:
			cut[key] = true
		default:
			answered[key] = true
		}
	}
	d.seen = append(d.seen, seen)
	d.w.t.Logf("kill %d of %d produced: the help desks held %d calls; without an outcome are %d events whose call was cut and %d with an answer",
		len(d.seen), d.w.produced(), open, len(cut), len(answered))
}

// life is how often the program had been killed when a call arrived.
func (d *deaths) life(c stub.Call) int {
	n := 0
	for n < len(d.seen) && c.Seq > d.seen[n].seq {
		n++
	}
	return n
}

// permit reports whether guarantee 4 lets a write be made again: its event had no outcome
// on the topic at any kill in between.
func (d *deaths) permit(earlier, again stub.Call) bool {
	from, to := d.life(earlier), d.life(again)
	for _, seen := range d.seen[from:to] {
		if seen.settled[d.w.keyOf(again)] > 0 {
			return false
		}
	}
	return from < to || earlier.ClosedEarly // in one life: if it got no answer
}

// repeated counts the events that were written again, by the kill before.
func (d *deaths) repeated() []int {
	counts := make([]int, len(d.seen)+1)
	first, counted := map[outcomeKey]int{}, map[outcomeKey]int{}
	for _, c := range d.w.writes() {
		key, life := d.w.keyOf(c), d.life(c)
		if _, again := first[key]; !again {
			first[key], counted[key] = life, life
		}
		if life > counted[key] {
			counted[key] = life
			counts[life]++
		}
	}
	return counts[1:]
}

func TestRun_killedAgainAndAgainLosesNothingAndRepeatsOnlyWhatWasInTheAir(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		source string
		kills  int
		stub   stub.Config
	}{
		"dynamic":  {"", 3, slower},
		"static":   {staticMember, 3, misleading},
		"consumer": {"  group_protocol: consumer\n", 3, slower},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			killAgainAndAgain(t, worldOptions{stub: c.stub}, c.source, slaughter{c.kills, 2000, 400})
		})
	}
}

// staticMember is the setting of a member that keeps its partitions when it restarts.
const staticMember = "  group_instance_id: one\n"

// slower leaves more calls in flight than slow does.
var slower = stub.Config{Latency: 40 * time.Millisecond, Jitter: 40 * time.Millisecond}

// misleading hides what it did: tickets come up to a time-out after their connection has ended, are
// in the list up to 3 s later, without their subjects, and all of its times are wrong.
var misleading = stub.Config{
	Latency: slower.Latency, Jitter: slower.Jitter,
	Quirks: stub.Quirks{LateEffects: 4 * time.Second, ListLag: 3 * time.Second, ClockOffset: -30 * time.Second, NullSubjects: true},
}

func killAgainAndAgain(t *testing.T, o worldOptions, source string, s slaughter) {
	t.Helper()
	needsProcess(t) // before the producer, whom the end of a skipped test would cut short
	w := newWorld(t, o)
	zipf := rand.NewZipf(rand.New(rand.NewPCG(7, 7)), 1.2, 8, 299)
	produced := make(chan struct{})
	go func() { // while the program runs and dies
		defer close(produced)
		for w.produced() < s.events && t.Context().Err() == nil {
			w.produce(50, func() int { return int(zipf.Uint64()) })
			await(t, "the program to come near the producer", func() bool { return w.produced()-w.settled()/2 < ahead })
		}
	}()
	t.Cleanup(func() { <-produced })
	path := w.config(settings{source: source})
	d := &deaths{w: w}
	for range s.kills {
		p, before, open := w.start(path), w.settled(), 0
		await(t, "20 open calls in the midst of the work", func() bool {
			p.alive()
			open = w.desk.Open()
			return w.settled() >= before+s.work && open >= openCalls
		})
		p.kill()
		if w.produced() == s.events {
			t.Fatal("everything was produced before the last kill")
		}
		d.note(open)
	}
	p := w.start(path)
	<-produced
	w.awaitCommitted(p)
	p.stop()
	w.wantWritten(d.permit)
	w.wantTicketsOnce()
	t.Logf("events repeated after each kill: %v, of %d", d.repeated(), w.produced())
	outcomes := w.outcomes()
	if len(outcomes) != 2*w.produced() {
		t.Errorf("outcomes for %d events at a destination, want %d", len(outcomes), 2*w.produced())
	}
	for i, seen := range d.seen {
		for key, n := range seen.settled {
			if outcomes[key] != n {
				t.Errorf("%+v had %d outcomes at kill %d, and has %d now", key, n, i+1, outcomes[key])
			}
		}
	}
	if !w.committedAll(inbox) || !w.committedAll(crm) {
		t.Error("the committed offsets are not at the end after the stop")
	}
}

// wantTicketsOnce fails the test if an event has two tickets.
func (w *world) wantTicketsOnce() {
	w.t.Helper()
	tickets := w.desk.Desk(stubtrengo.Name).Tickets()
	of := make(map[string][]string)
	for _, ticket := range tickets {
		of[ticket.Mark] = append(of[ticket.Mark], ticket.ID)
	}
	if len(tickets) == 0 {
		w.t.Error("no ticket was opened")
	}
	for mark, ids := range of {
		if len(ids) > 1 {
			w.t.Errorf("event %s has the tickets %q", mark, ids)
		}
	}
}

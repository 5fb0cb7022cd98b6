package main

import (
	"net/http"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/deskstream/deskstream/internal/stub"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
)

// protocols are the lines of source that choose the group's protocol.
var protocols = map[string]string{"classic": "", "consumer": "  group_protocol: consumer\n"}

// slow answers late enough for calls to pile up.
var slow = stub.Config{Latency: 30 * time.Millisecond, Jitter: 20 * time.Millisecond}

// wantCommittedIsDone fails the test unless the committed offsets are the lowest
// without an outcome.
func (w *world) wantCommittedIsDone() {
	w.t.Helper()
	outcomes := w.outcomes()
	for _, destination := range []string{inbox, crm} {
		committed := w.Committed(w.t, w.group(destination), w.topic(eventsTopic))
		for id, end := range w.EndOffsets(w.t, w.topic(eventsTopic)) {
			done := int64(0)
			for done < end && outcomes[outcomeKey{destination, id, done}] > 0 {
				done++
			}
			if at := committed[id].At; at != done {
				w.t.Errorf("%s committed %d of partition %d, want %d, the lowest offset that is not done", destination, at, id, done)
			}
		}
	}
}

func TestRun_stoppedInTheMidstRepeatsNothing(t *testing.T) {
	t.Parallel()
	for name, source := range protocols {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, worldOptions{stub: slow})
			w.produce(1000, each(150))
			path := w.config(settings{source: source})
			for range 3 {
				p, before := w.start(path), w.settled()
				await(t, "20 open calls in the midst of the work", func() bool {
					p.alive()
					if w.settled() == 2*w.produced() { // the work was over before it was looked at
						w.produce(500, each(150))
					}
					return w.settled() > before+100 && w.desk.Open() >= openCalls
				})
				p.stop()
				if n := w.desk.Open(); n > 0 {
					t.Errorf("%d calls were left in the air", n)
				}
				w.wantCommittedIsDone()
			}
			p := w.start(path)
			w.awaitCommitted(p)
			p.stop()
			w.wantOnce()
			w.wantCommittedIsDone()
		})
	}
}

func TestRun_stoppedInAHoldKillsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	w.desk.Desk(stubtrengo.Name).SetOutage(func(stub.Call) int { return http.StatusUnauthorized })
	w.produce(100, each(30))
	path := w.config(settings{})
	p := w.start(path)
	url := p.listening()
	await(t, "the hold, with the other destination done", func() bool {
		return metric(t, url, "deskstream_hold", inbox) == 1 && w.committedAll(crm)
	})
	p.stop()
	if n := w.settled(); n != 100 {
		t.Errorf("%d outcomes, want those of the other destination, 100", n)
	}
	w.desk.Desk(stubtrengo.Name).SetOutage(nil)
	p = w.start(path)
	w.awaitCommitted(p)
	p.stop()
	w.wantOnce()
	w.wantNoLetters()
}

func TestRun_aSecondSignalEndsItAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	w.desk.Desk(stubtrengo.Name).SetOutage(func(c stub.Call) int {
		if c.Mark == "" {
			return 0 // a stop does not wait for what comes before an event's first write
		}
		return stub.NeverAnswer
	})
	w.produce(1, each(1))
	p := w.start(w.config(settings{}))
	await(t, "a write that hangs", func() bool {
		p.alive()
		return slices.ContainsFunc(w.writes(), func(c stub.Call) bool { return c.Destination == inbox && c.Open })
	})
	p.signal(syscall.SIGTERM)
	p.awaitLog("pipeline stopping")
	p.signal(syscall.SIGTERM)
	<-p.ended
	p.wantExit(exitFault) // without it the call would have been waited for, and the exit in order
}

// wantNoLetters fails the test if anything was dead-lettered.
func (w *world) wantNoLetters() {
	w.t.Helper()
	if n := w.ends(lettersTopic); n > 0 {
		w.t.Errorf("%d dead letters", n)
	}
}

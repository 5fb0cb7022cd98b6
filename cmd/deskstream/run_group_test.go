package main

import (
	"syscall"
	"testing"
	"time"
)

func TestRun_instancesThatComeAndGoRepeatNothing(t *testing.T) {
	t.Parallel()
	for name, source := range protocols {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			comeAndGo(t, worldOptions{stub: slow}, source)
		})
	}
}

func comeAndGo(t *testing.T, o worldOptions, source string) {
	w := newWorld(t, o)
	w.produce(2000, each(300))
	path := w.config(settings{source: source})
	one := w.start(path)
	w.awaitWork(one)
	two := w.start(path)
	w.awaitWork(two)
	one.stop()
	w.produce(1000, each(300))
	three := w.start(path)
	w.awaitWork(three)
	two.stop()
	w.awaitCommitted(three)
	three.stop()
	w.wantOnce()
}

// awaitWork waits until an instance delivers to both help desks and they hold calls.
// On a slow machine the others may have done all by the time that the instance has its
// share, so more comes in while it waits.
func (w *world) awaitWork(p *process) {
	w.t.Helper()
	url, supplied := p.listening(), time.Now()
	await(w.t, "an instance to deliver, with 20 calls open", func() bool {
		p.alive()
		if w.desk.Open() < openCalls && time.Since(supplied) > time.Second {
			w.produce(500, each(300))
			supplied = time.Now()
		}
		return metric(w.t, url, "deskstream_events_total", inbox) > 20 && metric(w.t, url, "deskstream_events_total", crm) > 20 &&
			w.desk.Open() >= openCalls
	})
}

func TestRun_frozenBeyondItsSessionLosesNothing(t *testing.T) {
	t.Parallel()
	freeze(t, worldOptions{stub: slow}, "")
}

func freeze(t *testing.T, o worldOptions, source string) {
	w := newWorld(t, o)
	w.produce(2000, each(300))
	path := w.config(settings{source: source})
	frozen := w.start(path)
	w.awaitWork(frozen)
	frozen.signal(syscall.SIGSTOP)
	other := w.start(path)
	w.awaitWork(other) // so the session is over
	frozen.signal(syscall.SIGCONT)
	w.produce(500, each(300))
	w.awaitCommitted(other)
	frozen.stop()
	other.stop()
	if n := len(w.outcomes()); n != 2*w.produced() {
		t.Errorf("outcomes for %d events at a destination, want %d", n, 2*w.produced())
	}
	w.wantNoLetters()
	type event struct {
		outcomeKey
		op string
	}
	writes, again := map[event]int{}, 0
	for _, c := range w.writes() {
		key := event{w.keyOf(c), c.Op}
		if writes[key]++; writes[key] > 1 {
			again++
		}
	}
	t.Logf("%d of %d writes were repeated", again, len(writes))
}

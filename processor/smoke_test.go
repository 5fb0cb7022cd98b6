package processor_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/deskstream/deskstream/processor"
	"github.com/deskstream/deskstream/sink"
)

// The tests in this file run in real time, over sockets and without the tag that the
// bubbles need: the short form of what the others prove.

func TestSmoke_everyRecordGetsItsOutcomeAndIsCommitted(t *testing.T) {
	w := newWorld(t)
	for n := range 200 {
		w.send(int32(n%4), event(fmt.Sprint("u", n%20), n))
	}
	w.send(1, []byte("no json"), nil, []byte{}, []byte(`{"type":"track","event":"invalid","userId":"x"}`))
	in := w.start(often)
	w.settledAll()
	in.check()
	if f := in.Figures(); f.Delivered != 200 || f.Dead != 3 || f.Skipped != 1 || f.Open != 0 {
		t.Errorf("figures = %+v", f)
	}
	if got := len(w.outcomes()); got != 204 {
		t.Errorf("%d outcomes, want 204", got)
	}
	in.stop()
}

func TestSmoke_aStopAndARestartRepeatNothingAndKeepOrder(t *testing.T) {
	w := newWorld(t)
	w.desk.answers(func(s seen) (int, time.Duration) { return 201, 5 * time.Millisecond })
	for u := range 8 {
		w.sendUser(int32(u%4), fmt.Sprint("u", u), 1, 30)
	}
	first := w.start(often)
	w.eventually("a third", func() bool { return len(w.desk.ids()) > 80 })
	first.stop()
	second := w.start(often)
	w.settledAll()
	second.check()
	for u := range 8 {
		got := w.desk.of(fmt.Sprint("u", u))
		if len(got) != 30 || !slices.IsSortedFunc(got, byNumber) {
			t.Errorf("calls of u%d: %v", u, got)
		}
	}
	second.stop()
}

func TestSmoke_anInstanceThatIsCutOffRepeatsAtMostWhatWasInTheAir(t *testing.T) {
	w := newWorld(t)
	w.desk.answers(func(s seen) (int, time.Duration) { return 201, 20 * time.Millisecond })
	for u := range 8 {
		w.sendUser(int32(u%4), fmt.Sprint("u", u), 1, 20)
	}
	short := func(c *processor.Config, _ *sink.Config) {
		c.CommitInterval, c.SessionTimeout, c.DrainTimeout = time.Hour, 2*time.Second, 100*time.Millisecond
	}
	first := w.start(short)
	w.eventually("a third", func() bool { return len(w.desk.ids()) > 50 })
	first.kill()
	second := w.start(often)
	w.settledAll()
	second.check()
	if got := len(w.desk.ids()); got > 160+8 {
		t.Errorf("%d calls for 160 events in 8 lanes", got)
	}
	second.stop()
}

func often(c *processor.Config, _ *sink.Config) { c.CommitInterval = 20 * time.Millisecond }

// byNumber compares u1-1 and u1-2 by what follows the dash.
func byNumber(a, b string) int {
	var na, nb int
	_, _ = fmt.Sscanf(a[len("u0-"):], "%d", &na)
	_, _ = fmt.Sscanf(b[len("u0-"):], "%d", &nb)
	return na - nb
}
